"""`ovnloom node status` and `clean`: what people run on a host that they don't understand, or want to leave."""

import sys

import pytest

from sandbox import until
from tests.node.field import CONF, NodeField
from tests.node.pods import Pods

pytestmark = pytest.mark.xdist_group("node-agent")


def node(field: NodeField, *words: str) -> tuple[int, str]:
    """Exit code and output of a command on the host."""
    line = f"{sys.executable} -m ovnloom node {' '.join(words)} 2>&1; echo code=$?"
    said, _, code = field.host.run("sh", "-c", line).rpartition("code=")
    return int(code), said


def test_status_is_right_when_all_is_right(pods: Pods) -> None:
    """A page that always finds something is not read."""
    pods.connected()
    until(pods.field.host.path(CONF).exists, "the CNI configuration")
    until(lambda: node(pods.field, "status")[0] == 0, "everything to be right")

    _, said = node(pods.field, "status")

    assert all(line.startswith("+") for line in said.splitlines())
    assert "+  Pods" in said
    assert "1 of 1 connected" in said
    assert "br-int" in said


def test_status_names_what_is_missing(pods: Pods) -> None:
    """It should save the walk through ovs-vsctl, ip and kubectl."""
    container = pods.connected()
    conf = pods.field.host.path(CONF)
    until(conf.exists, "the CNI configuration")
    kept = conf.read_bytes()
    conf.unlink()
    pods.field.switch.vsctl("remove", "interface", container.port, "external_ids", "iface-id")
    try:
        code, said = node(pods.field, "status")
    finally:
        conf.write_bytes(kept)

    assert code == 1
    wrong = [line for line in said.splitlines() if line.startswith("-")]
    assert any(f"Pod default/{container.pod}" in line for line in wrong)
    assert any("CNI configuration" in line for line in wrong)


def test_clean_refuses_while_the_agent_runs(pods: Pods) -> None:
    """What is removed while it runs comes back."""
    container = pods.connected()

    code, said = node(pods.field, "clean")

    assert code == 1
    assert "another agent serves this host" in said
    assert container.check()[0] == 204


def test_clean_leaves_nothing_and_the_agent_makes_all_anew(pods: Pods) -> None:
    """Who tries ovnloom should be able to leave it, and to come back."""
    field, host = pods.field, pods.field.host
    container = pods.connected()
    until(host.path(CONF).exists, "the CNI configuration")
    field.agent.stop()
    try:
        code, said = node(field, "clean")

        assert code == 0, said
        assert not host.path(CONF).exists()
        assert "ovnloom" not in host.run("nft", "list", "ruleset")
        links = host.run("ip", "-br", "link")
        assert "ovn0" not in links
        assert container.port not in links
        assert field.switch.vsctl("--columns=name", "find", "interface", "external_ids:vendor=kube-ovn") == ""
        assert node(field, "status")[0] == 1
        assert node(field, "clean") == (0, "")
    finally:
        field.agent.begin()
    pods.connected()
