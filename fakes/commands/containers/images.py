"""`docker` on images: build, images, tag, rmi, push and pull. What was built is kept; no registry is within reach."""

from __future__ import annotations

import os
import sys
import time

from fakes.commands.containers import build as building
from fakes.commands.containers import objects, project, registry, template
from fakes.commands.control import Control
from fakes.commands.entry import Failure, not_modelled
from fakes.commands.flags import Parsed

_HEADS = {
    "Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "Size": "SIZE",
}  # fmt: skip
_STANDARD = ("Repository", "Tag", "ID", "CreatedSince", "Size")


def build(line: Parsed, control: Control) -> int:
    tags = []
    for text in line.texts("tag"):
        try:
            tags.append(registry.with_tag(text))
        except Failure as failure:
            raise Failure(f'invalid argument "{text}" for "-t, --tag" flag: {failure.message}', 125) from failure
    context = line.words[0]
    if context == "-" or "://" in context or context.startswith("git@"):
        raise not_modelled("docker", "build from a URL or from its input")
    said = line.text("file")
    dockerfile = os.path.join(os.getcwd(), said) if said else os.path.join(context, "Dockerfile")
    image = building.build_image(context, dockerfile)
    for tag in tags:
        objects.keep_image(control, image._replace(reference=tag))
    if not tags:
        print("WARNING: no tag was given: the image can't be found again", file=sys.stderr)
    if line.on("quiet"):
        print(f"sha256:{image.identity}")
    else:
        done = [f"#2 writing image sha256:{image.identity} done", *(f"#2 naming to {tag} done" for tag in tags)]
        print(
            "\n".join(
                ["#1 [internal] load build definition from Dockerfile", "#1 DONE 0.0s", "", "#2 exporting to image", *done]
            ),
            file=sys.stderr,
        )
    return 0


def images(line: Parsed, control: Control) -> int:
    """Those built or tagged here, and those of the stack's containers, behind which no layers lie: they are as big as nothing."""
    engine = project.Engine(control)
    kept = [
        (image.repository, image.tag, image.identity, time.time() - image.made_s, image.size) for image in objects.images(control)
    ]
    known = {f"{repository}:{tag}" for repository, tag, *_ in kept}
    for unit in engine.containers():
        reference = registry.with_tag(engine.image(unit))
        if reference not in known:
            known.add(reference)
            repository, _, tag = reference.rpartition(":")
            kept.append((repository, tag, engine.identity(unit), engine.now_s, 0))
    wanted = line.words[0] if line.words else ""
    shown = [row for row in kept if wanted in ("", row[0], f"{row[0]}:{row[1]}")]
    if line.has("filter") or line.on("digests") or line.on("tree"):
        raise not_modelled("docker", "images --filter, --digests or --tree")
    if line.on("quiet"):
        print("".join(f"{row[2]}\n" for row in shown), end="")
        return 0
    rows = [
        {
            "Repository": name,
            "Tag": tag,
            "ID": identity,
            "CreatedSince": f"{project.long_age(age)} ago",
            "Size": project.size(size, binary=False),
        }
        for name, tag, identity, age, size in shown
    ]
    template.show(line.text("format", "table"), rows, _HEADS, _STANDARD, "*formatter.imageContext")
    return 0


def tag(line: Parsed, control: Control) -> int:
    source, target = line.words
    try:
        wanted = registry.with_tag(target)
    except Failure as failure:
        message = f'Error parsing reference: "{target}" is not a valid repository/tag: {failure.message}'
        raise Failure(message) from failure
    image = _local(control, source)
    if image is None:
        raise Failure(f"Error response from daemon: No such image: {registry.with_tag(source)}")
    objects.keep_image(control, image._replace(reference=wanted))
    return 0


def rmi(line: Parsed, control: Control) -> int:
    code = 0
    for name in line.words:
        image = next((each for each in objects.images(control) if registry.with_tag(name) == each.reference), None)
        if image is None:
            print(f"Error response from daemon: No such image: {registry.with_tag(name)}", file=sys.stderr)
            code = 1
            continue
        objects.drop_image(control, image)
        print(f"Untagged: {image.reference}")
    return code


def push(line: Parsed, control: Control) -> int:
    """The daemon names the repository first, then looks for the image, then for the registry."""
    if line.on("all-tags"):
        raise not_modelled("docker", "push --all-tags")
    reference = registry.with_tag(line.words[0])
    host, name, _ = registry.split(line.words[0])
    shown = name if host != registry.HUB else "docker.io/" + (name if "/" in name else f"library/{name}")
    if not line.has("tag") and ":" not in line.words[0].rpartition("/")[2] and not line.on("quiet"):
        print("Using default tag: latest")
    print(f"The push refers to repository [{shown}]", flush=True)
    if _local(control, reference) is None:
        raise Failure(f"An image does not exist locally with the tag: {name}")
    raise Failure(registry.unreachable(reference))


def pull(line: Parsed, control: Control) -> int:
    control.state()  # the daemon has to be there
    if ":" not in line.words[0].rpartition("/")[2] and not line.on("quiet"):
        registry.split(line.words[0])
        print("Using default tag: latest", flush=True)
    raise Failure(f"Error response from daemon: {registry.unreachable(line.words[0])}")


def _local(control: Control, reference: str) -> objects.Image | None:
    """An image that was built here, or one that a container runs from."""
    wanted = registry.with_tag(reference)
    for image in objects.images(control):
        if wanted == image.reference or (len(reference) >= 4 and image.identity.startswith(reference)):
            return image
    engine = project.Engine(control)
    for unit in engine.containers():
        if wanted == registry.with_tag(engine.image(unit)):
            return objects.Image(wanted, engine.identity(unit), engine.state.epoch_s, 0)
    return None
