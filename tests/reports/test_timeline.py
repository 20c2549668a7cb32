"""The picture of a drill: it can always be drawn, and no text stands over another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import cast

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from harness.history import History
from harness.measure import Measures
from harness.verdict import Judgement
from reports.timeline import draw_timeline, paint, style
from tests.reports.histories import SERVICES, Story, database_failure
from tests.reports.judgements import JUDGEMENTS, MEASURES, PASS, UNKNOWN, UNTESTED, invariant, target


def empty() -> History:
    return History(())


def cut_short() -> History:
    return History(tuple(event for event in database_failure().events if event.at_s < 110))


def over_before_the_fault() -> History:
    story = Story()
    story.begin()
    story.add(
        1.0, "drill.finished", "x", status="errored", error="postgres-primary not ready after 10 s; last seen: nothing. " * 5
    )
    return story.history()


def half_a_second() -> History:
    story = Story()
    story.begin(title="Costs $5 & 10_000 \\frac 日本 <b>bold</b> " * 6)
    story.load("order", 1, 4, per_s=100, bad=(2, 2.5))
    story.add(2, "fault.injected", "link down")
    story.add(2.5, "fault.healed", "link down")
    story.add(4, "drill.finished", "x", status="completed")
    return story.history()


def eight_hours_and_far_too_much_in_them() -> History:
    story = Story(speed=60)
    story.begin()
    for name in SERVICES:
        story.down(name, 605, 20_000)
    story.load("order", 1, 29_000, per_s=0.05, bad=(600, 21_000))
    at_s = 1000.0
    for number in range(70):
        at_s = story.step(at_s, f"A step with quite a long name, number {number}", "true", takes_s=40 + number, ok=number != 44)
    for number in range(25):
        story.add(600 + number, "fault.injected", f"fault {number}")
        story.add(630 + number, "alert.firing", f"alert_number_{number}")
        story.add(2000 + number * 900, "cutover", f"address-{number}", to="the site of last resort")
    story.add(29_000, "drill.finished", "x", status="completed")
    return story.history()


STORIES = [database_failure, empty, cut_short, over_before_the_fault, half_a_second, eight_hours_and_far_too_much_in_them]


def measured(history: History) -> Measures:
    return MEASURES if history.first("recovery.proven") else UNTESTED


@pytest.mark.parametrize("story", STORIES)
def test_draws_whatever_was_recorded(story: Callable[[], History], tmp_path: Path) -> None:
    """Whole, empty, aborted, short or long: there is a picture, and no warning."""
    path = tmp_path / "timeline.png"
    draw_timeline(story(), measured(story()), JUDGEMENTS, path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("story", STORIES)
def test_no_text_stands_over_another_or_out_of_the_picture(story: Callable[[], History]) -> None:
    """Pills, numbers, chips, captions, legends, ticks and the list: each has its place."""
    many = [*JUDGEMENTS, *(invariant(f"an-invariant-with-a-long-name-{number}", UNKNOWN) for number in range(9))]
    with style():
        figure = paint(story(), measured(story()), many)
        figure.draw_without_rendering()
        boxes = list(_boxes(figure))
        sheet = figure.bbox.padded(1)
    clashes = [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]
    outside = [text for text, box in boxes if not (sheet.contains(box.x0, box.y0) and sheet.contains(box.x1, box.y1))]
    assert (clashes, outside) == ([], [])


def _texts(figure: Figure) -> Iterator[Text]:
    return (text for text in cast("list[Text]", figure.findobj(Text)) if text.get_text().strip() and text.get_visible())


def _boxes(figure: Figure) -> Iterator[tuple[str, Bbox]]:
    """Where all that is written stands, with a pixel less on each side: letters touch nothing by that."""
    for text in _texts(figure):
        box = text.get_window_extent()
        if box.width > 2 and box.height > 2 and _is_drawn(text):
            yield text.get_text(), box.padded(-1)


def _is_drawn(text: Text) -> bool:
    """Axes that are switched off keep tick labels that nobody sees."""
    axes = text.axes
    return axes is None or axes.axison or text in axes.texts


def written(history: History, judgements: Sequence[Judgement] = ()) -> set[str]:
    with style():
        return {text.get_text() for text in _texts(paint(history, measured(history), judgements))}


def test_marks_what_a_reader_looks_for() -> None:
    """Fault, alert, acknowledgement, cut-over, recovery and target, each with its time since the fault."""
    found = written(database_failure(), (target("time_to_recover_s", 150, 108.4, PASS),))
    pills = {"fault 0:00", "alert 0:35", "acknowledged 1:18", "cut-over 1:37", "recovered 1:48", "target 2:30"}
    assert pills <= found


def test_faults_on_one_spot_share_a_pill() -> None:
    """Two faults a moment apart are one event to a reader; the list still names both."""
    story = Story()
    story.begin()
    story.load("order", 1, 40, per_s=5)
    story.add(20.0, "fault.injected", "host off the network")
    story.add(20.01, "fault.injected", "database dies")
    found = written(story.history())
    assert {"fault ×2 0:00", "Fault injected: host off the network", "Fault injected: database dies"} <= found


def test_a_target_far_away_is_told_at_the_edge() -> None:
    """A limit of hours does not squeeze a drill of minutes into a corner."""
    assert "target 30:00 ⟶" in written(database_failure(), JUDGEMENTS)


def test_numbers_the_steps_and_lists_them() -> None:
    """The number over the bar is the number in the list, where its command and its duration stand."""
    found = written(database_failure())
    assert {"1", "9"} <= found
    assert any(text.startswith("Promote the replica: kubectl exec") and text.endswith("(500 ms)") for text in found)


def test_a_failed_step_keeps_its_reason_when_its_name_is_cut() -> None:
    """Why it failed matters more than the end of a long name."""
    story = Story()
    story.begin()
    story.step(10, "A name that goes on and on " * 20, "false", ok=False)
    listed = [text for text in written(story.history()) if text.startswith("A name that goes on")]
    assert [text.endswith("… (300 ms): exit code 1, expected 0") for text in listed] == [True]


def test_recovery_is_drawn_where_it_was_measured() -> None:
    """An old history that is judged anew shows the new measure, not what the drill itself believed."""
    with style():
        figure = paint(database_failure(), replace(MEASURES, time_to_recover_s=60.0), ())
        assert "recovered 1:00" in {text.get_text() for text in _texts(figure)}
