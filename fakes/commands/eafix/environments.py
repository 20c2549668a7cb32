"""Which part of the stack `--environment` and `--site` mean: production is all of it, others what is labelled so."""

from __future__ import annotations

from fakes.commands.control import Unit
from fakes.commands.eafix.platform import ENVIRONMENT, GATEWAY, Platform
from fakes.commands.entry import Failure, not_modelled

_LABELS = ("version", "site", "environment")
_SIDES = ("blue", "green")  # of this environment: they are there, or not yet


def units_of(platform: Platform, environment: str) -> list[Unit]:
    """The services of an environment: of production all of the platform, of green those labelled version=green. Raises Failure."""
    services = platform.state.services()
    if environment in ("", ENVIRONMENT):
        return services
    found = [unit for unit in services if environment in {unit.labels.get(label) for label in _LABELS}]
    if not found and environment not in _SIDES:
        raise elsewhere(f"--environment={environment}")
    if not found:
        raise Failure(f"eafix-cli: no environment {environment!r} here; this is {ENVIRONMENT}")
    return found


def gateway_of(platform: Platform, environment: str) -> Unit:
    """Where clients of an environment come in. Raises Failure."""
    units = units_of(platform, environment)
    main = platform.service(GATEWAY)
    for unit in units:
        if GATEWAY in (unit.name, unit.standby_for, unit.twin_of) or (unit.deployment or "").startswith(f"{main.deployment}-"):
            return unit
    raise Failure(f"eafix-cli: environment {environment!r} has no gateway: {', '.join(unit.name for unit in units)}")


def elsewhere(what: str) -> Failure:
    """Another environment, or another site: the platform may have it, this stack is one alone."""
    return not_modelled("eafix-cli", f"{what}, which is not {ENVIRONMENT},")


def refuse_other_site(platform: Platform, site: str) -> None:
    """A site is there when services are labelled so. Raises Failure."""
    sites = {unit.labels["site"] for unit in platform.state.services() if "site" in unit.labels}
    if site and not sites:
        raise elsewhere(f"--site={site}")
    if site and site not in sites:
        raise Failure(f"eafix-cli: no site {site!r} here; there are {', '.join(sorted(sites))}")
