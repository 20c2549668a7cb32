"""Lays Debian's packages out as the roots of images: apt fetches and verifies them, and none is configured.

So no script of a package runs and no service starts, and it takes a third of the time of debootstrap. What their scripts would
have done, as far as it is needed, stands in `finish_base`, `add_locale` and the Dockerfiles.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from urllib.parse import unquote

# What the tags of the images promise of Debian's versions.
VERSIONS = {
    "base-files": "12.",
    "postgresql-15": "15.",
    "redis-server": "5:7.",
    "prometheus": "2.42.0",
    "prometheus-alertmanager": "0.25.0",
    "python3.11": "3.11.",
}
# The packages that an image has of its own; those that it has on top of the base, and those of an image that stands on nothing.
OWN = {
    "postgres": ("gosu", "locales", "postgresql-15", "postgresql-client-15"),
    "redis": ("gosu", "redis-server", "redis-tools"),
    "drill": (
        "curl", "git", "iproute2", "jq", "libpython3-stdlib", "libpython3.11-minimal", "libpython3.11-stdlib", "make",
        "postgresql-client-15", "procps", "python3", "python3-minimal", "python3.11", "python3.11-minimal", "redis-tools",
    ),
    "prometheus": ("busybox-static", "libc6", "prometheus"),
    "alertmanager": ("busybox-static", "libc6", "prometheus-alertmanager"),
}  # fmt: skip
# The base has these, and whatever else apt fetches because one of them or of the above depends on it.
ESSENTIAL = (
    "base-files", "base-passwd", "bash", "ca-certificates", "coreutils", "dash", "debianutils", "diffutils", "findutils", "grep",
    "gzip", "hostname", "libc-bin", "libc6", "mawk", "ncurses-base", "ncurses-bin", "sed", "tar", "usr-is-merged", "util-linux",
)  # fmt: skip
# Others depend on these, and nothing that runs in a drill does: apt is told that they are there.
NOT_NEEDED = (
    "adduser", "debconf", "fonts-glyphicons-halflings", "init-system-helpers", "install-info", "liberror-perl",
    "libjs-bootstrap4", "libjs-eonasdan-bootstrap-datetimepicker", "libjs-jquery", "libjs-jquery-hotkeys", "libjs-moment",
    "libjs-moment-timezone", "libjs-mustache", "libjs-popper.js", "libjs-rickshaw", "libllvm14", "lsb-base", "openssl", "perl",
    "perl-base", "postgresql-client-common", "postgresql-common", "sensible-utils", "ssl-cert", "sysvinit-utils", "ucf",
)  # fmt: skip
LEFT_OUT = (
    "./usr/share/doc/*", "./usr/share/info/*", "./usr/share/lintian/*", "./usr/share/locale/*", "./usr/share/man/*",
    "./usr/lib/postgresql/*/lib/bitcode/*", "./usr/lib/postgresql/*/lib/llvmjit*",
)  # fmt: skip
_INSTALLED = (
    "Package: {}\nStatus: install ok installed\nVersion: 999:0\nArchitecture: all\nMulti-Arch: allowed\nMaintainer: -\n\n"
)
_QUOTED_LINES = 15


class NotBuilt(Exception):
    """An image can't be built or had; the message says why and what to do."""


def run(*command: str | Path, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """What a command says on standard output. Raises NotBuilt with the last it said when it fails."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise NotBuilt(f"{command[0]} does not start: {error}") from error
    if done.returncode != 0:
        said = "\n  ".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-_QUOTED_LINES:])
        words = [str(word) for word in command if not str(word).startswith("-") and "=" not in str(word)]
        raise NotBuilt(f"`{' '.join(words[:3])}` ended with {done.returncode}:\n  {said}")
    return done.stdout


def pipe(source: Sequence[str | Path], sink: Sequence[str | Path], what: str) -> None:
    """Run `source | sink`. Raises NotBuilt when either fails."""
    with subprocess.Popen(source, stdout=subprocess.PIPE) as giving:
        taking = subprocess.run(sink, stdin=giving.stdout, capture_output=True, text=True, errors="replace", check=False)
    if giving.returncode or taking.returncode:
        raise NotBuilt(f"{what} failed: {taking.stderr.strip() or f'{source[0]} ended with {giving.returncode}'}")


def fetch(folder: Path) -> dict[str, Path]:
    """Every package of every image, by name. Uses apt's lists as they are here, and fresh ones where these do not do."""
    try:
        return _fetch(_apt(folder / "known"))
    except NotBuilt:
        lists = folder / "fresh" / "lists"
        (lists / "partial").mkdir(parents=True)
        apt = [*_apt(folder / "fresh"), "-o", f"Dir::State::lists={lists}"]
        run(*apt, "update")
        return _fetch(apt)


def _apt(folder: Path) -> list[str | Path]:
    """An apt-get for which nothing but NOT_NEEDED is installed, and that leaves the machine's own state alone."""
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True)
    (folder / "status").write_text("".join(map(_INSTALLED.format, NOT_NEEDED)), encoding="utf-8")
    settings = {
        "Acquire::Retries": "3", "APT::Install-Recommends": "false", "APT::Sandbox::User": "root", "Debug::NoLocking": "true",
        "APT::Update::Error-Mode": "any", "Dir::Cache": folder, "Dir::Cache::archives": archives, "Dir::State::status": folder / "status",
        "Dir::State::extended_states": folder / "extended_states",
    }  # fmt: skip
    return ["apt-get", *(word for name, value in settings.items() for word in ("-o", f"{name}={value}"))]


