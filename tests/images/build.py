"""Builds stand-ins of the official images, on a Debian 12 machine that reaches Debian and Go modules but no image registry.

    python tests/images/build.py          (root, a Docker engine, Go, and of Python the standard library alone)

They are for CI: whoever reaches a registry uses the official images, and so does CI where the caller names them
(`GAMEDAY_IMAGE_POSTGRES=...` and its like: such a one is pulled where it is missing, and not built). Each takes the
environment and the arguments of the official image and has no program on PATH that the official one lacks, so that what
works here works there; `test_images.py` holds either to the same contract. Where they differ:

- The versions are Debian's; another Debian is refused, since the tags would lie.
- The user `redis` has the id 998.
- Debian builds Prometheus without the React interface.

What an image is stands in its folder and in `debian.py`. A label holds the hash of it all; an image that carries the right
one is not built again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
sys.path.insert(0, str(PROJECT))

from tests.images.debian import NotBuilt, add_locale, fetch, finish_base, pipe, run, unpack  # noqa: E402 - it is run as a script

RECIPE_LABEL = "gameday.recipe"
BASE = "gameday-test/base:12"  # what postgres, redis and drill have in common
IMAGES = {
    "drill": "gameday-test/drill:3.11",
    "prometheus": "gameday-test/prometheus:2.42.0",
    "alertmanager": "gameday-test/alertmanager:0.25.0",
    "postgres": "gameday-test/postgres:15",
    "redis": "gameday-test/redis:7",
    "toxiproxy": "gameday-test/toxiproxy:2.12.0",
}
_SCRIPTS = ("build.py", "debian.py")


def variable(part: str) -> str:
    """The environment variable that names the image of a part."""
    return f"GAMEDAY_IMAGE_{part.upper()}"


def provide(environment: Mapping[str, str]) -> None:
    """See that all six images are there: those that the caller named, the stand-ins for the others. Raises NotBuilt."""
    names = {part: environment.get(variable(part)) or name for part, name in IMAGES.items()}
    for part, name in names.items():
        if name != IMAGES[part]:
            pull(name)
    digest = recipe()
    there = standing(digest)
    if missing := [part for part, name in names.items() if name == IMAGES[part] and name not in there]:
        build(missing, digest)


def pull(name: str) -> None:
    """See that an image which the caller named is there."""
    try:
        run("docker", "image", "inspect", name)
    except NotBuilt:
        run("docker", "pull", "--quiet", name)


def recipe() -> str:
    """The hash of all that decides what the images are."""
    digest = hashlib.sha256()
    for path in sorted(HERE.rglob("*")):
        name = path.relative_to(HERE)
        if path.is_file() and (name.name in _SCRIPTS or name.parts[0] in IMAGES):
            digest.update(f"{name} {path.stat().st_mode:o} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def standing(digest: str) -> set[str]:
    """The images that the engine has from this recipe."""
    listed = run("docker", "images", "--filter", f"label={RECIPE_LABEL}={digest}", "--format", "{{.Repository}}:{{.Tag}}")
    return set(listed.split())


class Stopwatch:
    """Tells how long each step took."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self, what: str) -> None:
        now = time.monotonic()
        print(f"{now - self._since:5.1f} s  {what}", flush=True)  # noqa: T201 - a script tells how it goes
        self._since = now


def build(parts: Sequence[str], digest: str) -> None:
    """Build these images. Go builds Toxiproxy beside the others: it takes longer than all of them."""
    told = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="gameday-images-") as folder, ThreadPoolExecutor(4) as pool:
        work = Path(folder)
        for part in parts:
            shutil.copytree(HERE / part, work / part)
        beside = [pool.submit(build_toxiproxy, work / "toxiproxy", digest)] if "toxiproxy" in parts else []
        if of_debian := [part for part in parts if part != "toxiproxy"]:
            build_debian(of_debian, work, digest, pool)
        for future in beside:
            future.result()
    run("docker", "image", "prune", "--force", "--filter", f"label={RECIPE_LABEL}")  # what these took the names of
    told(f"for {len(parts)} images in all")


def build_debian(parts: Sequence[str], work: Path, digest: str, pool: Executor) -> None:
    """The images that are made of Debian's packages."""
    told = Stopwatch()
    packages = fetch(work / "apt")
    told(f"{len(packages)} packages fetched")
    unpack(packages, work, pool)
    finish_base(work / "base" / "root")
    if "postgres" in parts:
        add_locale(work / "postgres" / "root")
    told("unpacked")
    import_base(work / "base" / "root", digest)
    told(f"{BASE} imported")
    list(pool.map(lambda part: build_image(part, work / part, digest), parts))
    told(f"{', '.join(parts)} built")


def import_base(root: Path, digest: str) -> None:
    label = f"LABEL {RECIPE_LABEL}={digest}"
    importing = ["docker", "import", "--change", label, "--change", 'CMD ["bash"]', "-", BASE]
    pipe(["tar", "--create", "--directory", root, "."], importing, f"importing {BASE}")


def build_image(part: str, context: Path, digest: str) -> None:
    label = f"{RECIPE_LABEL}={digest}"
    run("docker", "build", "--quiet", "--force-rm", "--network=none", f"--label={label}", f"--tag={IMAGES[part]}", context)


def build_toxiproxy(context: Path, digest: str) -> None:
    """The server and its command, linked statically: the image has nothing else."""
    from harness.toxiproxy_server import VERSION, install_toxiproxy

    if not IMAGES["toxiproxy"].endswith(f":{VERSION}"):
        raise NotBuilt(f"the harness uses Toxiproxy {VERSION}: rename {IMAGES['toxiproxy']} in build.py and the Makefile.")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    shutil.copy(install_toxiproxy(environment).program, context / "toxiproxy")
    module = "github.com/Shopify/toxiproxy/v2"
    run(
        "go", "install", "-ldflags", f"-s -w -X {module}.Version={VERSION}", f"{module}/cmd/cli@v{VERSION}",
        cwd=context, environment={**environment, "GOBIN": str(context), "GOFLAGS": ""},
    )  # fmt: skip
    (context / "cli").rename(context / "toxiproxy-cli")
    build_image("toxiproxy", context, digest)


def main() -> int:
    """Exit code 0: all six are there; 1: not, and why stands on standard error."""
    from harness.errors import HarnessError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the temporary folder goes
    try:
        provide(os.environ)
    except (NotBuilt, HarnessError) as error:
        print(f"build.py: {error}", file=sys.stderr)  # noqa: T201 - a script tells what failed
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
