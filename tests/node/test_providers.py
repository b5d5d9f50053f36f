"""A host's interface becomes a port of a bridge, and back, and the host is reached all the time.

Real Open vSwitch, a real kernel and a real API server; the physical network is a machine behind a Linux bridge.
"""

import asyncio
import json

import pytest

from ovnloom.errors import Refused
from ovnloom.host import bridges
from ovnloom.node.part import Means
from ovnloom.node.providers import Providers, resume
from sandbox import until
from sandbox.errors import CommandError
from tests.netns import inside
from tests.node.providers_site import FAR, HOST, HOST6, NODE, PEER, Site, site, view

__all__ = ["site"]  # a fixture of its own file

BRIDGE = "br-phys"


def events(site: Site, reason: str) -> list[str]:
    said = site.cluster.kubectl("get", "events", "-A", "-o", "json", f"--field-selector=reason={reason}")
    return [each["message"] for each in json.loads(said)["items"]]


def there(site: Site) -> set[str]:
    return set(site.ovs.vsctl("list-br").split())


def external_id(site: Site, key: str) -> str:
    return site.ovs.vsctl("--if-exists", "get", "open", ".", f"external_ids:{key}").strip().strip('"')


def test_the_addresses_move_to_the_bridge_and_the_host_is_still_reached(site: Site) -> None:
    """On most hosts it is the interface by which they are part of the cluster at all."""
    routes = site.routes()
    assert site.is_reached(HOST)
    site.network()

    with site.connection(HOST) as (far, near):
        site.converge()
        far.sendall(b"still here")
        assert near.recv(100) == b"still here"

    assert site.addresses("eth1") == set()
    assert site.addresses(BRIDGE) == {f"{HOST}/24", f"{HOST6}/64"}
    assert site.routes() == [line.replace("eth1", BRIDGE) for line in routes]
    assert site.is_reached(HOST, 5)
    assert site.is_reached(HOST6, 5)
    assert external_id(site, bridges.MAPPINGS) == f"phys:{BRIDGE}"
    assert external_id(site, bridges.MACS).startswith("phys:")


def test_all_is_as_before_when_the_network_is_deleted(site: Site) -> None:
    """A host that keeps half of it would be cut off by its next boot at the latest."""
    routes, addresses = site.routes(), site.addresses("eth1")
    site.network()
    site.converge()
    site.delete("ProviderNetwork", "phys")

    with site.connection(HOST) as (far, near):
        site.converge()
        far.sendall(b"still here")
        assert near.recv(100) == b"still here"

    assert (site.routes(), site.addresses("eth1")) == (routes, addresses)
    assert BRIDGE not in there(site)
    assert external_id(site, bridges.MAPPINGS) == ""
    assert external_id(site, bridges.MACS) == ""
    assert site.labels() == {}
    assert site.is_reached(HOST, 3)
    assert site.is_reached(HOST6, 3)


def test_what_is_right_already_is_not_touched(site: Site) -> None:
    """An agent starts anew with each upgrade, and looks again at each change of any Node."""
    site.network()
    site.converge()
    before = site.ovs.vsctl("get", "open", ".", "next_cfg"), site.ovs.vsctl("-f", "csv", "list", "Bridge", BRIDGE)
    monitor = site.host.popen("ip", "monitor", "link", "address", "route", stdout=-1)

    site.converge()

    monitor.terminate()
    assert monitor.communicate(timeout=10)[0] == ""
    after = site.ovs.vsctl("get", "open", ".", "next_cfg"), site.ovs.vsctl("-f", "csv", "list", "Bridge", BRIDGE)
    assert after == before


def test_the_node_says_by_which_interface_and_how_much_fits(site: Site) -> None:
    """The controller counts nodes by it, and the MTU of Pods in the network comes from it."""
    site.network()
    site.network("other", excludeNodes=[NODE], defaultInterface="eth9")
    site.converge()

    domain = "provider-network.kubernetes.io"
    assert site.labels() == {
        f"phys.{domain}/ready": "true",
        f"phys.{domain}/interface": "eth1",
        f"phys.{domain}/mtu": "1500",
        f"other.{domain}/exclude": "true",
    }
    assert f"node {NODE}: bridge {BRIDGE} has interface eth1" in events(site, "InitOVSBridgeSucceeded")


