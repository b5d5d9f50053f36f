"""What is wrong is refused or told, to whom it concerns, and touches nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sandbox import until
from tests.controller.api import condition
from tests.controller.field import PREFIX, Place, refusal, stays
from tests.controller.replica import PATIENCE


@contextmanager
def unharmed(place: Place) -> Iterator[None]:
    """After the block the rows of everybody else are as before, and the controller lives."""
    mine = place.name("")
    before = place.field.rows().lines(without=mine)
    yield
    place.field.settled()
    assert place.field.rows().lines(without=mine) == before
    assert place.field.controller.is_alive


@pytest.fixture
def bystander(place: Place) -> str:
    """A Subnet with a Pod of somebody else; its name. Its rows are the ones that `unharmed` compares."""
    other = Place(place.field, letter="a")
    space = other.namespace()
    name = other.subnet(namespaces=[space])
    other.pod("one", space)
    other.allocated("one", space)
    place.made.extend(other.made)
    place.field.settled()
    return name


def subnet_with(place: Place, **spec: Any) -> Any:
    return lambda: place.subnet("wrong", **spec)


def test_what_can_be_refused_at_once_is_refused_by_the_api_server(place: Place) -> None:
    """The earlier somebody hears of a mistake the better: `kubectl apply` prints these sentences."""
    cidr, inside = place.cidr(), place.address(9)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("is not a network", {"cidrBlock": "10.1.0.0/33"}),
        ("is not a network", {"cidrBlock": "ten"}),
        ("two networks of one family", {"cidrBlock": f"{cidr},{place.cidr(1)}"}),
        ("overlaps a network that is no Pod's", {"cidrBlock": "127.1.0.0/16"}),
        ("room for one address only", {"cidrBlock": f"{inside}/32"}),
        ("outside of spec.cidrBlock", {"cidrBlock": cidr, "gateway": "1.2.3.4"}),
        ("is no address", {"cidrBlock": cidr, "gateway": "router"}),
        ("is reversed", {"cidrBlock": cidr, "excludeIps": [f"{inside}..{place.address(5)}"]}),
        ("neither an address nor a range", {"cidrBlock": cidr, "excludeIps": ["all"]}),
        ("is no network", {"cidrBlock": cidr, "allowSubnets": ["friends"]}),
    ]
    for sentence, spec in wrong:
        assert sentence in refusal(subnet_with(place, **spec)), spec
    made = {"apiVersion": "kubeovn.io/v1", "kind": "Vpc", "metadata": {"name": place.name("x")}}
    route = {"cidr": "10.0.0.0/8", "nextHopIP": "10.0.0.1", "policy": "policyUp"}
    assert refusal(lambda: place.create({**made, "spec": {"staticRoutes": [route]}}))
    policy = {"priority": 1, "match": "ip4", "action": "teleport"}
    assert refusal(lambda: place.create({**made, "spec": {"policyRoutes": [policy]}}))


def test_a_subnet_that_overlaps_another_of_its_vpc_is_told_so_and_gives_no_address(
    place: Place, bystander: str
) -> None:
    """Two Pods with one address reach nobody; the younger Subnet is the one at fault."""
    cidr = place.api.the("Subnet", bystander)["spec"]["cidrBlock"]
    space = place.namespace()
    with unharmed(place):
        name = place.subnet(cidrBlock=cidr, namespaces=[space])

        said = place.fails("Subnet", name, "ValidateLogicalSwitchFailed", "Validated")
        assert f"overlaps Subnet {bystander}" in said
        assert "overlaps" in place.tells(name, "ValidateLogicalSwitchFailed")
        place.pod("one", space)
        place.tells("one", "AcquireAddressFailed")

    place.api.patch("Subnet", name, {"spec": {"cidrBlock": place.cidr(), "gateway": None, "excludeIps": None}})
    place.ready("Subnet", name)
    assert condition(place.api.the("Subnet", name), "Error")["status"] == "False"
    place.allocated("one", space)


@pytest.mark.parametrize(
    ("cidr", "what"),
    [
        ("10.96.4.0/24", "the range of Services"),
        ("100.64.7.0/24", "Subnet join"),
        ("172.30.0.0/24", "Node worker-1"),
    ],
)
def test_a_subnet_that_takes_addresses_of_the_cluster_itself_is_refused(place: Place, cidr: str, what: str) -> None:
    """Services, nodes and the join network would be cut off."""
    with unharmed(place):
        name = place.subnet(cidrBlock=cidr)

        assert what in place.fails("Subnet", name, "ValidateLogicalSwitchFailed", "Validated")


def test_the_same_networks_are_free_to_use_in_another_vpc(place: Place) -> None:
    """A custom Vpc has its own address space."""
    vpc = place.vpc()

    for index, cidr in enumerate(("10.96.4.0/24", "100.64.7.0/24", "10.16.0.0/24")):
        place.ready("Subnet", place.subnet(f"net-{index}", vpc=vpc, cidrBlock=cidr))


def test_excluded_addresses_outside_the_subnet_do_no_harm(place: Place) -> None:
    """People copy lists from one Subnet to the next."""
    space = place.namespace()
    excluded = ["192.0.2.1..192.0.2.9", f"{place.address(2)}..{place.address(3)}"]
    name = place.subnet(namespaces=[space], excludeIps=excluded)
    place.ready("Subnet", name)

    place.pod("one", space)

    assert place.allocated("one", space)["ip_address"] == place.address(4)


def test_a_subnet_that_leaves_out_addresses_in_use_stays_as_it_was_and_says_which(place: Place, bystander: str) -> None:
    """An edit must not cut off running Pods."""
    space = place.namespace()
    name = place.subnet(namespaces=[space])
    place.pod("high", space, {PREFIX + "ip_address": place.address(200)})
    place.allocated("high", space)
    before = [line for line in place.field.rows().lines() if name in line]
    with unharmed(place):
        place.api.patch("Subnet", name, {"spec": {"cidrBlock": place.cidr(prefix=25)}})

        said = place.fails("Subnet", name, "AddressesInUse", "Validated")
        assert f"{place.address(200)} of high.{space}" in said
        assert [line for line in place.field.rows().lines() if name in line] == before

    place.api.delete("Pod", "high", space)
    place.ready("Subnet", name)
    networks = {"networks": f"{place.address(1)}/25"}
    until(lambda: place.field.rows().of("Logical_Router_Port", **networks), "the new network", PATIENCE)


def test_a_subnet_waits_for_its_vpc(place: Place) -> None:
    """`kubectl apply -f folder/` creates things in the order of their file names."""
    vpc, space = place.name("vpc"), place.namespace()
    name = place.subnet(vpc=vpc, namespaces=[space])

    assert vpc in place.fails("Subnet", name, "VpcMissing")
    assert name in place.field.rows("Logical_Switch").names("Logical_Switch")
    place.pod("one", space)
    place.allocated("one", space)

    place.vpc(namespaces=[space])
    place.ready("Subnet", name)
    assert f"{vpc}-{name}" in place.field.rows("Logical_Router_Port").names("Logical_Router_Port")


def test_things_made_in_the_wrong_order_come_right(place: Place) -> None:
    """Pod, then IPPool, then Subnet, then Vpc: each waits, tells, and goes on."""
    space, subnet, pool = place.namespace(), place.name("net"), place.name("pool")
    place.pod("one", space, {PREFIX + "logical_switch": subnet, PREFIX + "ip_pool": pool})
    place.tells("one", "AcquireAddressFailed")
    place.custom("IPPool", "pool", subnet=subnet, ips=[place.address(77)])
    place.fails("IPPool", pool)
    place.subnet(vpc=place.name("vpc"))
    place.fails("Subnet", subnet, "VpcMissing")
    assert place.allocated("one", space)["ip_address"] == place.address(77)
    place.vpc()

    place.ready("Subnet", subnet)
    place.ready("IPPool", pool)
    place.ready("Vpc", place.name("vpc"))


def test_things_deleted_in_any_order_all_go(place: Place) -> None:
    """`kubectl delete -f folder/` must end, in whatever order it asks."""
    space = place.namespace()
    vpc = place.vpc(namespaces=[space])
    subnet = place.subnet(vpc=vpc, namespaces=[space])
    pool = place.custom("IPPool", "pool", subnet=subnet, ips=[place.address(50)])
    place.ready("IPPool", pool)
    place.ready("Vpc", vpc)
    place.pod("one", space, {PREFIX + "ip_pool": pool})
    place.allocated("one", space)

    for kind, name in (("Vpc", vpc), ("Subnet", subnet), ("IP", f"one.{space}"), ("IPPool", pool), ("Pod", "one")):
        place.api.delete(kind, name, space if kind == "Pod" else "")

    for kind, name in (("IPPool", pool), ("IP", f"one.{space}"), ("Subnet", subnet), ("Vpc", vpc)):
        place.gone(kind, name)
    until(lambda: not [line for line in place.field.rows().lines() if place.name("") in line], "all rows", PATIENCE)


def test_an_exhausted_subnet_tells_its_pods_and_serves_them_first_come_first_served(place: Place) -> None:
    """Whoever has waited longest is next, or the unlucky wait for ever."""
    space = place.namespace()
    name = place.subnet(namespaces=[space], cidrBlock=place.cidr(prefix=29))
    place.ready("Subnet", name)
    for index in range(5):
        place.pod(f"has-{index}", space)
        place.allocated(f"has-{index}", space)
    for word in ("first", "second", "third"):
        place.pod(word, space)
        assert "no free IPv4 address" in place.tells(word, "NoAvailableAddress")
    waiting = lambda: place.field.controller.metric("ovnloom_waiting_pods", subnet=name)  # noqa: E731
    until(lambda: waiting() == 3, "the metric", PATIENCE)

    for index, word in enumerate(("first", "second")):
        freed = place.allocated(f"has-{index}", space)["ip_address"]
        place.api.delete("Pod", f"has-{index}", space)
        assert place.allocated(word, space)["ip_address"] == freed
    assert place.api.get("IP", f"third.{space}") is None

    place.api.patch("Subnet", name, {"spec": {"cidrBlock": place.cidr(prefix=28)}})
    place.allocated("third", space)


def test_a_static_address_that_is_taken_is_given_when_it_is_free(place: Place) -> None:
    """The second Pod of a rolling update asks for what the first one still has."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    asked = {PREFIX + "ip_address": place.address(20)}
    place.pod("old", space, asked)
    place.allocated("old", space)
    place.pod("new", space, asked)

    assert f"in use by old.{space}" in place.tells("new", "AddressConflict")
    place.api.delete("Pod", "old", space)

    assert place.allocated("new", space)["ip_address"] == place.address(20)


