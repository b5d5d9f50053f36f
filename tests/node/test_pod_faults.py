"""What goes wrong around a Pod's interface: said in a sentence, cleaned up, and nobody else's affair."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox import until
from tests.node.field import CONF, SOCKET, Container
from tests.node.pods import Pods

pytestmark = pytest.mark.xdist_group("node-agent")


def test_a_del_ends_an_add_that_still_waits(pods: Pods) -> None:
    """A runtime that gave up sends DEL; an ADD that goes on afterwards would leave an interface behind."""
    container = pods.container("never-created")

    with ThreadPoolExecutor(1) as thread:
        adding = thread.submit(container.add)
        until(lambda: pods.field.agent.metric("ovnloom_node_busy") == 1, "the ADD to wait")
        assert container.delete() == (204, None)
        status, answer = adding.result(10)

    assert status == 503
    assert "newer request" in answer["error"]
    assert pods.field.interface(container.port, "_uuid") == ""


def test_a_namespace_that_is_gone_is_said(pods: Pods) -> None:
    """The sandbox died before its network was made: the kubelet makes another one."""
    container = pods.container(pods.create())
    container.end()

    status, answer = container.add()

    assert status == 500
    assert f"network namespace {container.netns} can't be opened" in answer["error"]
    assert pods.field.interface(container.port, "_uuid") == ""
    pods.field.host.run("ip", "netns", "add", container.name)


def test_an_interface_name_that_is_taken_in_the_container_is_said(pods: Pods) -> None:
    """Two networks of a Pod that ask for one interface name: the second must not replace the first."""
    container = pods.container(pods.create())
    container.run("ip", "link", "add", "eth0", "type", "bridge")

    status, answer = container.add()

    assert status == 500
    assert "already has an interface eth0 (bridge" in answer["error"]
    assert "eth0" in container.run("ip", "-br", "link", "show", "type", "bridge")
    assert pods.field.interface(container.port, "_uuid") == ""


def test_an_interface_of_the_host_with_the_name_of_a_pods_is_left_alone(pods: Pods) -> None:
    """What somebody else made on the host isn't ours to delete."""
    container, host = pods.container(pods.create()), pods.field.host
    host.run("ip", "link", "add", container.port, "type", "bridge")
    try:
        status, answer = container.add()
        assert host.run("ip", "-br", "link", "show", "dev", container.port, "type", "bridge")
    finally:
        host.run("ip", "link", "delete", container.port)

    assert status == 500
    assert f"interface {container.port} of this host is a bridge" in answer["error"]


def test_containers_whose_ids_begin_alike_dont_take_each_others_port(pods: Pods) -> None:
    """Only twelve characters of an id fit into the name of an interface."""
    first = pods.connected()
    second = pods.container(pods.create())
    second.container = first.container[:12] + second.container[12:]

    status, answer = second.add()

    assert status == 500
    assert f"port {first.port} belongs to container {first.container}/eth0" in answer["error"]
    assert second.delete()[0] == 204
    assert first.check()[0] == 204


def test_a_newer_sandbox_of_a_pod_takes_its_port_over(pods: Pods) -> None:
    """After a crash of the runtime both sandboxes are there; OVN binds a port to one interface only."""
    old, other = pods.connected(), pods.connected()
    new = pods.container(old.pod)

    assert new.add()[0] == 200

    assert "iface-id" not in pods.field.interface(old.port, "external_ids")
    assert "1 received" in new.run("ping", "-c1", "-W2", pods.note(other.pod, "ip_address").split(",")[0])
    status, answer = old.check()
    assert status == 409
    assert "another sandbox of the Pod has taken over" in answer["error"]


def test_a_check_names_what_is_missing(pods: Pods) -> None:
    """A CHECK that says yes to everything is what kube-ovn's users had."""
    container = pods.connected()
    address = pods.note(container.pod, "ip_address").split(",")[0]

    container.run("ip", "-4", "route", "delete", "default")
    assert "lacks the default route" in container.check()[1]["error"]

    container.run("ip", "address", "flush", "dev", "eth0", "scope", "global")
    assert f"lacks address {address}/16" in container.check()[1]["error"]

    pods.field.switch.vsctl("del-port", container.port)
    status, answer = container.check()
    assert status == 409
    assert f"Open vSwitch has no port {container.port}" in answer["error"]


