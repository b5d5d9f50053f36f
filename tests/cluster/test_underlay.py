"""Physical networks from the manifest to the wire, with machines that know nothing of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import pytest

from demo.tour.place import ECHO, Place, Pod, at, host_of
from sandbox import Host, OpenVswitch, until
from sandbox.openvswitch import PHYSICAL, kernel_datapath
from tests.cluster.bound import WEB, apply, bound
from tests.cluster.lab import Lab, lab, wire

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(300)]

NETWORK, DOMAIN = "office", "office.provider-network.kubernetes.io/"
"""Of docs/samples/tour/06-underlay.yaml, which has an untagged Vlan and a Subnet of it."""
ROUTER, TAGGED, LOGICAL = "10.88.0.1", "10.88.10.1", "10.88.20.2"
"""Addresses of machines: the host outside, untagged, and the lab with tags 10 and 20."""
PATIENCE = 60.0
NAMES = ("ovn-bridge-mappings", "ovn-chassis-mac-mappings")


@dataclass(frozen=True)
class Office:
    """The physical network with all that is in it."""

    place: Place
    lab: Lab
    desks: tuple[Pod, Pod]
    """Of the untagged network, joined to the overlay: one on each node."""
    benches: tuple[Pod, Pod]
    """With tag 10 and a physical gateway only."""
    shelves: tuple[Pod, Pod]
    """With tag 20, OVN's router as gateway, and natOutgoing."""
    clients: tuple[Pod, Pod]
    """Of the overlay."""


@pytest.fixture(scope="module")
def office(place: Place) -> Iterator[Office]:
    """Of two nodes. Afterwards nothing of it is left, in the cluster and on the nodes."""
    place.outside.run("ip", "address", "replace", f"{ROUTER}/24", "dev", "eth1")
    try:
        place.apply("01-web.yaml")
        place.apply("02-services.yaml")
        place.apply("06-underlay.yaml")
        apply(place, _vlan("office-bench", 10), _vlan("office-shelf", 20))
        _until_ready(place, NETWORK)
        bench: dict[str, Any] = {"cidrBlock": "10.88.10.0/24", "gateway": TAGGED, "vlan": "office-bench"}
        shelf: dict[str, Any] = {
            "cidrBlock": "10.88.20.0/24",
            "vlan": "office-shelf",
            "logicalGateway": True,
            "natOutgoing": True,
        }
        shelf["excludeIps"] = [LOGICAL]
        with (
            lab(place.sandbox) as machine,
            bound(place, "office-bench", **bench) as benches,
            bound(place, "office-shelf", **shelf) as shelves,
        ):
            machine.join(10, f"{TAGGED}/24")
            machine.join(20, f"{LOGICAL}/24")
            desks, clients = place.on_each_node("tour-office", "desk"), place.on_each_node("tour", "client")
            yield Office(place, machine, _two(desks), _two(benches), _two(shelves), _two(clients))
    finally:
        remove(place)
        place.outside.run("ip", "address", "delete", f"{ROUTER}/24", "dev", "eth1")


def remove(place: Place) -> None:
    """The ProviderNetwork and all that hangs on it is gone."""
    place.kubectl("delete", "daemonset/desk", "-n", "tour-office", "--ignore-not-found", "--cascade=foreground")
    for words in (("subnet", "office-floor"), ("vlan", "--all"), ("provider-network", NETWORK)):
        place.kubectl("delete", *words, "--ignore-not-found", "--timeout=60s")


def test_a_network_is_ready_and_nodes_say_by_which_interface(office: Office) -> None:
    """Users look at the ProviderNetwork before they ask why a Pod has no network."""
    place = office.place
    said = place.get("provider-network", NETWORK)["status"]

    assert said["ready"] is True
    assert said["readyNodes"] == ["worker-1", "worker-2"]
    assert said["vlans"] == ["office-bench", "office-floor", "office-shelf"]
    for node in place.get("nodes")["items"]:
        labels = {key: value for key, value in node["metadata"]["labels"].items() if key.startswith(DOMAIN)}
        assert labels == {f"{DOMAIN}ready": "true", f"{DOMAIN}interface": "eth1", f"{DOMAIN}mtu": "1500"}


