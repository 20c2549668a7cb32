"""The file system that a drill sees: system folders read-only, its own folders on a private tmpfs, and nothing of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.sandbox import linux

UID = 1000  # inside; any ordinary uid: Postgres refuses to run as root
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "alternatives",
    "ssl",
    "ca-certificates",
    "protocols",
    "services",
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_FILES = {
    "passwd": f"root:x:0:0:root:/:/bin/false\noperator:x:{UID}:{UID}:operator:/home/operator:/bin/bash\n",
    "group": f"root:x:0:\noperator:x:{UID}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "resolv.conf": "",
    "hostname": "gameday\n",
}


RUN = Path("/run/gameday")  # inside: where a drill keeps what runs
WORKSTATION = Path("/run/workstation")  # inside: the operator's workstation, where it has a file system of its own
INNER = Path("/run/inner")  # inside: where the root of a sandbox within this one is built
_MOUNTED_ON = Path("/sys")  # a folder that every machine has and no drill is shown


def build_root(
    *, read_only: Sequence[Path], writable: Sequence[Path], run: Path | None = None, at: Path | None = None, temporary: Path | None = None,
    workstation_mb: int | None = None, largest_mb: int | None = None, linked: Path | None = None, hosts: Sequence[str] = (),
) -> None:  # fmt: skip
    """Build the drill's root, and make it this process's root.

    `read_only` and `writable` folders or files of the host appear under their own paths; nothing else of the host but
    the system's programs and libraries does. RUN lies on the private tmpfs, or in the host's folder `run`; WORKSTATION, with
    `workstation_mb`, on one of its own of that size. `largest_mb` limits the private tmpfs, `temporary` is shown as /tmp, and the
    root is built at `at`. What lies in `linked` is found at the root too, and `hosts` are names of this machine. Needs all capabilities in a user and a mount namespace, and a pid namespace whose first process this is.
    Raises OSError.
    """
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    root, flags = at or _MOUNTED_ON, linux.MS_NOSUID | linux.MS_NODEV
    size = f",size={largest_mb}m" if largest_mb else ""
    linux.mount("tmpfs", str(root), "tmpfs", flags, f"mode=0755{size}")
    for name in _SYSTEM:
        _show_system_folder(root, name)
    _make_dev(root / "dev", size)  # before what is shown: that may lie below /dev/shm, or below /tmp
    if temporary is not None:
        (root / "tmp").mkdir()
        linux.bind(str(temporary), str(root / "tmp"), read_only=False)
    for path in _outermost(read_only):
        _show(root, path, read_only=True)
    for path in writable:
        _show(root, path, read_only=False)
    for folder in ("tmp", "run/gameday", "run/inner", "var/tmp", "var/log", "home/operator", "proc", "etc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    if run is not None:
        linux.bind(str(run), str(root / RUN.relative_to("/")), read_only=False)
    if workstation_mb:
        (root / WORKSTATION.relative_to("/")).mkdir(parents=True)
        linux.mount("tmpfs", str(root / WORKSTATION.relative_to("/")), "tmpfs", flags, f"mode=0755,size={workstation_mb}m")
    _make_etc(root / "etc", hosts)
    if linked is not None and linked.is_dir():
        _link(linked, root)
    linux.mount("proc", str(root / "proc"), "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    linux.pivot_root(str(root))


def _show_system_folder(root: Path, name: str) -> None:
    source = Path("/", name)
    if source.is_symlink():  # merged /usr: /bin is usr/bin
        (root / name).symlink_to(source.readlink())
    elif source.is_dir():
        (root / name).mkdir()
        linux.bind(str(source), str(root / name))


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """Without those that lie below another one or below a system folder."""
    resolved = sorted({path.resolve() for path in paths})
    system = [Path("/usr")]
    kept: list[Path] = []
    for path in resolved:
        if not any(path.is_relative_to(outer) for outer in [*system, *kept]):
            kept.append(path)
    return kept


def _show(root: Path, path: Path, *, read_only: bool) -> None:
    target = root / path.resolve().relative_to("/")
    if path.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.bind(str(path.resolve()), str(target), read_only=read_only)


def _link(folder: Path, onto: Path) -> None:
    """Have what lies in `folder` found below `onto`: what is there already stays."""
    for entry in sorted(folder.iterdir()):
        place = onto / entry.name
        if place.is_dir() and not place.is_symlink() and entry.is_dir() and not entry.is_symlink():
            _link(entry, place)
        elif not place.is_symlink() and not place.exists():
            place.symlink_to(entry)


def _make_etc(etc: Path, hosts: Sequence[str]) -> None:
    for name, text in _FILES.items():
        (etc / name).write_text(text)
    with (etc / "hosts").open("a") as file:
        file.writelines(f"127.0.0.1 {each}\n" for each in hosts)
    for name in _ETC:
        source = Path("/etc", name)
        if source.exists():
            _show(etc.parent, source, read_only=True) if not source.is_symlink() else _copy_link(source, etc / name)


def _copy_link(source: Path, target: Path) -> None:
    """A link such as /etc/localtime leads into /usr, which is there."""
    target.symlink_to(source.resolve())


def _make_dev(dev: Path, size: str) -> None:
    for name in ("shm", "pts"):
        (dev / name).mkdir(parents=True)
    linux.mount("tmpfs", str(dev / "shm"), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, f"mode=1777{size}")
    for name in _DEVICES:
        (dev / name).touch()
        linux.bind(f"/dev/{name}", str(dev / name), read_only=False)
    linux.mount("devpts", str(dev / "pts"), "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    (dev / "ptmx").symlink_to("pts/ptmx")
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}.items():
        (dev / name).symlink_to(target if name == "fd" else f"/proc/self/{target}")
