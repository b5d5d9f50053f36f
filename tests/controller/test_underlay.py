"""Physical networks and gateway nodes with a real API server and OVN; node agents are played by the test."""

from collections.abc import Iterator

import pytest

from sandbox import until
from tests.controller.api import Body
from tests.controller.field import Place, stays
from tests.controller.replica import PATIENCE
from tests.controller.rows import Row

NODES = ("worker-1", "worker-2")
UNAVAILABLE = "NetworkUnavailable"
CONFIG, EXTERNAL = "ovn-external-gw-config", "ovn.kubernetes.io/external-gw"


def labelled(place: Place, node: str, network: str, value: str | None = "true") -> None:
    """The node says that it has its bridge, as its agent would."""
    key = f"{network}.provider-network.kubernetes.io/ready"
    place.api.patch("Node", node, {"metadata": {"labels": {key: value}}})


def status(place: Place, kind: str, name: str) -> Body:
    found: Body = (place.api.get(kind, name) or {}).get("status") or {}
    return found


def underlay(place: Place, **spec: object) -> tuple[str, str, str, str]:
    """A ProviderNetwork, a Vlan of it, a Subnet in that, and a namespace whose Pods are there."""
    space = place.namespace()
    network = place.custom("ProviderNetwork", "pn", defaultInterface="eth1")
    vlan = place.custom("Vlan", "vlan", id=10, provider=network)
    return space, network, vlan, place.subnet(vlan=vlan, namespaces=[space], **spec)


def localnet(place: Place, subnet: str) -> Row | None:
    return place.field.port(f"localnet.{subnet}")


def test_a_pod_of_a_vlan_is_on_a_switch_of_the_physical_network(place: Place) -> None:
    """The whole way from the user's objects to the row by which ovn-controller patches bridges together."""
    space, network, vlan, subnet = underlay(place)
    place.pod("till", space)

    answer = place.allocated("till", space)
    port = until(lambda: localnet(place, subnet), "a localnet port", PATIENCE)

    assert (answer["vlan_id"], answer["provider_network"]) == ("10", network)
    assert "logical_router" not in answer
    assert (port["type"], port["tag"], port["options"]) == ("localnet", 10, {"network_name": network})
    assert port.owner == f"Subnet/{subnet}"
    assert place.field.port(f"{subnet}-ovn-cluster") is None
    until(lambda: status(place, "Vlan", vlan).get("subnets") == [subnet], "the Vlan to list its Subnet", PATIENCE)


def test_the_port_follows_the_tag_of_its_vlan(place: Place) -> None:
    """A Subnet whose frames had the old tag would be in somebody else's network."""
    _, _, vlan, subnet = underlay(place)
    until(lambda: localnet(place, subnet), "a localnet port", PATIENCE)

    place.api.patch("Vlan", vlan, {"spec": {"id": 20}})

    until(lambda: (localnet(place, subnet) or {"tag": 0})["tag"] == 20, "the new tag", PATIENCE)


def test_a_vlan_that_is_deleted_while_it_is_used_cuts_nobody_off(place: Place) -> None:
    """Its Pods run in a network that is still there; the Subnet says what is wrong."""
    space, _, vlan, subnet = underlay(place)
    place.pod("till", space)
    place.allocated("till", space)
    before = until(lambda: localnet(place, subnet), "a localnet port", PATIENCE)

    place.api.delete("Vlan", vlan)

    assert vlan in place.fails("Subnet", subnet, "ValidateSubnetVlanFailed")
    assert localnet(place, subnet) == before
    assert place.field.port(f"till.{space}") is not None