def test_pods_and_a_machine_meet_in_a_tagged_network_with_their_own_addresses(office: Office) -> None:
    """This is what a physical network is for: firewalls and servers there see Pods, and reach them."""
    place, machine = office.place, office.lab
    for bench in office.benches:
        assert host_of(place.answers(partial(place.asks, bench, at(TAGGED, ECHO, "/clientip")))) == bench.address
        assert place.answers(partial(machine.asks, at(bench.address, WEB))) == bench.name
        assert host_of(place.answers(partial(machine.asks, at(bench.address, WEB, "/clientip")))) == TAGGED


def test_pods_of_two_nodes_meet_on_the_wire_with_the_tag(office: Office) -> None:
    """In a tunnel no switch between the nodes could see, filter or count them."""
    place, (first, second) = office.place, office.benches
    node = place.sandbox.host(first.node)
    with wire(node, "eth1", f"vlan 10 and tcp and host {first.address} and host {second.address}") as seen:
        assert place.answers(partial(place.asks, first, at(second.address, WEB))) == second.name
        assert seen.wait(PATIENCE) == 0


def test_a_tag_keeps_networks_apart(office: Office) -> None:
    """Two Vlans of one interface are two networks: a machine of the other one isn't a neighbour."""
    place, bench, stranger = office.place, office.benches[0], "10.88.10.9"
    assert place.answers(partial(place.asks, bench, at(TAGGED, ECHO)))

    place.outside.run("ip", "address", "replace", f"{stranger}/32", "dev", "eth1")
    try:
        assert place.silent(partial(place.asks, bench, at(stranger, ECHO)), times=1)
    finally:
        place.outside.run("ip", "address", "delete", f"{stranger}/32", "dev", "eth1")


def test_a_networkpolicy_holds_for_pods_of_a_physical_network(office: Office) -> None:
    """There is no router of ours on the way that could have filtered: it has to be done at the Pod's port."""
    place, (first, second) = office.place, office.benches
    assert place.answers(partial(place.asks, first, at(second.address, WEB)))
    with _let_in(place, "office-bench", {"ipBlock": {"cidr": f"{TAGGED}/32"}}):
        assert place.silent(partial(place.asks, first, at(second.address, WEB)), times=1)
        assert place.answers(partial(office.lab.asks, at(second.address, WEB))) == second.name
    assert place.answers(partial(place.asks, first, at(second.address, WEB))) == second.name


def test_a_closed_pod_gets_answers_of_the_overlay(office: Office) -> None:
    """Between nodes they come by another way than the questions went, and still belong to them."""
    place, web, client = office.place, office.place.on_each_node("tour", "web"), office.clients[0]
    with _let_in(place, "tour-office"):
        for desk, server in product(office.desks, web):
            assert place.silent(partial(place.asks, client, at(desk.address, WEB)), times=1)
            assert place.answers(partial(place.asks, desk, at(server.address, WEB))) == server.name


def test_u2o_interconnection_joins_overlay_and_physical_network(office: Office) -> None:
    """Pods of both kinds call each other by their own addresses, and Services work from both sides."""
    place, web = office.place, office.place.on_each_node("tour", "web")
    names = {server.name for server in web}
    for desk, (client, server) in product(office.desks, zip(office.clients, web, strict=True)):
        said = place.answers(partial(place.asks, client, at(desk.address, WEB, "/clientip")))
        assert host_of(said) == client.address
        said = place.answers(partial(place.asks, desk, at(server.address, WEB, "/clientip")))
        assert host_of(said) == desk.address
    for desk in office.desks:
        said = place.answers(partial(place.asks, desk, at("web.tour.svc.cluster.local", 80)), names.__contains__)
        assert said in names


