"""Each test that asks for `alone` runs in a network namespace of its own."""

from collections.abc import Iterator

import pytest

from sandbox import Host, OpenVswitch, Sandbox, node
from tests.conftest import know_crds, remove_leftovers
from tests.controller.replica import Replica
from tests.leftover import sandbox_name
from tests.netns import inside, namespace
from tests.node.field import NodeField
from tests.node.pods import Pods

DUAL = {"OVNLOOM_DEFAULT_CIDR": "10.16.0.0/16,fd00:10:16::/112", "OVNLOOM_JOIN_CIDR": "100.64.0.0/16,fd00:100:64::/112"}


@pytest.fixture
def alone() -> Iterator[str]:
    """The name of an empty network namespace, in which the test itself runs."""
    with namespace() as name, inside(name):
        yield name


@pytest.fixture(scope="session")
def node_field() -> Iterator[NodeField]:
    """A control plane, a controller, and one host with Open vSwitch on which the agent runs."""
    remove_leftovers()
    sandbox = Sandbox(sandbox_name("node"), kubelets=True, family="dual")
    controller = Replica(sandbox, settings=DUAL)
    try:
        sandbox.up(nodes=0)
        know_crds(sandbox)
        host = Host(sandbox.fabric, 1)
        host.up()
        OpenVswitch(host).up()
        OpenVswitch(host).join(sandbox.sb)
        found = NodeField(sandbox, controller, host)
        said = node.first(1)[0].manifest()
        said["status"]["addresses"] = [{"type": "InternalIP", "address": each} for each in host.addresses]
        found.api.create(said)
        controller.begin()
        found.agent.begin()
        yield found
        found.agent.stop()
        controller.stop()
        found.api.close()
    finally:
        sandbox.down()


@pytest.fixture
def pods(node_field: NodeField) -> Iterator[Pods]:
    """Pods for one test."""
    found = Pods(node_field)
    try:
        yield found
    finally:
        found.clear()