def test_the_younger_of_two_vlans_with_one_id_says_so(place: Place) -> None:
    """Both would be one network, in which both Subnets give addresses."""
    network = place.custom("ProviderNetwork", "pn", defaultInterface="eth1")
    place.custom("Vlan", "first", id=10, provider=network)
    second = place.custom("Vlan", "second", id=10, provider=network)
    subnet = place.subnet(vlan=second)

    assert "choose another" in place.fails("Vlan", second, "VlanConflict", "Validated")
    assert "has the same id" in place.fails("Subnet", subnet, "ValidateSubnetVlanFailed")
    assert localnet(place, subnet) is None
    assert status(place, "Vlan", second)["conflict"] is True


def test_a_provider_network_is_ready_when_all_its_nodes_are(place: Place) -> None:
    """Users wait for it before they put Pods there, and look in its conditions for the node that isn't."""
    network = place.custom("ProviderNetwork", "pn", defaultInterface="eth1")
    until(lambda: status(place, "ProviderNetwork", network).get("notReadyNodes") == [*NODES], "two nodes", PATIENCE)

    for node in NODES:
        labelled(place, node, network)
    until(lambda: status(place, "ProviderNetwork", network).get("ready"), "it to be ready", PATIENCE)
    labelled(place, "worker-2", network, None)
    until(lambda: not status(place, "ProviderNetwork", network)["ready"], "it not to be", PATIENCE)

    said = status(place, "ProviderNetwork", network)
    of_nodes = {one["node"]: (one["status"], one["reason"]) for one in said["conditions"] if "node" in one}
    labelled(place, "worker-1", network, None)
    assert (said["readyNodes"], said["notReadyNodes"]) == (["worker-1"], ["worker-2"])
    assert of_nodes == {
        "worker-1": ("True", "InitOVSBridgeSucceeded"),
        "worker-2": ("False", "InitOVSBridgeFailed"),
    }


def test_the_router_has_an_address_in_an_interconnected_subnet(place: Place) -> None:
    """Node agents make it the gateway of Pods, and wait until the status says it; it goes with the Subnet."""
    _, _, _, subnet = underlay(place, u2oInterconnection=True)
    name = f"u2o-interconnection.ovn-cluster.{subnet}"

    said = until(lambda: status(place, "Subnet", subnet).get("u2oInterconnectionIP"), "the address", PATIENCE)
    port = until(lambda: place.field.port(f"{subnet}-ovn-cluster"), "the router to be joined", PATIENCE)
    router = place.field.rows("Logical_Router_Port").one("Logical_Router_Port", name=f"ovn-cluster-{subnet}")
    ip = place.api.the("IP", name)
    place.api.delete("Subnet", subnet)

    place.gone("Subnet", subnet)
    place.gone("IP", name)
    assert port["options"] == {"router-port": f"ovn-cluster-{subnet}"}
    assert router is not None
    assert router["networks"] == f"{said}/24"
    assert (ip["spec"]["v4IpAddress"], ip["spec"]["macAddress"]) == (said, router["mac"])
    assert until(lambda: localnet(place, subnet) is None, "its rows to go", PATIENCE)


# -- gateway nodes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(place: Place) -> Iterator[Place]:
    """Nodes that the test took out are ready again."""
    yield place
    for node in NODES:
        network_fails(place, node, fails=False)


def network_fails(place: Place, node: str, *, fails: bool) -> None:
    """Somebody says that the node's network is, or isn't, unavailable; its kubelet's own words are others'."""
    others = [one for one in place.api.the("Node", node)["status"]["conditions"] if one["type"] != UNAVAILABLE]
    conditions = [*others, {"type": UNAVAILABLE, "status": str(fails), "reason": "Test", "message": ""}]
    place.api.patch("Node", node, {"status": {"conditions": conditions}}, part="status")


def gateway(place: Place, subnet: str) -> str:
    found = status(place, "Subnet", subnet).get("activateGateway", "")
    return str(found)


def way_out(place: Place, cidr: str) -> list[Row]:
    return place.field.rows("Logical_Router_Policy").of("Logical_Router_Policy", match=f"ip4.src == {cidr}")


