"""The plugin as it is built for hosts, and a host and a Pod that are network namespaces."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox import cni
from sandbox.build import Programs, build
from sandbox.report import Quiet
from tests.cni.agent import Agent, serving, text
from tests.netns import namespace

REFERENCE = Programs(
    Path(__file__).parent / "reference",
    (
        ("cnitool", "github.com/containernetworking/cni/cnitool"),
        ("macvlan", "github.com/containernetworking/plugins/plugins/main/macvlan"),
        ("bandwidth", "github.com/containernetworking/plugins/plugins/meta/bandwidth"),
        ("portmap", "github.com/containernetworking/plugins/plugins/meta/portmap"),
    ),
)
"""Programs of CNI's own project."""
POD = "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web;K8S_POD_INFRA_CONTAINER_ID=c0ffee;K8S_POD_UID=u-1"


@dataclass(frozen=True, slots=True)
class Said:
    """What a program ended with and printed."""

    code: int
    body: Any
    problems: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """The plugin, called as a runtime on the host calls it for the sandbox of a Pod."""

    program: Path
    host: str
    pod: str

    async def __call__(self, verb: str, network: dict[str, Any], **environment: str) -> Said:
        """The answer to one verb; an empty variable isn't set."""
        variables = {
            "CNI_COMMAND": verb,
            "CNI_CONTAINERID": "c0ffee",
            "CNI_NETNS": f"/run/netns/{self.pod}",
            "CNI_IFNAME": "eth0",
            "CNI_PATH": str(self.program.parent),
            "CNI_ARGS": POD,
            **environment,
        }
        given = {name: value for name, value in variables.items() if value}
        return await run(self.host, [str(self.program)], given, text(network))


async def run(host: str, command: list[str], environment: dict[str, str], given: bytes = b"") -> Said:
    """A program ran in the network of a host."""
    running = await asyncio.create_subprocess_exec(
        *("nsenter", f"--net=/run/netns/{host}", *command),
        env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problems = await running.communicate(given)
    assert running.returncode is not None
    return Said(running.returncode, json.loads(out) if out.lstrip()[:1] in (b"{", b"[") else None, problems.decode())


@pytest.fixture(scope="session")
def program() -> Path:
    """The plugin as this checkout has it, built once for each state of its code."""
    programs = cni.plugin()
    build(programs, Quiet())
    return programs.bin / cni.NAME


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of CNI's own programs."""
    build(REFERENCE, Quiet())
    return REFERENCE.bin


@pytest.fixture
def host() -> Iterator[str]:
    """The network of a host."""
    with namespace() as name:
        yield name


@pytest.fixture
def pod() -> Iterator[str]:
    """The network of a Pod's sandbox, empty."""
    with namespace() as name:
        yield name


@pytest.fixture
def plugin(program: Path, host: str, pod: str) -> Plugin:
    """The plugin on that host, for that Pod."""
    return Plugin(program, host, pod)


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    """A node agent that listens."""
    async with serving(tmp_path / "agent.sock") as agent:
        yield agent
