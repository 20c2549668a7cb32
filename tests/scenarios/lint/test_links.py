"""Links and contacts."""

from __future__ import annotations

from pathlib import Path

from scenarios.lint import Context
from scenarios.lint.links import anchor_to_nothing, link_to_nothing, path_differs, placeholder_contact
from scenarios.reading import read_runbook
from tests.scenarios.lint.judging import TODAY
from tests.scenarios.lint.shelf import found, shared, shell


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """Links count from the document; names in code from any folder above it, where the words send somebody there; addresses are nobody's business."""
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "there.md").touch()
    (tmp_path / "runbooks" / "index.md").write_text(
        "# Shop\n\n[a](gone.md), [b](../there.md), [c](there.md), [d](https://x.example/gone.md), [e](#shop), [f](/there.md)\n\n"
        "See `there.md` and `nowhere.md`. What comes of it stands in `report.md`.\n"
    )
    book = read_runbook(tmp_path / "runbooks" / "index.md")
    findings = list(link_to_nothing(Context(today=TODAY), book))
    assert [(each.evidence, each.severity) for each in findings] == [
        ("[a](gone.md)", "error"),
        ("[c](there.md)", "error"),
        ("`nowhere.md`", "warning"),
    ]


def test_sections_that_are_not_there() -> None:
    """In this document and in one that is judged with it."""
    text = "# Shop\n\n## Rollback Procedures\n\n[x](#rollback-procedures) [y](#rollback) [z](b.md#deploy) [w](b.md#deployment)\n"
    findings = found(anchor_to_nothing, text, "# Shop\n\n## Deployment\n")
    assert [each.evidence for each in findings] == ["[y](#rollback)", "[z](b.md#deploy)"]
    assert "did you mean 'rollback-procedures'" in findings[0].message


def test_contacts_that_reach_nobody() -> None:
    """Numbers of films, example addresses, and a list in which nothing was filled in."""
    text = "# Shop\n\n- Lead: +1-555-SEC-TEAM\n- Ops: ops@example.com\n- Real: +49 30 1234567, dba@shop.de\n"
    assert [each.line for each in found(placeholder_contact, text)] == [3, 4]
    empty = "# Shop\n\n```yaml\nOn-Call: [Phone/Slack]\nCTO: [Phone - P0 Only]\n```\n"
    (finding,) = found(placeholder_contact, empty)
    assert (finding.severity, finding.line) == ("warning", 4)
    assert found(placeholder_contact, empty.replace("[Phone/Slack]", "+49 30 1234567")) == []


def test_the_same_configuration_in_two_places() -> None:
    """The index names a folder, commands of the same platform apply another one below the same root."""
    index = "# Shop\n\n- Kubernetes: `/deploy/k8s/`\n"
    (finding,) = found(path_differs, index, "# Shop deployment\n\n" + shell("kubectl apply -f deploy/kubernetes/green/"))
    assert "deploy/k8s, but kubectl takes deploy/kubernetes/green at b.md:6" in finding.message
    assert found(path_differs, index, "# Shop deployment\n\n" + shell("kubectl apply -f ./deploy/k8s/green/")) == []
    assert found(path_differs, index, "# Shop deployment\n\n" + shell("kubectl apply -f security/patches.yaml")) == []
    assert found(path_differs, index, "# Bank deployment\n\n" + shell("kubectl apply -f deploy/kubernetes/green/")) == []


def test_the_five_documents() -> None:
    """The index links to twenty runbooks that do not lie beside it."""
    assert len(shared(link_to_nothing)) == 20
    assert shared(path_differs) == [("000", 177), ("000", 182)]
    assert shared(anchor_to_nothing) == []
    assert shared(placeholder_contact) == [("001", 338), ("002", 802), ("002", 803), ("002", 804), ("002", 805)]
