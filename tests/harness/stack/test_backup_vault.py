"""Claims about what lies off site: sealed, whole, and opened by the key alone."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness.errors import HarnessError
from harness.stack.backup_store import BucketStore, FolderStore, Store
from harness.stack.backup_vault import HEAD, Vault
from harness.stack.cloud import Cloud

T = TypeVar("T")
SECRET = b"orders of a client, in plain words; " * 400


class Kept:
    """A vault of a folder, and what is put into it."""

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self.source, self.off_site = folder / "base", folder / "off-site"
        (self.source / "deep").mkdir(parents=True)
        (self.source / "deep/table").write_bytes(SECRET)
        (self.source / "holes").write_bytes(bytes(3_000_000) + b"end")
        self.vault = Vault(store or FolderStore(self.off_site), folder / "on-site")
        self.folder = folder
        run(self.vault.start())

    def objects(self) -> list[Path]:
        return [path for path in self.off_site.rglob("*") if path.is_file()]


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    found = Kept(tmp_path)
    run(found.vault.put_folder("base-1", found.source))
    run(found.vault.put_file("wal/0001", found.source / "deep/table"))
    return found


def test_no_byte_off_site_is_in_plain_words(kept: Kept) -> None:
    """Every object begins as openssl's do, and holds nothing of what went in: not its text, not its names, not its compression."""
    assert len(kept.objects()) == 2
    for path in kept.objects():
        stored = path.read_bytes()
        assert stored.startswith(HEAD)
        for plain in (b"orders of a client", b"deep/table", b"table", b"\x1f\x8b\x08"):
            assert plain not in stored, path
    assert run(kept.vault.unsealed()) == []


def test_the_key_is_nobody_elses_and_not_off_site(kept: Kept) -> None:
    """Only its owner reads it, and no object holds it."""
    assert kept.vault.key.stat().st_mode & 0o077 == 0
    key = kept.vault.key.read_bytes().strip()
    assert all(key not in path.read_bytes() for path in kept.objects())


def test_what_comes_back_is_what_went_in(kept: Kept) -> None:
    """Byte for byte; zeros come back as holes in a file of the log."""
    run(kept.vault.get_folder("base-1", kept.folder / "back"))
    for name in ("deep/table", "holes"):
        assert (kept.folder / "back" / name).read_bytes() == (kept.source / name).read_bytes()
    run(kept.vault.put_file("wal/0002", kept.source / "holes"))
    run(kept.vault.get_file("wal/0002", kept.folder / "log"))
    assert (kept.folder / "log").read_bytes() == (kept.source / "holes").read_bytes()
    assert (kept.folder / "log").stat().st_blocks * 512 < 1_000_000
    assert run(kept.vault.names("wal/")) == ["wal/0001", "wal/0002"]


def test_openssl_alone_opens_it(kept: Kept) -> None:
    """Whoever has the key needs nothing of ours on the day of the disaster."""
    command = 'openssl enc -d -aes-256-cbc -pbkdf2 -pass "file:$1" -in "$2" | gzip -d'
    (sealed,) = (path for path in kept.objects() if "wal" in str(path))
    opened = subprocess.run(["bash", "-c", command, "bash", kept.vault.key, sealed], capture_output=True, check=True).stdout
    assert opened == SECRET


@pytest.mark.parametrize("change", ["cut", "flipped", "gone", "plain"])
def test_a_changed_object_is_noticed(kept: Kept, change: str) -> None:
    """By its SHA-256 before anything is made of it, and by what it is when it was never sealed."""
    path = kept.off_site / "base-1.tar.gz.enc"
    stored = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        middle = len(stored) // 2
        flipped = stored[:middle] + bytes([stored[middle] ^ 1]) + stored[middle + 1 :]
        path.write_bytes({"cut": stored[:middle], "flipped": flipped, "plain": SECRET}[change])
    assert list(run(kept.vault.changed())) == ["base-1"]
    with pytest.raises(HarnessError, match=r"SHA-256|there is no"):
        run(kept.vault.get_folder("base-1", kept.folder / "back"))
    assert run(kept.vault.unsealed()) == (["base-1.tar.gz.enc"] if change == "plain" else [])


def test_another_key_opens_nothing_and_seals_nothing(kept: Kept) -> None:
    """What were sealed with it nobody would open later."""
    kept.vault.key.write_text("0" * 64 + "\n")
    with pytest.raises(HarnessError, match="is not the key"):
        run(kept.vault.get_folder("base-1", kept.folder / "back"))
    with pytest.raises(HarnessError, match="is not the key"):
        run(kept.vault.put_file("wal/0002", kept.source / "holes"))
    kept.vault.key.unlink()
    with pytest.raises(HarnessError, match="is gone"):
        run(kept.vault.get_folder("base-1", kept.folder / "back"))


def test_a_store_that_is_cut_off_takes_and_gives_nothing(kept: Kept) -> None:
    """Until it is reached again; what it held is there."""

    async def while_cut() -> None:
        await kept.vault.store.cut()
        await kept.vault.store.cut()
        for work in (kept.vault.names(), kept.vault.put_file("wal/0002", kept.source / "holes")):
            with pytest.raises(HarnessError, match="off site can't be reached"):
                await work
        await kept.vault.store.mend()
        await kept.vault.store.mend()

    run(while_cut())
    assert run(kept.vault.names("wal/")) == ["wal/0001"]


@pytest.mark.real
def test_a_bucket_keeps_the_same(tmp_path: Path) -> None:
    """An object store of its own: the same in, the same out, nothing while it answers nothing, and no plain word in it."""
    (tmp_path / "seeds").mkdir()
    cloud = Cloud(0, "eafix", seeds=tmp_path / "seeds", log=tmp_path / "log")

    async def all_of_it() -> None:
        kept = await asyncio.to_thread(_unstarted, tmp_path, BucketStore(cloud))
        vault = kept.vault
        await vault.start()
        try:
            await vault.put_folder("base-1", kept.source)
            await vault.put_file("wal/0001", kept.source / "deep/table")
            assert await vault.names("wal/") == ["wal/0001"]
            assert await vault.unsealed() == []
            assert await vault.changed() == {}
            await vault.get_folder("base-1", tmp_path / "back")
            assert (tmp_path / "back/deep/table").read_bytes() == SECRET
            await vault.store.cut()
            with pytest.raises(HarnessError, match="off site can't be reached"):
                await vault.names()
            await vault.store.mend()
            assert await vault.names("wal/") == ["wal/0001"]
            with pytest.raises(HarnessError, match="there is no"):
                await vault.get_file("wal/0009", tmp_path / "none")
        finally:
            await vault.store.stop()

    asyncio.run(all_of_it())


def _unstarted(folder: Path, store: Store) -> Kept:
    kept = object.__new__(Kept)
    kept.folder, kept.source = folder, folder / "base"
    (kept.source / "deep").mkdir(parents=True)
    (kept.source / "deep/table").write_bytes(SECRET)
    kept.vault = Vault(store, folder / "on-site")
    return kept
