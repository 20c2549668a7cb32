"""The operator's workstation of a drill: home, commands and checkout, and an environment that knows nothing of the caller.

    <folder>/home       HOME: ~/.gitconfig, ~/.aws
    <folder>/bin        first on PATH: the stand-ins, the real clients, the platform's scripts
    <folder>/checkout   where commands run: the platform's repository, a real one
    <folder>/root       what lies at the root of the machine: /scripts, /backups, /migrations ...
    <folder>/cloud      what the object store holds at first, by bucket
    <folder>/python     the environment of `python`, `aws` and `alembic`

Nothing of the caller gets in: not HOME, not PATH, no credentials.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fakes.commands.install import install_commands
from harness.errors import HarnessError
from harness.respond.checkout import make_checkout
from harness.respond.described import EAFIX_COMPOSE, compose_file
from harness.respond.platform import Platform, read_platform
from harness.respond.programs import install_python, write_launcher
from harness.respond.root import make_root, mapped_paths
from scenarios.model import Stack

__all__ = ["EAFIX_COMPOSE", "Endpoints", "Workstation", "build_workstation", "compose_file"]

POSTGRES, REDIS = "postgres", "redis"  # the names of the service addresses
_REDIS_PORT = 6379  # what redis-cli takes when it is told nothing
_CONNECT_TIMEOUT_S = 5
_SYSTEM = "/usr/bin:/bin"
_REGION = "eu-central-1"
_PAGER_KEY = "00000000000000000000000000eafix0"  # any of 32 characters is known to the pager, unless the stack says which
_HOST_PORT = re.compile(r"(?<![\w.])(localhost|127\.0\.0\.1):(\d{2,5})\b")
_PORT_OPTION = re.compile(r"((?<=\s)-p\s*|--port[= ]|\bport=)(\d{2,5})\b")
_NGINX = "/etc/nginx/nginx.conf"
_PORT_OF = re.compile(r"\{port:([\w-]+)\}")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the commands find what they act through, host:port, and the database they open when told nothing."""

    control: str
    prometheus: str
    database: str
    user: str
    ports: Mapping[int, int] = field(default_factory=dict)  # documented to actual, of those that differ
    cloud: str = ""  # the object store and name service of `aws`; none: `aws` reaches nothing
    clock: Path | None = None  # the page of the documented clock
    certificates: Path | None = None  # of the authority that signed the ingress's
    folders: Mapping[str, Path] = field(default_factory=dict)  # of the stack, by documented path: /var/lib/redis


@dataclass(frozen=True, slots=True)
class Workstation:
    """A workstation that was built."""

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[int, int]

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def root(self) -> Path:
        """What stands for the root of the machine."""
        return self.folder / "root"

    def translated(self, block: str) -> str:
        """The block with documented ports and paths replaced by the actual ones; the block itself where they are the same.

        Finds `localhost:8080`, `127.0.0.1:8080`, `-p 5432`, `--port=5432` and `port=5432`; a port that the shell itself
        puts together is not found. Paths: those of `harness.respond.root`.
        """
        return mapped_paths(_mapped_ports(block, self.ports), self.root) if self.ports else block


def build_workstation(
    folder: Path, stack: Stack, endpoints: Endpoints, *, programs: Mapping[str, Path], python: str = sys.executable
) -> Workstation:
    """Make a workstation in `folder`. `programs` are real programs by command name: psql, redis-cli, jq ...

    It takes about 50 ms and blocks. Raises HarnessError when the folder cannot be written, or there is no such checkout.
    """
    home, commands = folder / "home", folder / "bin"
    platform = read_platform(stack.checkout)

    def adapted(script: str) -> str:
        return _mapped_ports(script, endpoints.ports)

    try:
        home.mkdir(parents=True, exist_ok=True)
        install_commands(commands, python, programs)
        install_python(commands, folder / "python", python)
        make_root(folder / "root", platform, {**endpoints.folders, **_deployed(folder, platform)}, adapted)
        _put_scripts_on_path(folder / "root/scripts", commands)
        git = programs.get("git") or _on_system("git")
        make_checkout(folder, home, stack, platform, git=git, now_s=time.time(), adapted=adapted)
        _configure_aws(home / ".aws", endpoints.cloud)
        (folder / "cloud").mkdir(exist_ok=True)
        if _REDIS_PORT in endpoints.ports and "redis-cli" in programs:
            _default_port(commands / "redis-cli", programs["redis-cli"], endpoints.ports[_REDIS_PORT])
    except OSError as error:
        raise HarnessError(
            f"the operator's workstation could not be made: {error.filename or folder}: {error.strerror or error}. "
            "Free some space, or choose another place with --out DIR."
        ) from error
    return Workstation(folder, _environment(folder, stack, platform, endpoints), endpoints.ports)


# --- environment -------------------------------------------------------------------------------------------------------


