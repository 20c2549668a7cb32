"""What leaves the site is sealed: packed, compressed, and encrypted with openssl. Nobody off site can read it, nor change it unseen.

    openssl enc -aes-256-cbc -pbkdf2 -salt -pass file:KEY        the command of 002:786's check, so that `openssl enc -d` opens it

The key stays in a file of the drill's own folder, on site; a copy of it belongs where neither site burns. The encryption alone
would not notice every change: the SHA-256 of each object is kept on site, in SHA256SUMS.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import subprocess
from pathlib import Path

from harness.errors import HarnessError
from harness.stack.backup_store import Store

HEAD = b"Salted__"  # how everything begins that openssl has encrypted
_CIPHER = "-aes-256-cbc -pbkdf2"
_WITHIN_S = 120.0  # wall, for one of these programs
_PACK = f'tar -C "$1" -S -cf - . | gzip -1 | openssl enc {_CIPHER} -salt -pass file:"$2" -out "$3"'
_UNPACK = f'openssl enc -d {_CIPHER} -pass file:"$2" -in "$1" | gzip -d | tar -C "$3" --no-same-owner -xpf -'
_SQUEEZE = f'gzip -1 -c "$1" | openssl enc {_CIPHER} -salt -pass file:"$2" -out "$3"'
_SPREAD = (  # an early switched segment is mostly nothing: zeros become holes
    f'openssl enc -d {_CIPHER} -pass file:"$2" -in "$1" | gzip -d | dd conv=sparse bs=64k iflag=fullblock status=none of="$3"'
)
_SEALED_FOLDER, _SEALED_FILE = ".tar.gz.enc", ".gz.enc"


class Vault:
    """Seals what goes to a store and opens what comes from it. Names are those of what was sealed. Raises HarnessError."""

    def __init__(self, store: Store, folder: Path) -> None:
        """`folder` is on site: it holds the key, the sums, and what is on its way."""
        self.store, self.key, self.sums = store, folder / "key", folder / "SHA256SUMS"
        self._way = folder / "on-its-way"
        self._digests: dict[str, str] = {}
        self._key_id: bytes | None = None

    async def start(self) -> None:
        """Make the key, and have the store listen."""
        self._way.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._key_id is None:
            self.key.touch(mode=0o600)
            self.key.write_text(secrets.token_hex(32) + "\n")
            self._key_id = _id_of(self.key.read_bytes())
        await self.store.start()

    # --- in and out -------------------------------------------------------------------------------------------

    async def put_folder(self, name: str, folder: Path) -> None:
        """Seal a folder and bring it there."""
        await self._put(name + _SEALED_FOLDER, _PACK, folder)

    async def put_file(self, name: str, path: Path) -> None:
        """Seal a file and bring it there."""
        await self._put(name + _SEALED_FILE, _SQUEEZE, path)

    async def get_folder(self, name: str, target: Path) -> None:
        """Fetch a folder and open it at `target`, which is made."""
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._get(name + _SEALED_FOLDER, _UNPACK, target)

    async def get_file(self, name: str, target: Path) -> None:
        """Fetch a file and open it at `target`."""
        target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        await self._get(name + _SEALED_FILE, _SPREAD, target)

    async def names(self, prefix: str = "") -> list[str]:
        """What lies there, as it was called here."""
        return [_plain(each) for each in await self.store.names() if each.startswith(prefix)]

    async def changed(self) -> dict[str, str]:
        """What is not there any more, or not as it was put there: each object fetched, and held against its SHA-256. By its name here."""
        there = set(await self.store.names())
        wrong = {}
        for sealed, digest in sorted(self._digests.items()):
            if sealed not in there:
                wrong[_plain(sealed)] = f"{sealed} is missing"
            elif await self._digest_there(sealed) != digest:
                wrong[_plain(sealed)] = f"{sealed} is not what was shipped: its SHA-256 differs"
        return wrong

    async def unsealed(self) -> list[str]:
        """Objects there that do not begin as openssl's do: whoever reads the store reads them."""
        found = []
        for sealed in await self.store.names():
            path = self._way / "looked-at"
            await self.store.get(sealed, path)
            if path.read_bytes()[: len(HEAD)] != HEAD:
                found.append(sealed)
        return found

    # --- one object -------------------------------------------------------------------------------------------

    @staticmethod
    def sealed_folder(name: str) -> str:
        """What the object is called in which a folder of this name lies."""
        return name + _SEALED_FOLDER

    async def _put(self, sealed: str, script: str, source: Path) -> None:
        self._check_key()
        part = self._way / "sealed"
        await _run(script, source, self.key, part)
        digest = await asyncio.to_thread(_digest, part)
        await self.store.put(sealed, part)
        self._digests[sealed] = digest
        self.sums.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(self._digests.items())))

    async def _get(self, sealed: str, script: str, target: Path) -> None:
        self._check_key()
        part = self._way / "fetched"
        await self.store.get(sealed, part)
        known = self._digests.get(sealed)
        if known is not None and await asyncio.to_thread(_digest, part) != known:
            raise HarnessError(f"{sealed} is not what was shipped: its SHA-256 differs")
        await _run(script, part, self.key, target)

    async def _digest_there(self, sealed: str) -> str:
        path = self._way / "looked-at"
        await self.store.get(sealed, path)
        return await asyncio.to_thread(_digest, path)

    def _check_key(self) -> None:
        """Another key would seal what nobody can open later."""
        try:
            found = self.key.read_bytes()
        except OSError as error:
            raise HarnessError(f"the key of the backups is gone, {self.key}: nothing off site can be read without it") from error
        if self._key_id is None or not hmac.compare_digest(_id_of(found), self._key_id):
            raise HarnessError(f"{self.key} is not the key that the backups off site were sealed with")


async def _run(script: str, *arguments: Path) -> None:
    command = ["bash", "-c", f"set -o pipefail; {script}", "bash", *map(str, arguments)]
    try:
        ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HarnessError(f"sealing {arguments[0].name}: {error}") from error
    if ran.returncode:
        said = " / ".join(ran.stderr.decode(errors="replace").strip().splitlines()[-2:])
        raise HarnessError(f"{arguments[0].name} can't be sealed or opened (exit code {ran.returncode}): {said}")


def _plain(sealed: str) -> str:
    return sealed.removesuffix(_SEALED_FOLDER).removesuffix(_SEALED_FILE)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _id_of(key: bytes) -> bytes:
    return hashlib.sha256(b"key of the backups\n" + key).digest()
