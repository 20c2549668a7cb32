"""The pages as a browser shows them: headless Chromium, as wide as a desk and as a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from reports.incident import incident
from reports.incident_pictures import pictures
from reports.incident_write import as_html
from reports.store import Store
from reports.trend_report import as_html as trend_html
from reports.trend_report import gather
from tests.reports.browser import Browser
from tests.reports.histories import database_failure
from tests.reports.judgements import JUDGEMENTS, MEASURES, result_of
from tests.reports.synthetic import SCENARIOS, Regression, year

pytestmark = pytest.mark.chromium
DESK, PHONE = 1280, 390


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser.started() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind."""
    folder, told, now = tmp_path_factory.mktemp("pages"), database_failure(), datetime(2026, 12, 2)  # noqa: DTZ001 -- as the store's times
    store = Store.open(folder)
    store.keep(year(3, regression=Regression()))
    written = {
        "incident": as_html(incident(told, result_of(told.events[0])), pictures(told, MEASURES, JUDGEMENTS)),
        "trend": trend_html(gather(store, [*SCENARIOS, "never-drilled"], now), now),
    }
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text)
    return {name: folder / f"{name}.html" for name in written}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
@pytest.mark.parametrize("name", ["incident", "trend"])
def test_opens_without_errors_or_requests(browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool) -> None:
    """The browser complains of nothing and asks for nothing but the file; nothing hangs over the edge, no text is too small to read."""
    seen = browser.look(pages[name], width=width, dark=dark)
    assert seen.complaints == []
    assert seen.requests == [pages[name].resolve().as_uri()]
    assert seen.beyond_px <= 0
    assert seen.smallest_px >= 12
    assert {"incident": "Incident Report:", "trend": "Trend of 318 drills"}[name] in seen.text


def test_dark_is_dark(browser: Browser, pages: dict[str, Path]) -> None:
    """The page follows the reader's setting."""
    light, dark = (browser.look(pages["trend"], width=DESK, dark=each).background for each in (False, True))
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(18, 24, 30)")


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_a_browser_that_is_asked_for_more_tells(browser: Browser, tmp_path: Path, width: int) -> None:
    """The eye of these tests sees requests, errors of scripts and what hangs over the edge."""
    page = tmp_path / "bad.html"
    page.write_text(
        '<body><img src="http://127.0.0.1:9/x.png"><div style="width:3000px">x</div><script>throw new Error("boom")</script></body>'
    )
    seen = browser.look(page, width=width)
    assert "http://127.0.0.1:9/x.png" in seen.requests
    assert any("boom" in each for each in seen.complaints)
    assert seen.beyond_px > 0
