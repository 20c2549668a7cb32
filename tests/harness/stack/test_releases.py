from __future__ import annotations

import pytest

from harness.errors import HarnessError
from harness.stack.objects import ObjectStore
from harness.stack.releases import Releases


def test_a_service_begins_with_one_revision() -> None:
    """The version of the stack file."""
    assert [(each.revision, each.version) for each in Releases.of("1.2.0").revisions] == [(1, "1.2.0")]


def test_a_change_is_a_new_revision_that_keeps_the_rest() -> None:
    """Variables are merged; null takes one away."""
    releases = Releases.of("1.0.0")
    releases.configure({"environment": {"A": "1", "B": "2"}}, 10.0)
    made = releases.configure({"version": "1.1.0", "environment": {"A": None}, "cause": "upgrade"}, 20.0)
    assert (made.revision, made.version, dict(made.environment), made.cause, made.at_s) == (
        3,
        "1.1.0",
        {"B": "2"},
        "upgrade",
        20.0,
    )


def test_a_defect_stays_with_its_version() -> None:
    """A restart with another variable does not mend a bad version; another version does."""
    releases = Releases.of("1.0.0")
    releases.configure({"version": "1.1.0", "defect": "errors"}, 0.0)
    assert releases.configure({"environment": {"A": "1"}}, 1.0).defect == "errors"
    assert releases.configure({"version": "1.1.1"}, 2.0).defect == ""


def test_undo_goes_back_to_what_ran_before_and_back_again() -> None:
    """As `kubectl rollout undo` does: twice is where one began."""
    releases = Releases.of("1.0.0")
    releases.configure({"version": "1.1.0", "defect": "crash"}, 0.0)
    back = releases.undo(None, 5.0)
    assert (back.version, back.defect, back.revision, back.cause) == ("1.0.0", "", 3, "rollback to 1")
    assert releases.undo(None, 6.0).version == "1.1.0"


def test_undo_passes_over_revisions_that_changed_nothing() -> None:
    """A restart is no version to go back to."""
    releases = Releases.of("1.0.0")
    releases.configure({"version": "1.1.0"}, 0.0)
    releases.configure({}, 1.0)
    assert releases.undo(None, 2.0).version == "1.0.0"


def test_undo_to_a_revision() -> None:
    """By its number; one that never was is refused."""
    releases = Releases.of("1.0.0")
    for version in ("1.1.0", "1.2.0"):
        releases.configure({"version": version}, 0.0)
    assert releases.undo(2, 1.0).version == "1.1.0"
    with pytest.raises(HarnessError, match="no revision 9"):
        releases.undo(9, 1.0)


def test_there_is_nothing_before_the_first() -> None:
    """So there is nothing to undo."""
    with pytest.raises(HarnessError, match="no earlier revision"):
        Releases.of("1.0.0").undo(None, 0.0)


def config_map(name: str, namespace: str | None = None, **data: str) -> dict[str, object]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_objects_are_created_changed_and_left_alone() -> None:
    """The words of kubectl apply: created, unchanged, configured."""
    store = ObjectStore("production", [])
    assert store.put(config_map("risk", limit="1"), 1.0)[1:] == (True, True)
    assert store.put(config_map("risk", limit="1"), 2.0)[1:] == (False, False)
    assert store.put(config_map("risk", limit="2"), 3.0)[1:] == (False, True)
    (found,) = store.found("ConfigMap")
    assert (found["metadata"]["namespace"], found["metadata"]["creationTimestamp_s"], found["data"]) == (
        "production",
        1.0,
        {"limit": "2"},
    )


def test_objects_are_found_by_kind_and_namespace() -> None:
    """Without a namespace they are in that of the stack."""
    store = ObjectStore("production", [config_map("one"), config_map("two", "staging")])
    assert [each["metadata"]["name"] for each in store.found("ConfigMap", "staging")] == ["two"]
    assert {each["metadata"]["name"] for each in store.found("Namespace")} == {"default", "kube-system", "production"}


def test_a_namespace_takes_what_is_in_it_along() -> None:
    """Deleting it deletes all of it."""
    store = ObjectStore("production", [])
    store.put({"kind": "Namespace", "metadata": {"name": "drill"}}, 0.0)
    store.put(config_map("one", "drill"), 0.0)
    assert store.delete("Namespace", "_", "drill")
    assert store.found("ConfigMap") == []
    assert not store.delete("Namespace", "_", "drill")


def test_an_object_has_a_kind_and_a_name() -> None:
    """One without is refused."""
    with pytest.raises(ValueError, match="a kind and a name"):
        ObjectStore("default", []).put({"kind": "ConfigMap", "metadata": {}}, 0.0)