def test_u2o_interconnection_leaves_the_world_to_the_physical_gateway(office: Office) -> None:
    """The physical network's router goes on to be the way out: its firewall sees the Pod itself."""
    place, beyond = office.place, "203.0.113.7"
    place.outside.run("ip", "address", "replace", f"{beyond}/32", "dev", "lo")
    try:
        for desk in office.desks:
            assert host_of(place.answers(partial(place.asks, desk, at(beyond, ECHO, "/clientip")))) == desk.address
    finally:
        place.outside.run("ip", "address", "delete", f"{beyond}/32", "dev", "lo")


def test_with_a_logical_gateway_pods_are_in_both_worlds(office: Office) -> None:
    """OVN's router leads them to the overlay, nodes lead them out, and machines of the network are neighbours."""
    place, outside = office.place, office.place.outside.address
    for shelf in office.shelves:
        assert host_of(place.answers(partial(place.asks, shelf, at(LOGICAL, ECHO, "/clientip")))) == shelf.address
        assert place.answers(partial(office.lab.asks, at(shelf.address, WEB))) == shelf.name
        for client in office.clients:
            assert place.answers(partial(place.asks, client, at(shelf.address, WEB))) == shelf.name
        for server in place.on_each_node("tour", "web"):
            assert place.answers(partial(place.asks, shelf, at(server.address, WEB))) == server.name
        said = place.answers(partial(place.asks, shelf, at(outside, ECHO, "/clientip")))
        assert host_of(said) == place.nodes[shelf.node]


def test_a_network_that_goes_gives_everything_back(office: Office) -> None:
    """The next user of the interface finds it as it was."""
    place = office.place
    remove(place)
    try:
        for host in place.sandbox.workers.hosts:
            until(partial(_is_untouched, host), f"{host.name} to have given its interface back", PATIENCE)
        until(lambda: not _labels(place), "the nodes to say nothing of it any more", PATIENCE)
    finally:
        place.apply("06-underlay.yaml")


def test_an_interface_of_another_bridge_is_left_alone_and_each_node_says_why(place: Place) -> None:
    """Where Open vSwitch runs as a process the node's address is on such a bridge: to take eth0 would cut it off."""
    if kernel_datapath():
        pytest.skip("where the kernel forwards the sandbox has no such bridge")
    apply(place, _network("taken", defaultInterface="eth0"))
    try:
        words = f"eth0 is a port of bridge {PHYSICAL}"
        until(lambda: _complaints(place, "taken", words) == {"worker-1", "worker-2"}, "the nodes to complain", PATIENCE)
        assert place.get("provider-network", "taken")["status"]["ready"] is False
    finally:
        place.kubectl("delete", "provider-network", "taken", "--timeout=60s")
    for host in place.sandbox.workers.hosts:
        assert OpenVswitch(host).vsctl("port-to-br", "eth0").strip() == PHYSICAL