def _environment(folder: Path, stack: Stack, platform: Platform, endpoints: Endpoints) -> dict[str, str]:
    home = folder / "home"
    postgres = stack.addresses[POSTGRES].port if POSTGRES in stack.addresses else 5432
    values = {
        "PATH": f"{folder / 'bin'}:{_SYSTEM}",
        "HOME": str(home),
        "USER": "operator",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PAGER": "cat",
        "GIT_CONFIG_NOSYSTEM": "1",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(endpoints.ports.get(postgres, postgres)),
        "PGUSER": endpoints.user,
        "PGDATABASE": endpoints.database,
        "PGCONNECT_TIMEOUT": str(_CONNECT_TIMEOUT_S),
        "AWS_CONFIG_FILE": str(home / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / ".aws/credentials"),
        "GAMEDAY_CONTROL": endpoints.control,
        "GAMEDAY_MACHINE": str(folder / "root"),
        "GAMEDAY_CLOUD": str(folder / "cloud"),
        "EAFIX_PROMETHEUS": endpoints.prometheus,
        **_told_where_known(folder, stack, platform, endpoints),
    }
    return values | {name: _with_ports(value, stack, endpoints.ports) for name, value in stack.environment.items()}


def _deployed(folder: Path, platform: Platform) -> dict[str, Path]:
    """Files of the checkout that the machine itself uses, by where it looks for them."""
    return {_NGINX: folder / "checkout/nginx.conf"} if "nginx.conf" in platform.checkout() else {}


def _told_where_known(folder: Path, stack: Stack, platform: Platform, endpoints: Endpoints) -> dict[str, str]:
    """What not every platform has: a pager, a clock, certificates, a zone of names; a port that differs where no command says it."""
    values: dict[str, str] = {}
    if deployed := _deployed(folder, platform):
        values["GAMEDAY_NGINX_CONF"] = str(deployed[_NGINX])
    if platform.zones:
        values["GAMEDAY_ZONE_ID"] = next(iter(platform.zones))
    if endpoints.clock is not None:
        values["GAMEDAY_CLOCK"] = str(endpoints.clock)
    if endpoints.certificates is not None:
        values["CURL_CA_BUNDLE"] = str(endpoints.certificates)
    if _REDIS_PORT in endpoints.ports:
        values["REDIS_PORT"] = str(endpoints.ports[_REDIS_PORT])
    for service in stack.services.values():
        if service.program == "pager":
            values["EAFIX_PAGER"] = f"127.0.0.1:{endpoints.ports.get(service.port, service.port)}"
            values["EAFIX_PAGER_KEY"] = str(service.settings.get("pager.routing_key") or _PAGER_KEY)
    return values


def _with_ports(value: str, stack: Stack, ports: Mapping[int, int]) -> str:
    """The value with each `{port:NAME}` replaced by the actual port of that address or service. Raises HarnessError."""
    documented = {name: service.port for name, service in stack.services.items()}
    documented |= {name: address.port for name, address in stack.addresses.items()}

    def actual(found: re.Match[str]) -> str:
        if found[1] not in documented:
            raise HarnessError(f"the environment of the operator names {found[0]}, and the stack has no {found[1]!r}")
        port = documented[found[1]]
        return str(ports.get(port, port))

    return _PORT_OF.sub(actual, value)


def _mapped_ports(text: str, ports: Mapping[int, int]) -> str:
    def actual(found: re.Match[str]) -> str:
        port = int(found[2])
        return found[0].removesuffix(found[2]) + str(ports.get(port, port))

    return _PORT_OPTION.sub(actual, _HOST_PORT.sub(actual, text)) if ports else text


# --- files -------------------------------------------------------------------------------------------------------------


def _configure_aws(folder: Path, cloud: str) -> None:
    """Credentials that nobody outside knows, and the drill's own cloud in place of Amazon's."""
    folder.mkdir(exist_ok=True)
    where = f"endpoint_url = http://{cloud or '127.0.0.1:1'}\n"
    (folder / "config").write_text(f"[default]\nregion = {_REGION}\noutput = json\ncli_pager =\n{where}", encoding="utf-8")
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = gameday\naws_secret_access_key = gameday\n", encoding="utf-8"
    )


def _put_scripts_on_path(scripts: Path, commands: Path) -> None:
    """Each script of the platform is a command too; what the others only read is not."""
    for script in sorted(scripts.glob("*.sh")) if scripts.is_dir() else ():
        if script.stat().st_mode & 0o100:
            (commands / script.name).unlink(missing_ok=True)
            (commands / script.name).symlink_to(script)


def _default_port(path: Path, program: Path, port: int) -> None:
    """A redis-cli that is told nothing must not talk to whatever listens on the machine's own standard port."""
    write_launcher(path, f'exec {shlex.quote(str(program))} -p {port} "$@"')


def _on_system(command: str) -> Path | None:
    found = shutil.which(command, path=_SYSTEM)
    return Path(found) if found else None
