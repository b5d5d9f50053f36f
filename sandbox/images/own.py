"""ovnloom's own images: what the Dockerfile says, done without a builder and without base images from a registry.

Where this differs from `docker build`: an image `python:…` or `debian:…` is Debian's smallest system of that release,
as of today, with Debian's own Python. So the environment's interpreter is /usr/bin/python3.11 instead of the same
version in /usr/local/bin. The Go programs are built by the compiler of the sandbox, and layers are divided by what
changes together. All the rest follows from the Dockerfile: packages and their versions, what is copied, folders, user,
environment, command. An instruction that isn't understood here is an error.
"""

import re
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.images import parts
from sandbox.images.archive import Contents
from sandbox.images.dockerfile import FILE, Stage, read
from sandbox.images.layers import Layer, Pack, kept, key
from sandbox.images.tree import system
from sandbox.report import Report, Tell

REGISTRY = "docker.io/ovnloom"
BASE = re.compile(r"(?P<kind>python|debian):(?P<version>[\d.]+-slim-)?(?P<suite>[a-z]+)(-[\d]+-slim)?(@.*)?")
# What each copied folder of the other stages is here.
COPIED = {("build", "/opt/ovnloom"): parts.environment, ("cni", "/opt/cni"): parts.plugins}


def contents(target: str, report: Report) -> Contents:
    """The image of one stage of the Dockerfile."""
    stage = read(FILE.read_text())[target]
    name = f"{REGISTRY}/{target}:{tag(stage)}"
    with report.step(f"image {name}") as tell:
        return Contents(
            name,
            layers(stage, tell),
            stage.words("ENTRYPOINT"),
            stage.words("CMD"),
            stage.environment,
            stage.last("USER"),
        )


def tag(stage: Stage) -> str:
    """The version: of OVN where the stage pins one, otherwise the chart's."""
    pinned = dict(argument.split("=", 1) for argument in stage.of("ARG"))
    if "OVN_VERSION" in pinned:
        return pinned["OVN_VERSION"].replace("~", "-")
    chart = (FILE.parent / "charts" / "ovnloom" / "Chart.yaml").read_text()
    found = re.search(r'^appVersion: "?([^"\s]+)', chart, re.MULTILINE)
    if found is None:
        raise SandboxError("charts/ovnloom/Chart.yaml has no appVersion")
    return found[1]


def layers(stage: Stage, tell: Tell) -> tuple[Layer, ...]:
    """From below: the system, the packages, what is copied, folders."""
    base = BASE.fullmatch(stage.base)
    if base is None or stage.unknown:
        what = " && ".join(stage.unknown) or f"FROM {stage.base}"
        raise SandboxError(f"Dockerfile, stage {stage.name}: sandbox/images/own.py doesn't know how to do {what!r}")
    python = ("python3",) if base["kind"] == "python" else ()
    found = list(system(base["suite"], (*python, *stage.packages), tell))
    for source, there, here in stage.copies:
        if (source, there) not in COPIED or there != here:
            raise SandboxError(
                f"Dockerfile, stage {stage.name}: sandbox/images/own.py has no {there} of stage {source}"
            )
        found += COPIED[source, there](tell)
    if stage.folders:
        found.append(kept(f"{stage.name}-folders", key(stage.folders), lambda path: _folders(stage, path), tell))
    return tuple(found)


def _folders(stage: Stage, path: Path) -> None:
    with Pack(path) as pack:
        for name, owner in stage.folders:
            pack.folder(name, owner=owner)
