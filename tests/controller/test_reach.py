"""What Pods reach, by what ovn-trace says of the flows that ovn-northd made of our rows."""

from sandbox import until
from tests.controller.field import PREFIX, Place
from tests.controller.replica import PATIENCE

Port = tuple[str, str, str, str]
"""Switch, port, MAC and address."""


def port(place: Place, pod: str, space: str) -> Port:
    said = place.allocated(pod, space)
    return said["logical_switch"], f"{pod}.{space}", said["mac_address"], said["ip_address"]


def gateway_mac(place: Place, router: str, switch: str) -> str:
    found = place.field.rows("Logical_Router_Port").one("Logical_Router_Port", name=f"{router}-{switch}")
    assert found is not None
    return str(found["mac"])


def is_delivered(place: Place, source: Port, target: Port, router: str = "ovn-cluster") -> bool:
    """Whether a packet of `source` comes out at the port of `target`."""
    place.field.sandbox.ovn.sync()
    switch, inport, mac, address = source
    to = target[2] if target[0] == switch else gateway_mac(place, router, switch)
    flow = (
        f'inport == "{inport}" && eth.src == {mac} && eth.dst == {to} && ip4.src == {address} && '
        f"ip4.dst == {target[3]} && ip.ttl == 64 && icmp4.type == 8"
    )
    return f'output to "{target[1]}"' in place.field.sandbox.trace(switch, flow, "--summary", "--ct=new", "--ct=new")


def test_pods_of_one_subnet_reach_each_other(place: Place) -> None:
    """This is what a switch is for."""
    space = place.namespace()
    place.ready("Subnet", place.subnet(namespaces=[space]))
    place.pod("one", space)
    place.pod("two", space)

    one, two = port(place, "one", space), port(place, "two", space)

    assert is_delivered(place, one, two)
    assert is_delivered(place, two, one)


def test_pods_of_two_subnets_of_one_vpc_reach_each_other(place: Place) -> None:
    """The router of a Vpc joins its Subnets, a custom one as well."""
    spaces = [place.namespace("a"), place.namespace("b")]
    vpc = place.vpc(namespaces=spaces)
    for index, space in enumerate(spaces):
        name = place.subnet(f"net-{index}", vpc=vpc, cidrBlock=place.cidr(index), namespaces=[space])
        place.ready("Subnet", name)
        place.pod("one", space)

    one, two = (port(place, "one", space) for space in spaces)

    assert place.allocated("one", spaces[0])["logical_router"] == vpc
    assert is_delivered(place, one, two, vpc)
    assert is_delivered(place, two, one, vpc)


def test_two_vpcs_with_one_cidr_are_both_right_and_do_not_reach_each_other(place: Place) -> None:
    """Tenants choose their own addresses and must not even see each other's packets."""
    ports = []
    for word in "ab":
        space = place.namespace(word)
        vpc = place.vpc(f"vpc-{word}", namespaces=[space])
        place.ready("Subnet", place.subnet(f"net-{word}", vpc=vpc, namespaces=[space], cidrBlock=place.cidr()))
        place.pod("one", space)
        place.pod("two", space)
        ports.append((port(place, "one", space), port(place, "two", space), vpc))
    (one, two, _), (_, other, _) = ports

    assert one[3] == ports[1][0][3]
    assert two[3] == other[3]
    assert is_delivered(place, one, two)
    assert not is_delivered(place, one, (one[0], other[1], two[2], other[3]))


