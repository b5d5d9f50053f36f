"""What an interface should be follows from the Pod's annotations, its Subnet and the node."""

from dataclasses import replace
from typing import Any

import pytest

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import MIRROR, Pod
from ovnloom.api.subnet import Subnet
from ovnloom.errors import Refused
from ovnloom.host.wire import Limits, Route, host_name
from ovnloom.node.nic import POD_UID, Nic, NotYet, wanted
from ovnloom.node.request import Request

TOLD = {
    "allocated": "true",
    "routed": "true",
    "ip_address": "10.16.0.5,fd00:10:16::5",
    "mac_address": "02:00:00:00:00:05",
    "cidr": "10.16.0.0/16,fd00:10:16::/112",
    "gateway": "10.16.0.1,fd00:10:16::1",
    "logical_switch": "blue",
}
CONTAINER = "0123456789abcdef" * 4


def nic(
    told: dict[str, str | None] | None = None,
    interface: str = "eth0",
    tunnel: int = 1400,
    labels: dict[str, str] | None = None,
    routes: tuple[tuple[str, str], ...] = (),
    status: dict[str, Any] | None = None,
    meta: dict[str, str] | None = None,
    **spec: Any,
) -> Nic:
    """The interface of a Pod in Subnet blue; what is told as None is missing."""
    notes = {
        f"ovn.kubernetes.io/{word}": value for word, value in {**TOLD, **(told or {})}.items() if value is not None
    }
    body = {"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "annotations": notes, **(meta or {})}}
    subnet = Subnet.decode({"metadata": {"name": "blue"}, "spec": spec, "status": status or {}})
    networks = {"ovn.kubernetes.io/node_networks": '{"storage": "192.168.9.11"}'}
    node = Node.decode({"metadata": {"name": "worker-1", "labels": labels or {}, "annotations": networks}})
    request = Request(Key("web", "shop"), CONTAINER, "/run/netns/x", interface, routes=routes)
    return wanted(request, Pod.decode(body), {"blue": subnet}, node, tunnel)


def test_addresses_routes_and_ids_are_those_of_the_annotations() -> None:
    """The rows of OVN were made from the same values: anything else is dropped as spoofed."""
    found = nic()

    assert [str(address) for address in found.wire.addresses] == ["10.16.0.5/16", "fd00:10:16::5/112"]
    assert found.wire.routes == (Route("0.0.0.0/0", "10.16.0.1"), Route("::/0", "fd00:10:16::1"))
    assert (found.wire.mac, found.wire.mtu, found.wire.host) == ("02:00:00:00:00:05", 1400, "0123456789ab_h")
    assert found.wire.ids["iface-id"] == "web.shop"
    assert found.wire.ids["ip"] == "10.16.0.5,fd00:10:16::5"
    assert not found.wire.is_probed


@pytest.mark.parametrize("word", ["allocated", "ip_address", "mac_address", "routed"])
def test_what_is_missing_is_named(word: str) -> None:
    """An ADD that waited in vain should say for what: "route is not ready" cost users days."""
    with pytest.raises(NotYet, match="shop/web"):
        nic({word: None})


def test_a_pod_that_is_deleted_before_it_has_an_address_is_not_waited_for() -> None:
    """Nobody gives an address to a Pod that is going."""
    with pytest.raises(Refused, match="being deleted"):
        nic({"allocated": None}, meta={"deletionTimestamp": "2020-01-01T00:00:00Z"})


def test_only_the_first_interface_has_the_default_route_unless_the_pod_says_otherwise() -> None:
    """Two default routes would send replies out of the wrong interface."""
    assert nic(interface="net1").wire.routes == ()
    assert nic({"default_route": "true"}, interface="net1").gateways == ("10.16.0.1", "fd00:10:16::1")
    assert nic({"default_route": "false"}).gateways == ()


def test_a_gateway_counts_only_for_families_that_the_pod_has() -> None:
    """A Subnet that became dual has Pods with one address and two gateways."""
    assert nic({"ip_address": "10.16.0.5"}).gateways == ("10.16.0.1",)


def test_the_gateway_of_an_underlay_with_interconnection_is_its_address_there() -> None:
    """Pods reach the overlay through that address only."""
    spec = {"vlan": "v10", "u2oInterconnection": True}
    assert nic(status={"u2oInterconnectionIP": "10.16.0.2"}, **spec).gateways == ("10.16.0.2",)
    with pytest.raises(NotYet, match=r"status\.u2oInterconnectionIP"):
        nic(**spec)


def test_the_gateway_of_an_underlay_is_asked_unless_the_subnet_says_not_to() -> None:
    """A firewall that answers no ARP for its address is no reason for an Event at each Pod."""
    assert nic(vlan="v10").is_gateway_asked
    assert not nic(vlan="v10", disableGatewayCheck=True).is_gateway_asked
    assert not nic().is_gateway_asked


def test_mtu_comes_from_the_subnet_then_the_provider_network_then_the_tunnel() -> None:
    """A packet that doesn't fit into the tunnel is lost without a word."""
    labels = {"pn1.provider-network.kubernetes.io/mtu": "9000"}
    assert nic(mtu=1300).wire.mtu == 1300
    assert nic({"provider_network": "pn1"}, labels=labels, vlan="v10").wire.mtu == 9000
    assert nic({"provider_network": "pn1"}, labels=labels, vlan="v10", logicalGateway=True).wire.mtu == 1400
    with pytest.raises(NotYet, match="tunnel"):
        nic(tunnel=0)


def test_an_mtu_that_is_too_small_for_ipv6_is_refused_with_its_field() -> None:
    """Linux would refuse the address with "invalid argument"."""
    with pytest.raises(Refused, match=r"spec\.mtu of Subnet blue is 1200, too small for IPv6; raise it to 1280"):
        nic(mtu=1200)
    assert nic({"ip_address": "10.16.0.5"}, mtu=1200).wire.mtu == 1200


def test_an_address_that_is_not_in_its_network_is_refused() -> None:
    """Somebody edited the annotations by hand."""
    with pytest.raises(Refused, match="don't fit"):
        nic({"ip_address": "10.16.0.5", "cidr": "fd00::/64"})


def test_routes_of_configuration_and_pod_are_added_and_bad_ones_left_out() -> None:
    """A route that can't be read is no reason to keep a Pod from starting."""
    asked = '[{"dst": "10.9.0.0/16", "gw": "10.16.0.9"}, {"dst": "nonsense"}, {"gw": "10.16.0.7"}, 3]'

    found = nic({"routes": asked}, interface="net1", routes=(("10.8.0.0/16", "10.16.0.8"),)).wire.routes

    assert found == (
        Route("10.8.0.0/16", "10.16.0.8"),
        Route("10.9.0.0/16", "10.16.0.9"),
        Route("0.0.0.0/0", "10.16.0.7"),
    )


def test_rates_and_delays_have_the_units_of_open_vswitch() -> None:
    """Mbit/s and milliseconds in annotations; bits and microseconds in the database."""
    rates = {"ingress_rate": "8", "egress_rate": "4", "latency": "5", "jitter": "1", "loss": "2.5", "limit": "100"}

    assert nic(rates).wire.limits == Limits(4_000_000, 3_200_000, 8_000_000, 800_000, 5000, 1000, 100, "2.5")
    assert nic({"egress_rate": "4", "egress_burst": "0"}).wire.limits.out_burst == 0
    for word, value in (("ingress_rate", "-1"), ("latency", "soon"), ("loss", "101"), ("egress_rate", "1e12")):
        with pytest.raises(Refused, match=word):
            nic({word: value})


def test_a_network_with_two_interfaces_has_their_names_in_its_annotations() -> None:
    """The same network twice in one Pod: net1 and net2 have addresses of their own."""
    prefix = "a.shop.ovn.net2.kubernetes.io/"
    notes = {prefix + word: value for word, value in {**TOLD, "ip_address": "10.16.0.7"}.items()}
    body = {"metadata": {"name": "web", "namespace": "shop", "uid": "u1", "annotations": notes}}
    request = Request(Key("web", "shop"), CONTAINER, "/run/netns/x", "net2", "a.shop.ovn")

    found = wanted(request, Pod.decode(body), {"blue": Subnet(Key("blue"))}, None, 1400)

    assert found.wire.ids["iface-id"] == "web.shop.a.shop.ovn.net2"
    assert found.wire.ids["ip"] == "10.16.0.7"


def test_an_address_from_somebody_elses_dhcp_needs_a_mac_only() -> None:
    """In an underlay the site's own server may give addresses."""
    found = nic({"ip_address": None, "cidr": None, "gateway": None})

    assert found.wire.addresses == found.wire.routes == ()
    assert found.wire.mac == "02:00:00:00:00:05"
    assert "ip" not in found.wire.ids


def test_names_of_host_ends_fit_and_differ() -> None:
    """15 characters for a container's id and its interface's name: parts of both must not look alike."""
    names = {
        host_name(f"{number:064x}"[::-1], name)
        for number in range(500)
        for name in ("eth0", "net1", "podabc1234567890"[:14])
    }

    assert len(names) == 1500
    assert all(len(name) <= 15 for name in names)
    assert host_name(CONTAINER, "net1") == "01234567_net1_h"


def test_a_static_pod_is_known_by_the_uid_that_its_kubelet_gave_it() -> None:
    """The API server shows it by an object with a uid of its own; a runtime only knows the kubelet's."""
    notes = {**{f"ovn.kubernetes.io/{word}": value for word, value in TOLD.items()}, MIRROR: "kubelets"}
    pod = Pod.decode({"metadata": {"name": "web", "namespace": "shop", "uid": "shown", "annotations": notes}})
    request = Request(Key("web", "shop"), CONTAINER, "/run/netns/x", "eth0", uid="kubelets")
    subnets = {"blue": Subnet.decode({"metadata": {"name": "blue"}})}

    assert wanted(request, pod, subnets, None, 1400).wire.ids[POD_UID] == "kubelets"
    with pytest.raises(NotYet, match="Pod shop/web isn't known"):
        wanted(replace(request, uid="shown"), pod, subnets, None, 1400)


def test_a_subnet_may_have_its_tunnels_by_another_network_of_the_nodes() -> None:
    """Storage traffic shall not share a link with everything else."""
    assert nic(nodeNetwork="storage").wire.ids["encap-ip"] == "192.168.9.11"
    assert "encap-ip" not in nic().wire.ids
    with pytest.raises(Refused, match=r"spec\.nodeNetwork of Subnet blue is backup"):
        nic(nodeNetwork="backup")
