"""Headless Chromium through its debugging pipe: opens a page as a reader would, and says what the browser complained of or fetched."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program() -> str | None:
    """The browser's path, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


_ASKED = """[
  document.documentElement.scrollWidth,
  getComputedStyle(document.body).backgroundColor,
  document.body.innerText,
  Math.min(...[...document.querySelectorAll('p, td, li, b, span')].filter(each => each.offsetParent)
    .map(each => parseFloat(getComputedStyle(each).fontSize))),
]"""


@dataclass
class Seen:
    """What a browser noticed while a page was open. `wide_px`: how far the page's content goes beyond its window."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    beyond_px: int = 0
    background: str = ""
    text: str = ""
    smallest_px: float = 0.0


class Browser:
    """One running Chromium; `look` opens a page in a fresh tab."""

    def __init__(self, to_it: int, from_it: int) -> None:
        self._to, self._from, self._numbers = to_it, from_it, itertools.count(1)
        self._rest = b""
        self._heard: list[dict[str, Any]] = []

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Self]:
        """A browser that ends with the block. It has no home of its own and no network that it would need."""
        found = program()
        assert found
        (its_in, our_out), (our_in, its_out) = os.pipe(), os.pipe()
        with tempfile.TemporaryDirectory() as home:
            script = f'exec "$0" "$@" 3<&{its_in} 4>&{its_out}'
            options = [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe", f"--user-data-dir={home}",
            ]  # fmt: skip
            process = subprocess.Popen(
                ["bash", "-c", script, found, *options], pass_fds=(its_in, its_out), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={**os.environ, "HOME": home},
            )  # fmt: skip
            os.close(its_in)
            os.close(its_out)
            try:
                yield cls(our_out, our_in)
            finally:
                os.close(our_out)
                os.close(our_in)
                process.terminate()
                process.wait(20)

    def look(self, page: Path, *, width: int, dark: bool = False, picture: Path | None = None) -> Seen:
        """Open a file at this width; a width under 600 is a phone's."""
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]

        def ask(method: str, **given: Any) -> Any:
            return self._ask(method, given, session)

        for domain in ("Page", "Network", "Log", "Runtime"):
            ask(f"{domain}.enable")
        ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        phone = width < 600
        ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self._heard.clear()
        ask("Page.navigate", url=page.resolve().as_uri())
        self._until("Page.loadEventFired")
        seen = Seen()
        answer = ask("Runtime.evaluate", expression=_ASKED, returnByValue=True)["result"]["value"]
        seen.beyond_px, seen.background, seen.text, seen.smallest_px = answer
        seen.beyond_px -= width  # not innerWidth: a phone zooms out until all fits
        if picture is not None:
            shot = ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
            picture.write_bytes(base64.b64decode(shot["data"]))
        self._ask("Target.closeTarget", {"targetId": target})
        for each in self._heard:
            method, given = each.get("method"), each.get("params", {})
            if method == "Log.entryAdded":
                seen.complaints.append(given["entry"]["text"])
            elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
                seen.complaints.append(json.dumps(given))
            elif method == "Network.requestWillBeSent" and not given["request"]["url"].startswith("data:"):
                seen.requests.append(given["request"]["url"])
        return seen

    def _ask(self, method: str, given: dict[str, Any], session: str | None = None) -> Any:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": given} | ({"sessionId": session} if session else {})
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == number:
                assert "error" not in heard, heard
                return heard["result"]
            self._heard.append(heard)

    def _until(self, method: str) -> None:
        while not any(each.get("method") == method for each in self._heard):
            self._heard.append(self._hear())

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from, 1 << 20)
            assert more, "the browser ended"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(line)
        return found