def test_the_interface_with_the_nodes_own_address_carries_pods_and_tunnels_as_well(place: Place) -> None:
    """Most machines have one interface only; who loses the way to the API server on it is lost himself."""
    host = place.sandbox.host("worker-2")
    place.apply("01-web.yaml")
    before = _ready_since(place, host.name)
    with _plain_interface(host):
        apply(place, _network("own", defaultInterface="eth0", excludeNodes=["worker-1"]), _vlan("own", 0, "own"))
        try:
            _until_ready(place, "own")
            gateway = place.sandbox.fabric.addresses[0]
            cidr = f"{gateway.rpartition('.')[0]}.0/24"
            taken = f"{gateway}..{place.sandbox.fabric.of_host(150)[0]}"
            spec = {"vlan": "own", "cidrBlock": cidr, "gateway": gateway, "excludeIps": [taken]}
            with bound(place, "own", host.name, **spec) as (pod,):
                assert place.answers(partial(place.asks_from_outside, at(pod.address, WEB))) == pod.name
                outside = at(place.outside.address, ECHO, "/clientip")
                assert host_of(place.answers(partial(place.asks, pod, outside))) == pod.address
            for client, web in product(place.on_each_node("tour", "client"), place.on_each_node("tour", "web")):
                assert place.answers(partial(place.asks, client, at(web.address, WEB))) == web.name
        finally:
            place.kubectl("delete", "vlan/own", "provider-network/own", "--timeout=60s")
        until(lambda: "br-own" not in OpenVswitch(host).vsctl("list-br"), "the bridge to be given back", PATIENCE)
        assert f" {host.address}/24 " in host.run("ip", "address", "show", "dev", "eth0")
    for client, web in product(place.on_each_node("tour", "client"), place.on_each_node("tour", "web")):
        assert place.answers(partial(place.asks, client, at(web.address, WEB))) == web.name
    assert _ready_since(place, host.name) == before


@contextmanager
def _plain_interface(host: Host) -> Iterator[None]:
    """The host's addresses are on eth0, as if nobody had prepared it; before and after where the sandbox has them."""
    if kernel_datapath():
        yield
        return
    switch = OpenVswitch(host)
    try:
        # With the bridge's MAC, so that nobody has to learn another one.
        host.run("ip", "link", "set", "eth0", "address", host.mac(255))
        switch.vsctl("del-br", PHYSICAL)
        host.move_addresses("eth0")
        yield
    finally:
        host.run("ip", "link", "set", "eth0", "address", host.mac(0))
        switch.up()


def _labels(place: Place) -> list[str]:
    """What the nodes say of the network."""
    found = (key for node in place.get("nodes")["items"] for key in node["metadata"]["labels"])
    return [key for key in found if key.startswith(DOMAIN)]


@contextmanager
def _let_in(place: Place, namespace: str, *peers: dict[str, Any]) -> Iterator[None]:
    """Only these peers open connections to Pods of the namespace, nobody without any."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": list(peers)}] if peers else []}
    meta = {"name": "few", "namespace": namespace}
    apply(place, {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})
    try:
        yield
    finally:
        place.kubectl("delete", "networkpolicy", "few", "-n", namespace)


def _complaints(place: Place, network: str, words: str) -> set[str]:
    """The nodes for which the network's conditions say these words."""
    conditions = place.get("provider-network", network).get("status", {}).get("conditions", [])
    return {each.get("node", "") for each in conditions if words in each.get("message", "")}


def _until_ready(place: Place, network: str) -> None:
    place.kubectl("wait", f"provider-network/{network}", "--for=jsonpath={.status.ready}=true", "--timeout=60s")


def _ready_since(place: Place, node: str) -> str:
    found = place.get("node", node)["status"]["conditions"]
    return next(
        str(each["lastTransitionTime"]) for each in found if each["type"] == "Ready" and each["status"] == "True"
    )


def _is_untouched(host: Host) -> bool:
    switch = OpenVswitch(host)
    said = switch.vsctl("get", "open", ".", "external_ids")
    silent = host.run("cat", "/proc/sys/net/ipv4/conf/eth1/arp_ignore").strip()
    return f"br-{NETWORK}" not in switch.vsctl("list-br") and silent == "0" and not any(name in said for name in NAMES)


def _network(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "kubeovn.io/v1", "kind": "ProviderNetwork", "metadata": {"name": name}, "spec": spec}


def _vlan(name: str, tag: int, network: str = NETWORK) -> dict[str, Any]:
    spec = {"id": tag, "provider": network}
    return {"apiVersion": "kubeovn.io/v1", "kind": "Vlan", "metadata": {"name": name}, "spec": spec}


def _two(pods: tuple[Pod, ...]) -> tuple[Pod, Pod]:
    first, second = pods
    return first, second
