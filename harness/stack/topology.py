"""Names and ports of a stack's proxies: one for each service address, one for each link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.errors import FaultError
from harness.ports import Ports
from scenarios.model import Address, Datastore, Link, Service, Stack

FIRST_LINK_PORT = 21000
PROCESS_OFFSET = 10000  # a service's process listens this far above its documented port
TOXIPROXY_PORT, CONTROL_PORT, PROMETHEUS_PORT = 8474, 6443, 9090
ALERTMANAGER_PORT = 9093
CLOUD_PORT = 4566  # of the object store and name service that `aws` reaches
WEBHOOK_PORT = 9095  # where Alertmanager tells the conductor
ANY = "any"  # the source of a service address's own proxy


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy: `from -> to`, where it listens and where it leads (host:port)."""

    name: str
    source: str
    target: str
    listen: str
    upstream: str

    @property
    def is_address(self) -> bool:
        return self.source == ANY


class Topology:
    """Which proxies a stack has. Links lead to service addresses; service addresses lead to processes."""

    def __init__(self, stack: Stack, ports: Ports) -> None:
        self._stack, self._ports = stack, ports
        addresses = [self._address(name, documented) for name, documented in self._documented().items()]
        links = [self._link(number, link) for number, link in enumerate(stack.links)]
        self.proxies: tuple[Proxy, ...] = (*addresses, *links)

    def _documented(self) -> dict[str, int]:
        services = {name: service.port for name, service in self._stack.services.items()}
        return services | {name: address.port for name, address in self._stack.addresses.items()}

    def _address(self, name: str, documented: int) -> Proxy:
        return Proxy(f"{ANY} -> {name}", ANY, name, self._ports.listen(documented), f"127.0.0.1:{self.process_port(name)}")

    def _link(self, number: int, link: Link) -> Proxy:
        documented = self._documented()
        if link.to in documented:
            upstream = self._ports.address(documented[link.to])
        else:  # straight to an instance, such as replication to the primary
            upstream = self._ports.address(self._stack.datastores[link.to].port)
        return Proxy(f"{link.source} -> {link.to}", link.source, link.to, self._ports.address(FIRST_LINK_PORT + number), upstream)

    def process_port(self, name: str) -> int:
        """The port that a service's process, or the instance behind a service address, listens on."""
        if name in self._stack.services:
            return self._ports[self._stack.services[name].port + PROCESS_OFFSET]
        return self._ports[self._stack.datastores[self.selected(name, self.roles())].port]

    def roles(self) -> dict[str, str]:
        """The role label of each datastore instance at the start."""
        return {name: store.role for name, store in self._stack.datastores.items()}

    def selected(self, address: str, roles: dict[str, str], selector: dict[str, str] | None = None) -> str:
        """The instance that a selector chooses, given each instance's role label. Raises FaultError when it is none."""
        wanted = selector or self._stack.addresses[address].selector
        for name, role in roles.items():
            labels = {"app": self.app(name), "role": role}
            if all(labels.get(key) == value for key, value in wanted.items()):
                return name
        raise FaultError(f"no datastore instance matches the selector {wanted} of {address}")

    def app(self, instance: str) -> str:
        """The `app` label of a datastore instance: what the stand-in cluster calls its kind."""
        return f"{self._stack.prefix}-{self._stack.datastores[instance].kind}"

    def service_labels(self, name: str) -> dict[str, str]:
        """The labels of a service's pod."""
        model = self._stack.services[name]
        return {"app": model.deployment or name, **model.labels}

    def services_selected(self, selector: dict[str, str]) -> list[str]:
        """The services whose labels a selector matches, in the order of the stack."""
        return [
            name
            for name, model in self._stack.services.items()
            if model.inside and selector.items() <= self.service_labels(name).items()
        ]

    def links_of(self, source: str) -> dict[str, str]:
        """Where a service finds each of its dependencies: target name to host:port of its link. A standby has no links of its own.

        At the second site a service calls what is there by the names of the first.
        """
        service = self._stack.services.get(source)
        if service is not None and service.standby_for is not None:
            source = service.standby_for
        called = self._called if service is not None and service.twin_of is not None else {}
        return {called.get(proxy.target, proxy.target): proxy.listen for proxy in self.proxies if proxy.source == source}

    @property
    def _called(self) -> dict[str, str]:
        """Twins by their own names, with the names that services beside them know."""
        parts: Mapping[str, Service | Datastore | Address] = {
            **self._stack.services, **self._stack.datastores, **self._stack.addresses
        }  # fmt: skip
        return {name: part.twin_of for name, part in parts.items() if part.twin_of is not None}

    def matching(self, patterns: Sequence[str], *, with_addresses: bool) -> list[Proxy]:
        """The proxies that patterns such as `* -> redis` name. Raises FaultError when there is none."""
        found = [
            proxy
            for proxy in self.proxies
            if (with_addresses or not proxy.is_address) and any(fnmatchcase(proxy.name, pattern) for pattern in patterns)
        ]
        if not found:
            raise FaultError(f"no link matches {', '.join(patterns)}")
        return found
