"""Where backups lie off site: a folder that stands for another machine, or a bucket of an object store of its own (moto's S3).

Both hold objects by name and nothing else; what is put into them is sealed already (`backup_vault`).
"""

from __future__ import annotations

import asyncio
import html
import re
import shutil
from pathlib import Path
from typing import Literal, Protocol, get_args

import httpx

from harness.errors import HarnessError
from harness.stack.cloud import Cloud

StoreKind = Literal["folder", "bucket"]
STORE_KINDS: tuple[StoreKind, ...] = get_args(StoreKind)
BUCKET = "gameday-backups"
_SIGNED = (
    "AWS4-HMAC-SHA256 Credential=gameday/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"  # nobody checks it
)
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_ANSWERS_WITHIN_S = 30.0  # wall: the object store's first answer takes a second or two on a busy machine


class Store(Protocol):
    """Objects by name, such as `wal/000000010000000000000003.gz.enc`. What cannot be done raises HarnessError."""

    async def start(self) -> None: ...
    async def stop(self) -> None:
        """Safe to repeat."""
        ...

    async def put(self, name: str, source: Path) -> None:
        """There as a whole or not at all."""
        ...

    async def get(self, name: str, target: Path) -> None: ...
    async def names(self) -> list[str]: ...
    async def cut(self) -> None:
        """From now on nothing reaches it, and what it holds reaches nobody. Safe to repeat."""
        ...

    async def mend(self) -> None:
        """It is reached again. Safe to repeat."""
        ...


class FolderStore:
    """A folder. While it is cut off there is nothing at its path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._away = folder.with_name(f".{folder.name}.unreachable")

    async def start(self) -> None:
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)

    async def stop(self) -> None:
        await self.mend()

    async def put(self, name: str, source: Path) -> None:
        await asyncio.to_thread(self._copy, source, self.folder / name)

    async def get(self, name: str, target: Path) -> None:
        await asyncio.to_thread(self._copy, self.folder / name, target)

    def _copy(self, source: Path, target: Path) -> None:
        try:
            self.folder.stat()
            target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            shutil.copyfile(source, part)
            part.replace(target)
        except FileNotFoundError as error:
            here = self.folder.is_dir()
            raise HarnessError(
                f"off site there is no {source.name}" if here else "off site can't be reached: no route to its store"
            ) from error
        except OSError as error:
            raise HarnessError(f"off site: {error}") from error

    async def names(self) -> list[str]:
        if not self.folder.is_dir():
            raise HarnessError("off site can't be reached: no route to its store")
        found = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(str(path.relative_to(self.folder)) for path in found)

    async def cut(self) -> None:
        if self.folder.is_dir():
            self.folder.rename(self._away)

    async def mend(self) -> None:
        if self._away.is_dir():
            self._away.rename(self.folder)


class BucketStore:
    """A bucket of an object store that nobody else uses: another provider's, of which the operator's `aws` knows nothing."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._http = httpx.AsyncClient(trust_env=False, timeout=_ANSWERS_WITHIN_S, headers={"Authorization": _SIGNED})

    async def start(self) -> None:
        await self._cloud.start()
        await self._ask("PUT", "")

    async def stop(self) -> None:
        await self._http.aclose()
        await self._cloud.stop()

    async def put(self, name: str, source: Path) -> None:
        await self._ask("PUT", name, await asyncio.to_thread(source.read_bytes))

    async def get(self, name: str, target: Path) -> None:
        content = (await self._ask("GET", name)).content
        target.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        await asyncio.to_thread(target.write_bytes, content)

    async def names(self) -> list[str]:
        listed = (await self._ask("GET", "")).text  # of fewer than 1000: one page
        return sorted(html.unescape(each) for each in _KEY.findall(listed))

    async def cut(self) -> None:
        await self._cloud.pause()

    async def mend(self) -> None:
        await self._cloud.resume()

    async def _ask(self, method: str, name: str, content: bytes | None = None) -> httpx.Response:
        if self._cloud.paused:
            raise HarnessError("off site can't be reached: the object store takes connections and answers nothing")
        try:
            answer = await self._http.request(method, f"http://127.0.0.1:{self._cloud.port}/{BUCKET}/{name}", content=content)
        except httpx.HTTPError as error:
            raise HarnessError(f"off site can't be reached: {type(error).__name__} {error}".strip()) from error
        if answer.status_code == 404:
            raise HarnessError(f"off site there is no {name}")
        if answer.status_code >= 300:
            raise HarnessError(f"off site: the object store answers {answer.status_code} to {method} {name}")
        return answer