WRONG = [
    ("ValidatePodNetworkFailed", "ip_address", {"ip_address": "10.x.0.1"}),
    ("ValidatePodNetworkFailed", "ip_address", {"ip_address": "1.1.1.1,2.2.2.2"}),
    ("ValidatePodNetworkFailed", "mac_address", {"mac_address": "nonsense"}),
    ("ValidatePodNetworkFailed", "ip_family", {"ip_family": "ipv5"}),
    ("ValidatePodNetworkFailed", "ip_pool", {"ip_pool": "10.0.0.1,rubbish,;;"}),
    ("ValidatePodNetworkFailed", "ingress_rate", {"ingress_rate": "fast"}),
    ("AddressOutOfRange", "can't be used", {"ip_address": "192.0.2.1"}),
    ("AddressConflict", "gateway", {"ip_address": "GATEWAY"}),
    ("AcquireAddressFailed", "does not exist", {"ip_pool": "no-such-pool"}),
    ("AcquireAddressFailed", "does not exist", {"logical_switch": "no-such-subnet"}),
    ("AcquireAddressFailed", "nodes only", {"logical_switch": "join"}),
    ("InvalidIPFamily", "ipv6", {"ip_family": "ipv6"}),
]


def test_a_pod_with_malformed_annotations_is_told_which_and_why(place: Place, bystander: str) -> None:
    """One typo in one Pod must be found by its author and hurt nobody else."""
    space = place.namespace()
    place.ready("Subnet", place.subnet(namespaces=[space]))
    with unharmed(place):
        for index, (_, _, asked) in enumerate(WRONG):
            values = {PREFIX + key: place.address(1) if value == "GATEWAY" else value for key, value in asked.items()}
            place.pod(f"wrong-{index}", space, values)
        networks = {"k8s.v1.cni.cncf.io/networks": '[{"nam": "x"}]'}
        place.pod("wrong-networks", space, networks)
        place.pod("right", space)

        for index, (reason, words, asked) in enumerate(WRONG):
            assert words in place.tells(f"wrong-{index}", reason), asked
        assert "item without a name" in place.tells("wrong-networks", "ValidatePodNetworkFailed")
        place.allocated("right", space)

    fixed = {PREFIX + "mac_address": "02:00:00:00:00:77"}
    place.api.patch("Pod", "wrong-2", {"metadata": {"annotations": fixed}}, space)
    assert place.allocated("wrong-2", space)["mac_address"] == "02:00:00:00:00:77"


