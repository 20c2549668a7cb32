"""The grammars of the stand-ins for kubectl and helm: those of the real tools, and nothing is modelled that is not in them."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from fakes.commands import helm, kubectl
from fakes.commands.flags import Grammar, grammar_of
from fakes.commands.kube import rollout
from tests.fakes.commands.conftest import Run
from tests.fakes.commands.fake_cluster import FakeCluster

KUBECTL, HELM = grammar_of("kube"), grammar_of("helming")
MODELLED = [
    *(("kube", verb, *row) for verb, row in kubectl._VERBS.items()),
    *(("helming", verb, *row) for verb, row in helm._VERBS.items()),
]
OF = 32  # the minor version that the grammar was made from
# Lines that fail before any server is asked, in words that no version has changed ...
WRONG = (
    "verify backup x", "restore backup x", "gte pods", "get pods --nope", "get pods -n", "scale deployment x --replicas=many", "apply", "wait pod/x",
    "patch deployment x", "patch service x -p {} --type=x", "delete", "exec", "exec p", "logs", "logs --since=soon x", "create namespace",
    "create secret generic", "create secret generic s --from-literal=a --dry-run=client", "create configmap c --from-file=/nofile --dry-run=client",
    "rollout frob", "rollout undo", "top frob", "set env", "set image", "annotate", "label", "edit",
)  # fmt: skip
WRONG_NOW = ("create backup x-1", "apply -f /nonexistent.yaml", "exec p ls", "get")  # ... and in words of today
RIGHT = (
    "create namespace x --dry-run=client", "create deployment d --image=nginx:1 --dry-run=client -o name",
    "create secret generic s --from-literal=a=b --dry-run=client -o jsonpath={.data.a}", "create configmap c --from-literal=a=b --dry-run=client -o name",
)  # fmt: skip


@pytest.mark.parametrize(("folder", "verb", "module", "function", "flags"), MODELLED)
def test_what_is_modelled_is_real(folder: str, verb: str, module: str, function: str, flags: str) -> None:
    """Every verb, and every flag that has a meaning here, is one of the real tool's."""
    found = importlib.import_module(f"fakes.commands.{folder}.{module}")
    entry = grammar_of(folder).entry(verb)
    assert callable(getattr(found, function))
    known = {flag.name for flag in entry.flags}
    assert [name for name in getattr(found, flags) if name not in known] == []


@pytest.mark.parametrize("word", sorted(rollout.FLAGS))
def test_flags_of_rollout_are_real(word: str) -> None:
    """One table for its subcommands."""
    known = {flag.name for flag in KUBECTL.entry(f"rollout {word}").flags}
    assert set(rollout.FLAGS[word]) <= known


@pytest.mark.parametrize(("grammar", "tool"), [(KUBECTL, "kubectl"), (HELM, "helm")])
def test_every_verb_of_a_grammar_is_read(grammar: Grammar, tool: str) -> None:
    """No line of the file is lost, and every flag has a kind that is parsed."""
    kinds = {flag.kind for verb in (*grammar.verbs(), "*") for flag in grammar.entry(verb).flags}
    assert kinds == {"switch", "text", "list", "int", "duration", "optional"}
    assert set(grammar.entry("-").below) <= set(grammar.verbs())


@pytest.mark.parametrize(
    "verb", [verb for verb in KUBECTL.entry("-").below if verb not in {name.split()[0] for name in kubectl._VERBS}]
)
def test_what_is_real_and_not_modelled_says_so(cluster: FakeCluster, run: Run, verb: str) -> None:
    """Exit code 3, but for the few that are answered: nothing pretends to have done something."""
    if verb in ("rollout", "set", "top"):
        assert run(f"kubectl {verb}").code == 3
    elif verb not in ("cluster-info", "version", "api-resources"):
        assert run(f"kubectl {verb} x").code == 3
    assert cluster.posts() == []


# --- against the real client, where it is -----------------------------------------------------------------------


def real(line: str) -> tuple[int, str]:
    """What the real kubectl says, without a cluster: exit code and words, its log lines left out."""
    environment = {**os.environ, "KUBECONFIG": os.devnull, "HOME": "/nonexistent"}
    ended = subprocess.run(
        ["kubectl", *shlex.split(line)], capture_output=True, text=True, env=environment, check=False, stdin=subprocess.DEVNULL
    )
    return ended.returncode, plain(ended.stdout + ended.stderr)


def plain(text: str) -> str:
    """Cobra's `Error:` and kubectl's `error:` are one word here: who builds the client decides which it says."""
    rows = [row for row in text.splitlines() if not re.match(r"[EWI]\d{4} |Run 'kubectl --help'", row)]
    return re.sub(r"^Error:", "error:", "\n".join(rows).strip())


@pytest.fixture(scope="session")
def minor() -> int:
    """The installed client's minor version."""
    _, said = real("version --client")
    read = re.search(r'v1\.(\d+)\.|Minor:"(\d+)', said)
    assert read is not None, said
    return int(read[1] or read[2])


@pytest.mark.kubectl
@pytest.mark.slow
@pytest.mark.parametrize("line", [*WRONG, *WRONG_NOW, *RIGHT])
def test_the_real_client_says_the_same(run: Run, minor: int, line: str) -> None:
    """Word for word, with the same exit code, of what needs no server."""
    if line in WRONG_NOW and minor < OF:
        pytest.skip(f"kubectl 1.{minor} said this in other words")
    ended = run(f"kubectl {line}")
    assert (ended.code, plain(ended.out + ended.err)) == real(line)


@pytest.mark.kubectl
@pytest.mark.slow
@pytest.mark.parametrize("verb", [*kubectl._VERBS, *(f"rollout {word}" for word in rollout.FLAGS)])
def test_the_real_client_has_these_flags(minor: int, verb: str) -> None:
    """All of them and no other, of the version that the grammar was made from; of another, the same short forms."""
    code, said = real(f"{verb} --help")
    if code and minor < OF:
        pytest.skip(f"kubectl 1.{minor} has no {verb}")
    theirs = {name: short for short, name in re.findall(r"^\s+(?:-(\w), )?--([\w-]+)=", said, re.MULTILINE)}
    ours = {flag.name: flag.short for flag in KUBECTL.entry(verb).flags}
    if minor == OF:
        assert theirs == ours
    else:
        assert {name: short for name, short in theirs.items() if name in ours} == {
            name: ours[name] for name in theirs if name in ours
        }


def test_grammars_are_beside_their_modules() -> None:
    """They are read from the package, wherever it is installed."""
    assert (Path(kubectl.__file__).parent / "kube" / "grammar.txt").is_file()