def test_an_interface_that_does_not_exist_is_told(site: Site) -> None:
    """Hosts differ in the names of their interfaces; the one that differs says so, and others aren't held up."""
    site.network()
    site.network("second", defaultInterface="eth9")

    with pytest.raises(Refused) as refused:
        site.converge()

    assert "interface eth9 does not exist on this host" in refused.value.reason
    assert any(f"node {NODE}: interface eth9 does not exist" in each for each in events(site, "InitOVSBridgeFailed"))
    assert site.labels().keys() == {f"phys.provider-network.kubernetes.io/{word}" for word in LABELS}
    assert site.addresses(BRIDGE)


LABELS = ("ready", "interface", "mtu")


def test_the_pod_of_the_agent_says_why_and_no_longer_when_it_is_repaired(site: Site) -> None:
    """The controller reads it there, for the condition of this node."""
    key = "phys.provider-network.kubernetes.io/err_mesg"
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "agent", "namespace": "kube-system", "labels": {"app": "kube-ovn-cni"}},
        "spec": {"nodeName": NODE, "hostNetwork": True, "containers": [{"name": "agent", "image": "none"}]},
    }
    site.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(body))

    def said() -> str:
        found = json.loads(site.cluster.kubectl("get", "pod", "agent", "-n", "kube-system", "-o", "json"))
        return str(found["metadata"].get("annotations", {}).get(key, ""))

    try:
        site.network(defaultInterface="eth9")
        with pytest.raises(Refused):
            site.converge()
        assert "interface eth9 does not exist" in said()
        site.network()
        site.converge()
        assert said() == ""
    finally:
        site.cluster.kubectl("delete", "pod", "agent", "-n", "kube-system", "--force", "--grace-period=0")


def test_a_network_that_moves_to_another_interface_gives_the_first_one_back(site: Site) -> None:
    """The addresses of one interface must not end up on another."""
    site.host.run("ip", "link", "add", "spare", "type", "veth", "peer", "name", "spare-peer")
    site.host.run("ip", "address", "add", "198.18.7.129/25", "dev", "spare")
    site.network()
    site.converge()
    site.network(defaultInterface="spare")
    site.converge()

    assert site.addresses("eth1") == {f"{HOST}/24", f"{HOST6}/64"}
    assert site.addresses(BRIDGE) == {"198.18.7.129/25"}
    assert site.ovs.vsctl("list-ports", BRIDGE).split() == ["spare"]
    assert site.is_reached(HOST, 3)


def test_an_edit_that_can_not_be_done_leaves_what_works(site: Site) -> None:
    """A typo in an interface's name would otherwise take the network from all Pods at once."""
    site.network()
    site.converge()
    site.network(defaultInterface="eht1")

    with pytest.raises(Refused):
        site.converge()

    assert site.addresses(BRIDGE) == {f"{HOST}/24", f"{HOST6}/64"}
    assert site.is_reached(HOST)


def test_an_interface_of_somebody_else_is_left_alone(site: Site) -> None:
    """Whoever takes a member out of a bond or a bridge cuts the host off."""
    site.host.run("ip", "link", "add", "bridge0", "type", "bridge")
    site.host.run("ip", "link", "set", "eth1", "master", "bridge0")
    site.network()

    with pytest.raises(Refused) as refused:
        site.converge()

    assert "eth1 is part of bridge0; name bridge0 instead" in refused.value.reason
    assert BRIDGE not in there(site)
    assert site.addresses("eth1")


def test_one_interface_can_not_be_in_two_networks(site: Site) -> None:
    """The second one would take the first one's Pods off the wire."""
    site.network("first")
    site.network("second")

    with pytest.raises(Refused) as refused:
        site.converge()

    assert "interface eth1 is a port of bridge br-first" in refused.value.reason
    assert "br-second" not in there(site)
    assert site.is_reached(HOST)


def test_a_switch_that_can_not_use_the_interface_gives_it_back(site: Site) -> None:
    """Between two tries the host must be reached as if nothing had happened."""
    site.network(defaultInterface="lo")

    with pytest.raises(Refused):
        site.converge()

    assert BRIDGE not in there(site)
    assert external_id(site, bridges.MAPPINGS) == ""
    assert site.addresses("lo") == {"127.0.0.1/8", "::1/128"}


def test_what_was_interrupted_is_done_to_its_end(site: Site) -> None:
    """The agent was killed, or the host came back from a boot: its addresses are on an interface of the bridge."""
    site.network()
    site.converge()
    for each in (f"{HOST}/24", f"{HOST6}/64"):
        site.host.run("ip", "address", "delete", each, "dev", BRIDGE)
        site.host.run("ip", "address", "add", each, "dev", "eth1", *(("nodad",) if ":" in each else ()))

    async def use(_: Providers, means: Means) -> None:
        await resume(means.ovs)

    site.act(use)

    assert site.addresses("eth1") == set()
    assert site.is_reached(HOST, 3)
    assert site.is_reached(HOST6, 3)


