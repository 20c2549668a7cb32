"""Files that are made from the stack."""

from __future__ import annotations

import json
import re

from harness.respond.described import compose_file, described, described_earlier, ecosystem_file
from tests.harness.respond.operators import STACK

PM2 = STACK.model_copy(
    update={
        "checkout": "ai-trading",
        "services": {**STACK.services, "gui-gateway": STACK.services["gui-gateway"].model_copy(update={"pm2": "api"})},
    }
)


def test_pm2_is_given_the_services_that_it_knows() -> None:
    """An app for each, with its documented port; what stands after `module.exports =` is JSON."""
    found = re.fullmatch(r"module\.exports = (.*);\n", ecosystem_file(PM2, "1G"), re.DOTALL)
    assert found
    (app,) = json.loads(found[1])["apps"]
    assert (app["name"], app["env"]["PORT"], app["max_memory_restart"]) == ("api", 8080, "1G")


def test_only_pm2s_file_was_different_before() -> None:
    """And only where there is one."""
    assert described_earlier(PM2).keys() == {"ecosystem.config.cjs"}
    assert described_earlier(PM2)["ecosystem.config.cjs"] != described(PM2)["ecosystem.config.cjs"]
    assert described_earlier(STACK) == {}


def test_the_compose_file_lies_where_each_platforms_documents_have_it() -> None:
    """000:58 names a folder; 004:226 expects it in the checkout itself."""
    assert described(STACK).keys() == {"deploy/compose/docker-compose.yml"}
    assert "docker-compose.yml" in described(PM2)


def test_images_and_versions_are_the_stacks() -> None:
    """Where the stack says which image a service has, its version is the tag."""
    service = STACK.services["gui-gateway"].model_copy(update={"image": "ghcr.io/epic1st/api", "version": "v1.1.0"})
    stack = STACK.model_copy(update={"prefix": "trading-engine", "services": {"api": service}})
    assert "name: trading-engine\n" in compose_file(stack, context=".")
    assert "    image: ghcr.io/epic1st/api:v1.1.0\n" in compose_file(stack, context=".")
    assert "build:" not in compose_file(stack, context=".")


def test_the_platforms_own_images_are_built_from_the_checkout() -> None:
    """001:186 builds them; the folder is relative to the file. Datastores' images are somebody else's."""
    assert compose_file(STACK, context="../..").count("    build: ../..\n") == 2