def test_of_two_default_subnets_one_is_and_the_other_is_told(place: Place) -> None:
    """Where Pods land must not depend on which event came first."""
    other = place.subnet(default=True)
    assert "ovn-default is the default" in place.fails("Subnet", other, "TwoDefaultSubnets")
    space = place.namespace()
    vpc = place.vpc(namespaces=[space])
    first = place.subnet("first", vpc=vpc, cidrBlock=place.cidr(1), default=True)
    place.ready("Subnet", first)
    second = place.subnet("second", vpc=vpc, cidrBlock=place.cidr(2), default=True)

    assert first in place.fails("Subnet", second, "TwoDefaultSubnets")
    place.pod("one", space)
    assert place.allocated("one", space)["logical_switch"] == first


def test_an_ippool_that_overlaps_another_one_is_told_so_and_gives_nothing(place: Place) -> None:
    """One address must not be promised twice."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("IPPool", place.custom("IPPool", "a", subnet=subnet, ips=[f"{place.address(10)}..{place.address(19)}"]))

    younger = place.custom("IPPool", "b", subnet=subnet, ips=[f"{place.address(15)}..{place.address(25)}"])
    outside = place.custom("IPPool", "c", subnet=subnet, ips=["192.0.2.7"])

    assert place.name("a") in place.fails("IPPool", younger, type_="Validated")
    assert place.ready("IPPool", outside)["status"]["v4AvailableIPs"] == 0  # kube-ovn ignores what is outside, too
    place.pod("one", space, {PREFIX + "ip_pool": younger})
    assert "not valid" in place.tells("one", "AcquireAddressFailed")
    place.api.delete("IPPool", place.name("a"))
    place.ready("IPPool", younger)
    assert place.allocated("one", space)["ip_address"] == place.address(15)


def test_a_megabyte_of_junk_is_refused_or_carried(place: Place, bystander: str) -> None:
    """Whatever the API server stores, the controller must carry, or say that it doesn't."""
    junk = "x" * 1_000_000
    assert "Too long" in refusal(subnet_with(place, cidrBlock=place.cidr(), dhcpV4Options=junk))
    space = place.namespace()
    with unharmed(place):
        vpc = place.vpc("junk", policyRoutes=[{"priority": 5, "match": f'inport == "{"y" * 4000}', "action": "drop"}])
        place.pod("junk", space, {PREFIX + "ip_pool": "z" * 200_000})
        place.pod("networks", space, {"k8s.v1.cni.cncf.io/networks": "[" * 100_000})
        place.pod("right", space, {PREFIX + "logical_switch": "ovn-default", "free": "w" * 200_000})

        assert len(place.fails("Vpc", vpc)) < 2000
        assert len(place.tells("junk", "AcquireAddressFailed")) < 2000
        place.tells("networks", "ValidatePodNetworkFailed")
        place.allocated("right", space)


