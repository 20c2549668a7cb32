"""Names and ports of services."""

from __future__ import annotations

import pytest

from scenarios.lint import Rule
from scenarios.lint.stacks import database_differs, namespace_missing, port_not_listed, unknown_service, wrong_port
from scenarios.stacks import load_stack
from tests.scenarios.lint.shelf import found, shared, shell

EAFIX = load_stack("eafix")
LIST = """
curl http://localhost:8080/healthz  # GUI Gateway
curl http://localhost:8081/healthz  # Data Ingestor
curl http://localhost:8083/healthz  # Signal Generator
curl http://localhost:8084/healthz  # Risk Manager
"""


def eafix(body: str) -> str:
    return "# EAFIX operations\n\n" + shell(body)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("kubectl rollout restart deployment/eafix-portfolio-manager", "deployment eafix-portfolio-manager"),
        ("kubectl scale deployment eafix-risk-mananger --replicas=1", "did you mean 'eafix-risk-manager'"),
        ("docker compose restart risk-engine", "compose service risk-engine"),
        ("docker compose logs --tail=50 ingestor", "compose service ingestor"),
    ],
)
def test_services_that_the_stack_lacks(command: str, name: str) -> None:
    """Deployments and compose services are looked up under the name that the tool knows."""
    (finding,) = found(unknown_service, eafix(command), stack=EAFIX)
    assert (finding.severity, finding.line) == ("error", 6)
    assert name in finding.message


@pytest.mark.parametrize(
    "command",
    [
        "kubectl rollout restart deployment/eafix-gateway", "docker compose restart gui-gateway", "docker compose logs --tail 50 redis",
        "docker compose exec -T redis redis-cli ping", "docker compose stop <service-name>", "kubectl get pods -l app=anything",
        "kubectl logs deployment/eafix-service-name", "docker compose up -d --scale <service>=3",
    ],
)  # fmt: skip
def test_services_that_it_has(command: str) -> None:
    """What is there, what stands for any service, and what is no service at all is left alone."""
    assert found(unknown_service, eafix(command), stack=EAFIX) == []


def test_another_platform_is_not_held_against_the_stack() -> None:
    """The stack is EAFIX', the document is about the trading engine."""
    text = "# Operations - Trading Engine\n\n" + shell(
        "kubectl rollout restart deployment/trading-engine-api\ncurl http://localhost:6060/x"
    )
    assert found(unknown_service, text, stack=EAFIX) == []
    assert found(wrong_port, text, stack=EAFIX) == []


def test_without_a_stack_the_lists_are_asked() -> None:
    """A name in no list is a warning; a short form of a listed name is known, and without a list nothing is said."""
    use = "# EAFIX recovery\n\n" + shell(
        "kubectl rollout restart deployment/eafix-portfolio\nkubectl rollout restart deployment/eafix-gateway"
    )
    (finding,) = found(unknown_service, eafix(LIST), use)
    assert (finding.severity, finding.file.name, finding.line) == ("warning", "b.md", 6)
    assert found(unknown_service, use) == []


def test_a_port_inside_a_pod() -> None:
    """Where the process itself offers profiles is no address of the stack, and yet something answers there."""
    text = "# Operations - Trading Engine\n\n" + shell(
        "kubectl exec -n production api-0 -- curl -fsS http://localhost:6060/debug/pprof/heap"
    )
    assert found(wrong_port, text, stack=load_stack("trading-engine")) == []
    assert len(found(wrong_port, text.replace("6060", "6061"), stack=load_stack("trading-engine"))) == 1


def test_ports() -> None:
    """A port of another service, one at which nothing answers, and two documents that disagree."""
    (wrong,) = found(wrong_port, eafix("curl http://localhost:8082/healthz  # Data Ingestor"), stack=EAFIX)
    assert "data-ingestor answers at 8081" in wrong.message
    (nothing,) = found(wrong_port, eafix("curl http://localhost:8099/healthz"), stack=EAFIX)
    assert "nothing answers at port 8099" in nothing.message
    assert nothing.column == len("curl http://") + 1
    assert found(wrong_port, eafix(LIST), stack=EAFIX) == []
    assert len(found(wrong_port, eafix(LIST), eafix("curl http://localhost:8090/healthz  # Risk Manager"))) == 1
    assert found(wrong_port, eafix(LIST), "# Bank\n\n" + shell("curl http://localhost:8090/healthz  # Risk Manager")) == []


def test_a_port_beside_the_list() -> None:
    """8085 is in no list of services; 9090 is far from them, and where a stack file knows the port all is well."""
    call = eafix("curl http://localhost:8085/api\ncurl http://localhost:9090/metrics")
    (finding,) = found(port_not_listed, eafix(LIST), call)
    assert "port 8085" in finding.message
    assert found(port_not_listed, eafix(LIST), call, stack=EAFIX) == []


def test_databases() -> None:
    """Another name than the stack's, unless the procedure has made it."""
    assert len(found(database_differs, eafix('psql -d eafix -c "SELECT 1"'), stack=EAFIX)) == 1
    assert found(database_differs, eafix('psql -h localhost -d eafix_prod -c "SELECT 1"'), stack=EAFIX) == []
    assert found(database_differs, eafix("createdb copy\npg_restore -d copy x.dump"), stack=EAFIX) == []
    assert found(database_differs, eafix('psql -d eafix -c "SELECT 1"')) == []


def test_a_forgotten_namespace() -> None:
    """One of six commands names none; what has no namespace at all needs none; a document that never names one is left alone."""
    most = "\n".join(f"kubectl get pods -n production -l app={each}" for each in "abcde")
    (finding,) = found(namespace_missing, shell(f"{most}\nkubectl create secret generic keys"))
    assert finding.line == 9
    assert "mostly production" in finding.message
    assert found(namespace_missing, shell(f"{most}\nkubectl get nodes\nkubectl top nodes\nkubectl create namespace x")) == []
    assert found(namespace_missing, shell(f"{most}\nkubectl create secret generic keys --namespace=production")) == []
    assert found(namespace_missing, shell("\n".join(["kubectl get pods"] * 9))) == []


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        (unknown_service, [("002", 492), ("002", 667)]), (wrong_port, []), (port_not_listed, [("001", 145)]), (database_differs, []),
        (namespace_missing, [("003", 241)]),
    ],
)  # fmt: skip
def test_the_five_documents(rule: Rule, places: list[tuple[str, int]]) -> None:
    """Without a stack file."""
    assert shared(rule) == places


def test_the_five_documents_with_the_stack() -> None:
    """EAFIX' stack file judges EAFIX' documents, and none of the other two platforms."""
    assert [each for each in shared(unknown_service, stack=EAFIX) if each[0] > "002"] == []
    assert {("002", 492), ("002", 667)} <= set(shared(unknown_service, stack=EAFIX))
    assert shared(wrong_port, stack=EAFIX) == []