def test_a_move_that_was_cut_off_in_the_middle_is_ended(site: Site) -> None:
    """Addresses are on the bridge before the interface loses them, so whoever is killed leaves them on both."""
    routes = site.routes()
    site.network()
    site.converge()
    site.host.run("ip", "address", "add", f"{HOST}/24", "dev", "eth1")
    site.host.run("ip", "route", "replace", FAR, "via", PEER, "dev", "eth1", "metric", "50", "src", HOST, "mtu", "1400")

    site.converge()

    assert site.addresses("eth1") == set()
    assert site.routes() == [line.replace("eth1", BRIDGE) for line in routes]
    assert site.is_reached(HOST, 3)


def test_a_way_back_that_was_cut_off_is_ended(site: Site) -> None:
    """The interface is out of the bridge and the addresses aren't: the host is cut off until somebody goes on."""
    routes, addresses = site.routes(), site.addresses("eth1")
    site.network()
    site.converge()
    site.ovs.vsctl("del-port", BRIDGE, "eth1")
    assert not site.is_reached(HOST)
    site.delete("ProviderNetwork", "phys")

    site.converge()

    assert (site.routes(), site.addresses("eth1")) == (routes, addresses)
    assert BRIDGE not in there(site)
    assert site.is_reached(HOST, 3)


def test_the_vlans_of_the_network_pass_and_no_others(site: Site) -> None:
    """A physical network has frames that are none of the Pods' business."""
    site.network()
    site.apply("Vlan", "ten", {"id": 10, "provider": "phys"})
    site.apply("Vlan", "elsewhere", {"id": 30, "provider": "other"})
    site.converge()
    assert site.ovs.vsctl("get", "port", "eth1", "trunks").strip() == "[0, 10]"

    site.apply("Vlan", "ten", {"id": 20, "provider": "phys"})
    site.converge()

    assert site.ovs.vsctl("get", "port", "eth1", "trunks").strip() == "[0, 20]"


def test_a_vlan_interface_is_made_where_it_lacks_and_goes_with_the_network(site: Site) -> None:
    """Hosts of a cluster need no preparation; an interface that somebody else made stays."""
    try:
        site.host.run("ip", "link", "add", "probe", "link", "eth1", "type", "vlan", "id", "9")
    except CommandError:
        pytest.skip("the kernel has no VLAN interfaces (module 8021q)")
    site.network(defaultInterface="eth1.10", autoCreateVlanSubinterfaces=True)
    site.converge()
    assert "eth1.10" in site.ovs.vsctl("list-ports", BRIDGE).split()

    site.delete("ProviderNetwork", "phys")
    site.converge()

    with pytest.raises(CommandError):
        site.host.run("ip", "link", "show", "dev", "eth1.10")
    assert site.addresses("eth1") == {f"{HOST}/24", f"{HOST6}/64"}


def test_mappings_of_others_stay(site: Site) -> None:
    """Somebody else on this host may have bridges that ovn-controller knows."""
    site.ovs.vsctl("set", "open", ".", 'external_ids:ovn-bridge-mappings="other:br-other"')
    site.network()
    site.converge()
    both = external_id(site, bridges.MAPPINGS)
    site.delete("ProviderNetwork", "phys")
    site.converge()

    assert both == f"other:br-other,phys:{BRIDGE}"
    assert external_id(site, bridges.MAPPINGS) == "other:br-other"


def test_an_address_that_somebody_puts_back_wakes_the_part(site: Site) -> None:
    """`netplan apply` and DHCP clients do; the host would answer from an interface that is the bridge's."""
    site.network()

    async def use(part: Providers, means: Means) -> None:
        await part.converge(await view(means.client))
        woken = asyncio.Event()
        with inside(f"/proc/{site.host.pid}/ns/net"):
            task = asyncio.create_task(part.follow(woken.set))
            await asyncio.sleep(0)  # it has opened its sockets, in the host
        try:
            await asyncio.wait_for(woken.wait(), 10)  # it begins by looking at everything
            woken.clear()
            await asyncio.to_thread(site.host.run, "ip", "address", "add", f"{HOST}/24", "dev", "eth1")
            await asyncio.wait_for(woken.wait(), 10)
            await part.converge(await view(means.client))
        finally:
            task.cancel()

    site.act(use)

    until(lambda: site.addresses("eth1") == set(), "the address to be on the bridge", 10)
