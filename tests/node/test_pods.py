"""Pods get their interface from the agent: with a real API server, controller, OVN and Open vSwitch."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import until
from tests.node.field import CONF, Container
from tests.node.pods import ANNOTATED, Pods

pytestmark = pytest.mark.xdist_group("node-agent")


def test_two_pods_ping_each_other(pods: Pods) -> None:
    """That is what a network is for."""
    one, two = pods.connected(), pods.connected()

    for address in pods.note(two.pod, "ip_address").split(","):
        assert "3 received" in one.run("ping", "-c3", "-i0.2", "-W2", address)


def test_the_answer_says_what_the_container_has(pods: Pods) -> None:
    """The runtime shows the Pod's address from the answer; the container has to have the same."""
    container = pods.container(pods.create())

    status, answer = container.add()

    assert status == 200
    link = container.link()
    there = {item["local"] for item in link["addr_info"] if item["scope"] == "global"}
    assert {item["ip"] for item in answer["ips"]} == there == set(pods.note(container.pod, "ip_address").split(","))
    assert link["address"] == answer["mac_address"] == pods.note(container.pod, "mac_address")
    assert link["mtu"] == answer["mtu"] == 1400
    gateways = pods.note(container.pod, "gateway").split(",")
    assert [item["gateway"] for item in answer["ips"]] == gateways
    defaults = [route["gw"] for route in answer["routes"] if route["dst"] in ("0.0.0.0/0", "::/0")]
    assert sorted(defaults) == sorted(gateways)
    assert container.check()[0] == 204


def test_adding_again_changes_nothing(pods: Pods) -> None:
    """containerd repeats an ADD whose answer it didn't get; the container's traffic must not notice."""
    container = pods.connected()
    before, port = container.link(), pods.field.interface(container.port, "_uuid")

    assert container.add()[0] == 200

    assert container.link()["ifindex"] == before["ifindex"]
    assert pods.field.interface(container.port, "_uuid") == port


def test_deleting_leaves_nothing_and_can_be_repeated(pods: Pods) -> None:
    """A DEL that fails for what is gone would keep a Pod in Terminating for ever."""
    container = pods.connected()

    for _ in range(2):
        assert container.delete() == (204, None)

    assert pods.field.interface(container.port, "_uuid") == ""
    assert "eth0" not in container.run("ip", "-br", "link")
    assert container.port not in pods.field.host.run("ip", "-br", "link")


def test_deleting_works_when_pod_and_namespace_are_gone(pods: Pods) -> None:
    """A Pod that is deleted by force is gone before its DEL comes, and after a reboot so is its namespace."""
    container = pods.connected()
    pods.field.api.delete("Pod", container.pod, "default")
    container.end()

    assert container.delete(net_ns="")[0] == 204

    assert pods.field.interface(container.port, "_uuid") == ""


def test_an_add_waits_for_the_address_and_goes_on_at_once(pods: Pods) -> None:
    """The kubelet may be faster than the controller: that is no failure, and no reason to wait longer than needed."""
    container = pods.container("late")

    with ThreadPoolExecutor(1) as thread:
        adding = thread.submit(container.add)
        name = pods.field.api.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "late", "namespace": "default"},
                "spec": {"nodeName": pods.field.host.name, "containers": [{"name": "main", "image": "none"}]},
            }
        )["metadata"]["name"]
        pods.made.append(name)
        status, answer = adding.result(60)

    assert status == 200, answer


def test_an_add_fails_with_the_reason_that_the_event_has(pods: Pods) -> None:
    """Whoever looks at the Pod should see that the Subnet is full, and not that something timed out."""
    subnet = {"cidrBlock": "10.77.0.0/30", "gateway": "10.77.0.1", "protocol": "IPv4"}
    body = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "tiny"}, "spec": subnet}
    pods.field.api.create(body)
    try:
        pods.create(logical_switch="tiny")
        starved = pods.create(wait=False, logical_switch="tiny")
        container = pods.container(starved)

        status, answer = container.add()
    finally:
        pods.clear()
        pods.field.api.delete("Subnet", "tiny")

    assert status == 500
    assert "NoAvailableAddress" in answer["error"]
    assert pods.field.interface(container.port, "_uuid") == ""
    said = lambda: pods.field.api.events(starved, "PodNetworkConfigureFailed")  # noqa: E731
    assert "NoAvailableAddress" in until(said, "an Event about the failed ADD")[0]["message"]


def test_fifty_pods_at_once_are_all_connected(pods: Pods) -> None:
    """A node that boots starts all of its Pods at the same time."""
    containers = [pods.container(pods.create(wait=False)) for _ in range(50)]

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(Container.add, containers))

    assert [status for status, _ in answers] == [200] * 50
    assert "1 received" in containers[0].run("ping", "-c1", "-W2", answers[49][1]["ips"][0]["ip"])


def test_a_killed_agent_leaves_pods_alone_and_goes_on_with_an_add(pods: Pods) -> None:
    """Upgrades restart the agent on every node; kill -9 is the worst of them."""
    field, running = pods.field, pods.connected()
    half = pods.container(pods.create())
    before = running.link()["ifindex"], field.interface(running.port, "_uuid")
    field.host.run("ip", "link", "add", half.port, "type", "veth", "peer", "name", "eth0", "netns", half.name)
    field.switch.vsctl("add-port", "br-int", half.port, "--", "set", "interface", half.port, "external_ids:pod_netns=x")

    field.agent.kill()
    assert "1 received" in running.run("ping", "-c1", "-W2", pods.note(running.pod, "gateway").split(",")[0])
    field.agent.begin()

    assert (running.link()["ifindex"], field.interface(running.port, "_uuid")) == before
    status, answer = half.add()
    assert status == 200, answer
    assert "1 received" in half.run("ping", "-c1", "-W2", pods.note(running.pod, "ip_address").split(",")[0])


def test_a_second_agent_refuses_to_start(pods: Pods) -> None:
    """Two agents would take each other's ports for leftovers."""
    said = pods.field.host.run("sh", "-c", f"{sys.executable} -m ovnloom node 2>&1; echo code $?", seconds=60)

    assert "another agent serves this host" in said
    assert "code 1" in said


def test_the_configuration_is_there_once_pods_can_be_served(pods: Pods) -> None:
    """Its file makes the kubelet call the plugin: before that nothing would answer."""
    path = pods.field.host.path(CONF)
    until(path.exists, "the CNI configuration")

    assert json.loads(path.read_text())["plugins"][0]["type"] == "kube-ovn"
    assert path.stat().st_mode & 0o777 == 0o600


def test_limits_follow_the_annotations_of_a_running_pod(pods: Pods) -> None:
    """Nobody restarts a database to slow it down."""
    container = pods.container(pods.create(ingress_rate="8", egress_rate="4"))
    assert container.add()[0] == 200
    field = pods.field
    assert field.interface(container.port, "ingress_policing_rate") == "4000"
    queues = field.switch.vsctl("--columns=other_config", "find", "queue", f"external_ids:pod=default/{container.pod}")
    assert 'max-rate="8000000"' in queues

    notes = {ANNOTATED + "egress_rate": "6", ANNOTATED + "ingress_rate": None}
    field.api.patch("Pod", container.pod, {"metadata": {"annotations": notes}}, "default")

    until(lambda: field.interface(container.port, "ingress_policing_rate") == "6000", "the new limit")
    assert field.switch.vsctl("find", "queue", f"external_ids:pod=default/{container.pod}") == ""