def test_text_that_a_database_cannot_hold_hurts_only_its_owner(place: Place, bystander: str) -> None:
    """ovsdb-server hangs up on a NUL, so it would do so at each try, and nobody's rows were written any more."""
    space = place.namespace()
    with unharmed(place):
        name = place.subnet(enableDHCP=True, dhcpV4Options="domain_name=\0", routeTable="a\0b")
        route = {"cidr": "10.0.0.0/8", "nextHopIP": "10.0.0.1", "routeTable": "a\0b"}
        vpc = place.vpc(
            staticRoutes=[route], policyRoutes=[{"priority": 5, "match": 'inport == "\0"', "action": "drop"}]
        )
        place.pod("right", space)

        place.allocated("right", space)
        place.fails("Subnet", name)
        place.fails("Vpc", vpc)


def test_a_match_that_ovn_cannot_read_hurts_only_its_owner(place: Place, bystander: str) -> None:
    """ovn-controller would drop the flow without a word, and a deny would let all through."""
    vpc = place.vpc()
    name = place.subnet(vpc=vpc, acls=[{"direction": "to-lport", "priority": 1100, "match": "icmp4", "action": "drop"}])
    place.ready("Subnet", name)
    before = [line for line in place.field.rows().lines() if place.name("") in line]
    with unharmed(place):
        broken = {"direction": "to-lport", "priority": 1100, "match": "ip4.src = (", "action": "drop"}
        place.api.patch("Subnet", name, {"spec": {"acls": [broken]}})
        route = {"priority": 100, "match": "ip9.dst == 1", "action": "drop"}
        place.api.patch("Vpc", vpc, {"spec": {"policyRoutes": [route]}})

        assert "spec.acls[0].match" in place.fails("Subnet", name, "ValidateLogicalSwitchFailed", "Validated")
        assert "spec.policyRoutes[0].match" in place.fails("Vpc", vpc, type_="Validated")
        assert [line for line in place.field.rows().lines() if place.name("") in line] == before
        assert place.field.controller.metric("ovnloom_held_owners", kind="Subnet") == 1

    place.api.patch("Subnet", name, {"spec": {"acls": []}})
    place.ready("Subnet", name)