def test_gc_keeps_what_the_runtime_knows_and_removes_the_rest(pods: Pods) -> None:
    """CNI's GC is there for runtimes that lost a DEL."""
    kept, lost = pods.connected(), pods.connected()
    valid = [{"container_id": kept.container, "if_name": "eth0"}]

    assert pods.field.agent.ask("gc", {"provider": "other.default.ovn", "valid_attachments": []})[0] == 204
    assert lost.check()[0] == 204  # another network's list says nothing of this one

    assert pods.field.agent.ask("gc", {"provider": "ovn", "valid_attachments": valid})[0] == 204

    assert kept.check()[0] == 204
    assert pods.field.interface(lost.port, "_uuid") == ""
    assert pods.field.agent.ask("gc", {})[0] == 400


def test_ports_that_a_reboot_left_are_removed_at_the_start(pods: Pods) -> None:
    """Open vSwitch keeps its ports on disk, network namespaces don't survive a reboot."""
    field, left, running = pods.field, pods.connected(), pods.connected()

    field.agent.kill()
    left.end()
    field.agent.begin()

    until(lambda: field.interface(left.port, "_uuid") == "", "the leftover to be gone")
    assert running.check()[0] == 204


def test_a_configuration_that_is_removed_is_written_again(pods: Pods) -> None:
    """Without it the kubelet says that the node isn't Ready, and nobody else would write it."""
    path = pods.field.host.path(CONF)
    until(path.exists, "the configuration")

    path.unlink()

    until(path.exists, "the configuration to be back")


def test_a_socket_whose_file_is_removed_is_made_again(pods: Pods) -> None:
    """Somebody cleaned /run: an agent that nobody reaches would live on for days."""
    pods.field.host.path(SOCKET).unlink()

    until(pods.field.agent.is_ready, "the socket to be back")
    pods.connected()


def test_nonsense_is_answered_and_harms_nobody(pods: Pods) -> None:
    """Whoever can write to the socket may write anything."""
    asked = {"pod_name": "a", "pod_namespace": "b", "container_id": "c", "net_ns": "/x", "if_name": "e"}
    for change in (
        {"pod_name": ""},
        {"if_name": "../../etc"},
        {"if_name": "x" * 16},
        {"routes": [7]},
        {"container_id": 1},
    ):
        status, answer = pods.field.agent.ask("add", {**asked, **change})
        assert status == 400
        assert next(iter(change)) in answer["error"]

    status, answer = Container(pods.field, "a", provider="nothing.here.ovn").add()
    assert status == 400
    assert "provider nothing.here.ovn is not bound to any Subnet" in answer["error"]
    assert pods.field.agent.ask("sing", {})[0] == 404


@contextmanager
def full_disk(pods: Pods) -> Iterator[None]:
    host = pods.field.host
    host.run("mount", "-t", "tmpfs", "-o", "size=4k", "full", "/etc/cni/net.d")
    host.run("dd", "if=/dev/zero", "of=/etc/cni/net.d/filler", "bs=4096", "count=1")
    try:
        yield
    finally:
        host.run("umount", "/etc/cni/net.d")


def test_a_full_disk_keeps_the_configuration_away_until_there_is_room(pods: Pods) -> None:
    """Half a configuration is worse than none: the kubelet would believe it."""
    agent, host = pods.field.agent, pods.field.host
    agent.stop()
    with full_disk(pods):
        agent.begin()
        until(lambda: "No space left on device" in agent.log, "the log to say why there is no configuration")
        assert host.run("ls", "-A", "/etc/cni/net.d").split() == ["filler"]

        host.run("rm", "/etc/cni/net.d/filler")

        until(host.path(CONF).exists, "the configuration")