def _fetch(apt: Sequence[str | Path]) -> dict[str, Path]:
    named = {*ESSENTIAL, *(name for names in OWN.values() for name in names)}
    run(*apt, "--yes", "--download-only", "install", *sorted(named))
    archives = next(Path(str(word).partition("=")[2]) for word in apt if str(word).startswith("Dir::Cache::archives="))
    packages = {path.name.split("_")[0]: path for path in archives.glob("*.deb")}
    check_versions({name: unquote(path.name.split("_")[1]) for name, path in packages.items()})
    return packages


def check_versions(found: Mapping[str, str]) -> None:
    """Raises NotBuilt when a tag would promise another version than the one inside."""
    for name, start in VERSIONS.items():
        if not found.get(name, "none").startswith(start):
            raise NotBuilt(
                f"{name} is {found.get(name, 'none')} here and the stand-ins are of {start}*: they are for Debian 12. "
                "Name images of your own with GAMEDAY_IMAGE_POSTGRES=... and its like."
            )


def unpack(packages: Mapping[str, Path], work: Path, pool: Executor) -> None:
    """Make work/base/root, and work/PART/root for each image that has packages of its own."""
    shared = (packages.keys() - {name for names in OWN.values() for name in names}) | {*ESSENTIAL}
    roots = {work / part / "root": names for part, names in {"base": shared, **OWN}.items()}
    for root in roots:
        _make_root(root)
    each = ((packages[name], root) for root, names in roots.items() for name in names)
    largest_first = sorted(each, key=lambda pair: -pair[0].stat().st_size)
    list(pool.map(lambda pair: _unpack(*pair), largest_first))


def _make_root(root: Path) -> None:
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")


def _unpack(package: Path, root: Path) -> None:
    left_out = [f"--exclude={path}" for path in LEFT_OUT]
    into: list[str | Path] = ["tar", "--extract", "--directory", root, "--keep-directory-symlink", *left_out]
    pipe(["dpkg-deb", "--fsys-tarfile", package], into, f"unpacking {package.name}")


def finish_base(root: Path) -> None:
    """What the scripts of the essential packages would have done."""
    copies = {
        "base-passwd/passwd.master": "passwd", "base-passwd/group.master": "group", "libc-bin/nsswitch.conf": "nsswitch.conf",
        "base-files/profile": "profile",
    }  # fmt: skip
    for source, target in copies.items():
        shutil.copy(root / "usr/share" / source, root / "etc" / target)
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    for name, target in {"awk": "mawk", "which": "which.debianutils"}.items():
        (root / "usr/bin" / name).symlink_to(target)
    for name, target in {"run": "/run", "lock": "/run/lock"}.items():
        (root / "var" / name).rmdir()
        (root / "var" / name).symlink_to(target)
    (root / "run/lock").mkdir(mode=0o1777)
    run("ldconfig", "-r", root)


def add_locale(root: Path) -> None:
    """The locale of the official Postgres image, compiled from the sources in the root, which then need not be there."""
    sources, locales = root / "usr/share/i18n", root / "usr/lib/locale"
    locales.mkdir(parents=True, exist_ok=True)
    run(
        "localedef", "--no-archive", "--inputfile=en_US", "--charmap=UTF-8", locales / "en_US.utf8",
        environment={**os.environ, "I18NPATH": str(sources)},
    )  # fmt: skip
    shutil.rmtree(sources)