def test_a_port_of_somebody_else_with_the_name_of_a_pods_port_stays_and_only_that_pod_waits(
    place: Place, bystander: str
) -> None:
    """A port's name is unique in the database: a second one would make the whole transaction fail."""
    space = place.namespace()
    name = place.subnet(namespaces=[space])
    place.ready("Subnet", name)
    foreign = place.name("foreign")
    nbctl = place.field.sandbox.nbctl
    nbctl("ls-add", foreign, "--", "lsp-add", foreign, f"taken.{space}")
    try:
        with unharmed(place):
            for word in ("a", "taken", "b"):
                place.pod(word, space)

            assert "somebody else's" in place.tells("taken", "NameTaken")
            for word in "ab":
                place.allocated(word, space)
            stays(lambda: "allocated" not in str(place.api.the("Pod", "taken", space)["metadata"]), "it to wait", 0.5)
    finally:
        nbctl("--if-exists", "ls-del", foreign)

    place.allocated("taken", space)


def test_an_ip_object_that_makes_no_sense_is_told_so(place: Place) -> None:
    """Reservations are made by hand, and by scripts."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)

    def reserve(name: str, **spec: str) -> None:
        meta = {"name": name}
        place.create(
            {"apiVersion": "kubeovn.io/v1", "kind": "IP", "metadata": meta, "spec": {"namespace": space, **spec}}
        )

    reserve(f"a.{space}", podName="a", subnet="no-such-subnet")
    reserve(f"wrong-name.{space}", podName="b", subnet=subnet)
    reserve(f"c.{space}", podName="c", subnet=subnet, v4IpAddress="192.0.2.9")
    assert "Unsupported value" in refusal(lambda: reserve(f"d.{space}", podName="d", subnet=subnet, podType="Teapot"))

    assert "no-such-subnet" in place.tells(f"a.{space}", "ReserveAddressFailed")
    assert f"'b.{space}'" in place.tells(f"wrong-name.{space}", "ReserveAddressFailed")
    assert "can't be used" in place.tells(f"c.{space}", "AddressOutOfRange")
