"""What a node is part of and what it says, as values."""

from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.vlan import Vlan
from ovnloom.node.provider_answers import Outcome, agents, differing_errors, differing_labels
from ovnloom.node.provider_uplinks import taking_part, unusable, uplink
from ovnloom.node.view import View

DOMAIN = ".provider-network.kubernetes.io/"


def node(**labels: str) -> Node:
    return Node.decode({"metadata": {"name": "n1", "labels": labels}})


def network(name: str, **spec: Any) -> ProviderNetwork:
    return ProviderNetwork.decode({"metadata": {"name": name}, "spec": {"defaultInterface": "eth1", **spec}})


def vlan(name: str, id_: Any, provider: str) -> Vlan:
    return Vlan.decode({"metadata": {"name": name}, "spec": {"id": id_, "provider": provider}})


def view(*networks: ProviderNetwork, own: Node | None = None, vlans: tuple[Vlan, ...] = ()) -> View:
    return View(
        "n1",
        nodes={"n1": own or node()},
        provider_networks={each.name: each for each in networks},
        vlans={each.name: each for each in vlans},
    )


def test_a_node_takes_part_unless_it_is_left_out() -> None:
    """A selector makes the list of excluded nodes say nothing, as in Kube-OVN."""
    networks = (
        network("all"),
        network("without", excludeNodes=["n1"]),
        network("chosen", excludeNodes=["n1"], nodeSelector={"matchLabels": {"rack": "a"}}),
        network("others", nodeSelector={"matchLabels": {"rack": "b"}}),
    )

    assert [each.name for each in taking_part(view(*networks, own=node(rack="a")))] == ["all", "chosen"]


def test_a_node_may_have_an_interface_of_its_own() -> None:
    """Hosts of one cluster differ in the names of their interfaces."""
    custom = [{"interface": "eth7", "nodes": ["n9"]}, {"interface": "eth8", "nodes": ["n1"]}]

    assert uplink(view(), network("phys", customInterfaces=custom)).interface == "eth8"
    assert uplink(view(), network("phys")).interface == "eth1"


def test_the_tags_are_those_of_the_networks_own_vlans() -> None:
    """One that can't be read is left out: it has no Subnet either."""
    vlans = (vlan("a", 10, "phys"), vlan("b", 0, "phys"), vlan("c", 20, "other"), vlan("d", 4096, "phys"))

    assert uplink(view(vlans=vlans), network("phys")).tags == {0, 10}


def test_routers_of_each_node_have_a_mac_of_their_own() -> None:
    """Switches of the physical network would see one MAC in many places."""
    one = uplink(View("n1"), network("phys")).router_mac

    assert one == uplink(View("n1"), network("phys")).router_mac
    assert one != uplink(View("n2"), network("phys")).router_mac


def test_what_is_not_served_is_refused_and_says_what_to_do() -> None:
    """Half of what somebody asked for would be a host with other names than he thinks."""
    assert unusable(network("phys")) == ""
    assert "set it to false" in unusable(network("phys", exchangeLinkName=True))
    assert "leave them out" in unusable(network("phys", vlanInterfaces=["eth1.10"]))
    assert "choose a shorter one" in unusable(network("thirteenchars"))


def test_a_node_says_only_what_differs() -> None:
    """Each write of a Node is an event for everybody who watches nodes."""
    said = {f"phys{DOMAIN}ready": "true", f"phys{DOMAIN}mtu": "1500", f"phys{DOMAIN}interface": "eth1"}
    there = view(network("phys"), own=node(rack="a", **said))

    assert differing_labels(there, there.nodes["n1"], {"phys": Outcome("eth1", 1500)}) == {}
    changed = differing_labels(there, there.nodes["n1"], {"phys": Outcome("eth2", 1500)})
    assert changed == {f"phys{DOMAIN}interface": "eth2"}


def test_labels_of_what_failed_or_is_gone_are_removed() -> None:
    """The controller would count the node as ready."""
    said = {f"phys{DOMAIN}ready": "true", f"gone{DOMAIN}ready": "true", f"left{DOMAIN}mtu": "1500"}
    there = view(network("phys"), network("left", excludeNodes=["n1"]), own=node(rack="a", **said))

    assert differing_labels(there, there.nodes["n1"], {"phys": Outcome("eth1", 0, "no such interface")}) == {
        f"phys{DOMAIN}ready": None,
        f"gone{DOMAIN}ready": None,
        f"left{DOMAIN}mtu": None,
        f"left{DOMAIN}exclude": "true",
    }


def test_what_could_not_be_looked_at_stays_as_it_was_said() -> None:
    """While Open vSwitch is started anew its bridges work on."""
    there = view(network("phys"), own=node(**{f"phys{DOMAIN}ready": "true"}))

    assert differing_labels(there, there.nodes["n1"], {"phys": Outcome("eth1", 0, "not connected", is_open=True)}) == {}


def test_an_interface_whose_name_can_not_be_a_label_is_left_out() -> None:
    """The API server would refuse all labels for it, `ready` included."""
    there = view(network("phys"))

    changed = differing_labels(there, there.nodes["n1"], {"phys": Outcome("eth0:1", 1500)})

    assert changed == {f"phys{DOMAIN}ready": "true", f"phys{DOMAIN}mtu": "1500"}


def test_the_agent_knows_its_own_pod() -> None:
    """It says there why it failed, where the controller and people look for it."""

    def pod(name: str, app: str, **spec: Any) -> Pod:
        meta = {"name": name, "namespace": "kube-system", "labels": {"app": app}}
        return Pod.decode({"metadata": meta, "spec": {"nodeName": "n1", **spec}})

    pods = (pod("a", "kube-ovn-cni", hostNetwork=True), pod("b", "web", hostNetwork=True), pod("c", "kube-ovn-cni"))
    there = View("n1", pods={Key(each.name, each.namespace): each for each in pods})

    assert [each.name for each in agents(there)] == ["a"]


def test_an_error_goes_with_what_was_wrong() -> None:
    """People and the controller would look for a mistake that is gone."""
    meta = {"name": "a", "namespace": "kube-system"}
    said = {
        f"phys{DOMAIN}err_mesg": "old",
        f"gone{DOMAIN}err_mesg": "old",
        f"same{DOMAIN}err_mesg": "no such interface",
    }
    agent = Pod.decode({"metadata": {**meta, "annotations": said}})
    same = Outcome("eth9", 0, "no such interface")

    assert differing_errors(agent, {"phys": Outcome("eth1", 1500), "same": same, "new": same}) == {
        f"phys{DOMAIN}err_mesg": None,
        f"gone{DOMAIN}err_mesg": None,
        f"new{DOMAIN}err_mesg": "no such interface",
    }