def hops(place: Place, cidr: str) -> set[str]:
    """The nodes through which the policy sends what leaves the Subnet."""
    return {node for row in way_out(place, cidr) for node in row.ids if node in NODES}


def test_another_gateway_node_takes_over_and_keeps_it(failing: Place) -> None:
    """Connections break once, when their node fails, and not a second time when it is back."""
    place, cidr = failing, failing.cidr()
    subnet = place.subnet(gatewayType="centralized", gatewayNode="worker-1,worker-2")
    until(lambda: gateway(place, subnet) == "worker-1", "the first of the list", PATIENCE)
    [before] = way_out(place, cidr)

    network_fails(place, "worker-1", fails=True)
    until(lambda: hops(place, cidr) == {"worker-2"}, "the other node to carry it", PATIENCE)
    until(lambda: gateway(place, subnet) == "worker-2", "the status to say so", PATIENCE)
    [after] = way_out(place, cidr)
    network_fails(place, "worker-1", fails=False)

    stays(lambda: hops(place, cidr) == {"worker-2"}, "the node that took over carries it")
    assert before.uuid == after.uuid  # changed in place, in one transaction: there was always one way out
    assert gateway(place, subnet) == "worker-2"


def test_with_ecmp_a_failing_node_is_one_hop_less(failing: Place) -> None:
    """All gateways work at once; what goes through the others isn't touched."""
    place, cidr = failing, failing.cidr()
    subnet = place.subnet(gatewayType="centralized", gatewayNode="worker-1,worker-2", enableEcmp=True)
    until(lambda: hops(place, cidr) == {*NODES}, "both nodes to carry it", PATIENCE)

    network_fails(place, "worker-1", fails=True)
    until(lambda: hops(place, cidr) == {"worker-2"}, "one hop less", PATIENCE)
    network_fails(place, "worker-1", fails=False)

    until(lambda: hops(place, cidr) == {*NODES}, "both again", PATIENCE)
    assert gateway(place, subnet) == ""


def test_without_a_ready_gateway_the_subnet_says_so(failing: Place) -> None:
    """Its traffic goes nowhere, and nobody would know why."""
    place = failing
    subnet = place.subnet(gatewayType="centralized", gatewayNode="worker-1")
    until(lambda: gateway(place, subnet) == "worker-1", "its gateway", PATIENCE)

    network_fails(place, "worker-1", fails=True)

    assert "none of the Subnet's gateway nodes is ready" in place.fails("Subnet", subnet, "NoActiveGatewayFound")
    assert gateway(place, subnet) == ""


@pytest.fixture
def choosing(place: Place) -> Iterator[Place]:
    """There is no such ConfigMap before or after, and no label of it."""
    yield place
    place.api.delete("ConfigMap", CONFIG, "kube-system")
    for node in NODES:
        metadata = {"labels": {EXTERNAL: None}, "annotations": {"ovnloom.io/external-gw": None}}
        place.api.patch("Node", node, {"metadata": metadata})


def external(place: Place) -> list[str | None]:
    found = (place.api.the("Node", node)["metadata"].get("labels", {}) for node in NODES)
    return [labels.get(EXTERNAL) for labels in found]


def test_a_config_map_chooses_the_nodes_that_lead_outside(choosing: Place) -> None:
    """Kube-OVN's users write it; it is seen at once, and what it had chosen is taken back with it."""
    place = choosing
    meta, data = {"name": CONFIG, "namespace": "kube-system"}, {"external-gw-nodes": "worker-2"}
    place.api.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    until(lambda: external(place) == [None, "true"], "the node to be chosen", PATIENCE)

    place.api.patch("ConfigMap", CONFIG, {"data": {"external-gw-nodes": "worker-1"}}, "kube-system")
    until(lambda: external(place) == ["true", "false"], "the other node to be chosen", PATIENCE)

    place.api.delete("ConfigMap", CONFIG, "kube-system")
    until(lambda: external(place) == ["false", "false"], "none to be chosen", PATIENCE)
