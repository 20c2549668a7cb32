"""How a runbook names the way back of a procedure, and what of a stack counts as not being back."""

from __future__ import annotations

from harness.runbooks import state
from tests.harness.runbooks.made_up import case

BOOK = """# EAFIX

## Scale it

| | |
|---|---|
| Again | safe |
| Rollback | {rollback} |

```bash name="up"
kubectl scale deployment eafix-gateway --replicas=3
```

### Scale it back

```bash name="down"
kubectl scale deployment eafix-gateway --replicas=1
```
"""


def test_the_way_back_is_the_section_that_the_row_links_to() -> None:
    """With whatever words beside the link; words alone name none."""
    linked = case(BOOK.format(rollback="when the load is gone, [Scale it back](#scale-it-back)"))
    assert [each.title for each in linked.plan.rollback] == ["down"]
    assert linked.plan.again == "safe"
    assert case(BOOK.format(rollback="Scale it back")).plan.rollback == ()


def test_what_is_not_there_has_no_other_facts() -> None:
    """A standby that was taken away again may have had another version."""
    rows = {"green": {"present": False, "state": "stopped", "version": "1.1.0"}, "blue": {"present": True, "version": "1.0.0"}}
    found = dict(state.of_state({"services": rows}))
    assert found == {"service green: present": "false", "service blue: version": "1.0.0", "service blue: present": "true"}


def test_manifests_of_what_runs_are_no_facts() -> None:
    """What runs is told by the stack itself. Nor are images that were built, and helm's own notes."""
    objects = [
        {"kind": kind, "metadata": {"name": "x", "namespace": "n"}, "data": {"a": "b"}} for kind in ("Deployment", "ConfigMap")
    ]
    objects.append({"apiVersion": "engine/v1", "kind": "EngineImage", "metadata": {"name": "image-1"}})
    objects.append(
        {"kind": "Secret", "metadata": {"name": "sh.helm.release.v1.x.v2", "namespace": "n"}, "type": "helm.sh/release.v1"}
    )
    assert dict(state.of_objects({"objects": objects})) == {"object ConfigMap n/x": '{"data": {"a": "b"}, "kind": "ConfigMap"}'}