def test_a_pod_has_an_interface_in_a_second_network(pods: Pods) -> None:
    """Multus calls the plugin once for each network, with the network's provider."""
    field, provider = pods.field, "net1.default.ovn"
    spec = {
        "cidrBlock": "10.88.0.0/24",
        "gateway": "10.88.0.1",
        "protocol": "IPv4",
        "provider": provider,
        "vpc": "second",
    }
    field.api.create({"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": "second"}, "spec": {}})
    field.api.create({"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "attach"}, "spec": spec})
    try:
        until(lambda: "attach" in field.sandbox.nbctl("ls-list"), "the switch of the Subnet")
        container = pods.connected()
        port, mac = f"{container.pod}.default.{provider}", "02:00:00:00:88:05"
        field.sandbox.nbctl("lsp-add", "attach", port, "--", "lsp-set-addresses", port, f"{mac} 10.88.0.5")
        told = {
            "allocated": "true",
            "ip_address": "10.88.0.5",
            "mac_address": mac,
            "cidr": "10.88.0.0/24",
            "gateway": "10.88.0.1",
            "logical_switch": "attach",
            "routes": '[{"dst": "10.99.0.0/16", "gw": "10.88.0.1"}]',
        }
        notes = {f"{provider}.kubernetes.io/{word}": value for word, value in told.items()}
        field.api.patch("Pod", container.pod, {"metadata": {"annotations": notes}}, "default")

        status, answer = container.add(if_name="net1", provider=provider)

        assert status == 200, answer
        assert "gateway" not in answer["ips"][0]
        assert {"dst": "10.99.0.0/16", "gw": "10.88.0.1"} in answer["routes"]
        assert "10.88.0.5/24" in container.run("ip", "-br", "address", "show", "dev", "net1")
        assert "dev eth0" in container.run("ip", "route", "show", "default")
        assert container.check(if_name="net1", provider=provider)[0] == 204
        assert container.delete(if_name="net1", provider=provider)[0] == 204
        assert container.check()[0] == 204
    finally:
        pods.clear()
        field.api.delete("Subnet", "attach")
        field.api.delete("Vpc", "second")


def test_an_agent_that_is_killed_in_the_middle_of_adds_leaves_nothing_that_matters(pods: Pods) -> None:
    """kill -9 may hit anywhere between the first and the last step; the runtime then says ADD or DEL."""
    field = pods.field
    containers = [pods.container(pods.create()) for _ in range(12)]
    with ThreadPoolExecutor(12) as threads:
        adding = [threads.submit(container.add) for container in containers]
        until(lambda: any(field.interface(each.port, "_uuid") for each in containers), "the first port")
        field.agent.kill()
        for each in adding:
            each.result(30)
    field.agent.begin()

    for container in containers[:6]:
        assert container.delete() == (204, None)
        assert field.interface(container.port, "_uuid") == ""
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(Container.add, containers[6:]))

    assert [status for status, _ in answers] == [200] * 6
    assert all(container.check()[0] == 204 for container in containers[6:])
    links = field.host.run("ip", "-br", "link")
    assert not any(container.port in links for container in containers[:6])


def test_an_address_that_somebody_has_on_the_wire_is_named_with_its_mac(pods: Pods) -> None:
    """An underlay is shared with machines that no controller knows."""
    field, bridge = pods.field, pods.field.sandbox.fabric.underlay
    number = field.sandbox.fabric.number
    network = f"10.66.{number}"
    objects: dict[str, dict[str, Any]] = {
        "ProviderNetwork": {"name": "physical", "spec": {"defaultInterface": "eth1"}},
        "Vlan": {"name": "untagged", "spec": {"id": 0, "provider": "physical"}},
        "Subnet": {
            "name": "wire",
            "spec": {"cidrBlock": f"{network}.0/24", "gateway": f"{network}.1", "protocol": "IPv4", "vlan": "untagged"},
        },
    }
    for kind, body in objects.items():
        meta = {"metadata": {"name": body["name"]}, "spec": body["spec"]}
        field.api.create({"apiVersion": "kubeovn.io/v1", "kind": kind, **meta})
    try:
        taken, free = (pods.create(logical_switch="wire", ip_address=f"{network}.{last}") for last in (50, 51))
        for last in (50, 60):
            subprocess.run(["ip", "address", "add", f"{network}.{last}/24", "dev", bridge], check=True)
        mac = Path(f"/sys/class/net/{bridge}/address").read_text().strip()

        status, answer = pods.container(taken).add()
        assert status == 500
        assert f"IP address {network}.50 has already been used by host with MAC {mac}" in answer["error"]

        container = pods.container(free)
        status, answer = container.add()
        assert status == 200, answer
        until(lambda: container.reaches(f"{network}.60"), "a packet to cross the wire and come back")
    finally:
        for last in (50, 60):
            subprocess.run(["ip", "address", "del", f"{network}.{last}/24", "dev", bridge], check=False)
        pods.clear()
        for kind, body in reversed(objects.items()):
            field.api.delete(kind, body["name"])


def test_a_pod_ends_while_open_vswitch_is_away(pods: Pods) -> None:
    """A DEL that waits for a service which nobody starts any more keeps the Pod, and the node's drain, for ever."""
    field, container = pods.field, pods.connected()
    field.switch.database.stop()
    try:
        until(lambda: field.agent.ask("status")[0] == 503, "the agent to notice")
        _, why = field.agent.ask("status")
        assert "Open vSwitch is not connected" in why["error"]
        assert container.delete() == (204, None)
        assert container.port not in field.host.run("ip", "-br", "link")
        container.end()
    finally:
        field.switch.start_database()
    until(field.agent.is_ready, "the agent to be ready again")
    field.host.run("ip", "netns", "add", container.name)
    assert container.delete() == (204, None)
    assert field.interface(container.port, "_uuid") == ""