def test_a_private_subnet_lets_in_its_own_pods_those_it_allows_and_nodes(place: Place) -> None:
    """`private` is the only wall that many users have; it must neither leak nor cut off kubelet's probes."""
    spaces = {word: place.namespace(word) for word in ("wall", "friend", "stranger")}
    for index, (word, space) in enumerate(spaces.items()):
        more = {"private": True, "allowSubnets": [place.cidr(1)]} if word == "wall" else {}
        place.subnet(word, cidrBlock=place.cidr(index), namespaces=[space], **more)
        place.pod("one", space)
    place.pod("two", spaces["wall"])
    wall, friend, stranger = (port(place, "one", space) for space in spaces.values())
    place.ready("Subnet", wall[0])

    assert is_delivered(place, port(place, "two", spaces["wall"]), wall)
    assert is_delivered(place, friend, wall)
    assert not is_delivered(place, stranger, wall)
    assert is_delivered(place, wall, friend)

    place.api.patch("Subnet", wall[0], {"spec": {"private": False}})
    until(lambda: is_delivered(place, stranger, wall), "the stranger to be let in", PATIENCE)


def test_the_join_address_of_a_node_is_reached_and_reaches_pods(place: Place) -> None:
    """kubelet probes Pods from there, and what leaves the cluster leaves by it."""
    space = place.namespace()
    place.ready("Subnet", place.subnet(namespaces=[space]))
    place.pod("one", space)
    one = port(place, "one", space)
    said = place.api.the("Node", "worker-1")["metadata"]["annotations"]
    node = ("join", "node-worker-1", said[PREFIX + "mac_address"], said[PREFIX + "ip_address"])

    assert is_delivered(place, one, node)
    assert is_delivered(place, node, one)


def test_what_leaves_a_distributed_subnet_leaves_by_the_node_of_its_pod(place: Place) -> None:
    """Traffic must not cross the network twice, nor wait for one gateway."""
    space = place.namespace()
    place.ready("Subnet", place.subnet(namespaces=[space]))
    for node in ("worker-1", "worker-2"):
        place.pod(node, space, nodeName=node)
        until(lambda node=node: place.allocated(node, space).get("routed"), "it to be routed", PATIENCE)

        pod = port(place, node, space)
        outside = ("join", f"node-{node}", "", "203.0.113.7")

        assert is_delivered(place, pod, outside), node


def test_peered_vpcs_reach_each_other_by_their_routes(place: Place) -> None:
    """Peering is how tenants that want to meet do it."""
    spaces = [place.namespace(word) for word in "ab"]
    names = [place.name("vpc-a"), place.name("vpc-b")]
    links = ["169.254.100.1/30", "169.254.100.2/30"]
    for index, (word, space) in enumerate(zip("ab", spaces, strict=True)):
        other = 1 - index
        place.vpc(
            f"vpc-{word}",
            namespaces=[space],
            vpcPeerings=[{"remoteVpc": names[other], "localConnectIP": links[index]}],
            staticRoutes=[
                {"cidr": place.cidr(other), "nextHopIP": links[other].removesuffix("/30"), "policy": "policyDst"}
            ],
        )
        place.ready(
            "Subnet", place.subnet(f"net-{word}", vpc=names[index], cidrBlock=place.cidr(index), namespaces=[space])
        )
        place.pod("one", space)
    place.ready("Vpc", names[0])
    place.ready("Vpc", names[1])
    one, two = (port(place, "one", space) for space in spaces)

    assert is_delivered(place, one, two, names[0])
    assert is_delivered(place, two, one, names[1])


def test_a_policy_route_of_a_vpc_drops_what_it_names(place: Place) -> None:
    """Policy routes are how users steer and stop traffic at the router."""
    spaces = [place.namespace(word) for word in "ab"]
    vpc = place.vpc(namespaces=spaces)
    for index, space in enumerate(spaces):
        name = place.subnet(f"net-{index}", vpc=vpc, cidrBlock=place.cidr(index), namespaces=[space])
        place.ready("Subnet", name)
        place.pod("one", space)
    one, two = (port(place, "one", space) for space in spaces)
    assert is_delivered(place, one, two, vpc)

    route = {"priority": 31500, "match": f"ip4.dst == {two[3]}", "action": "drop"}
    place.api.patch("Vpc", vpc, {"spec": {"policyRoutes": [route]}})

    until(lambda: not is_delivered(place, one, two, vpc), "the drop", PATIENCE)
    assert is_delivered(place, two, one, vpc)
