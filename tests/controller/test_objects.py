"""Vpc, Subnet, IP and IPPool objects: what they say, and how they go."""

from sandbox import until
from tests.controller.api import condition
from tests.controller.field import PREFIX, Place, stays
from tests.controller.replica import PATIENCE


def test_a_subnet_gets_its_defaults_in_spec_and_its_numbers_in_status(place: Place) -> None:
    """Users and tools read them there, and `kubectl get` prints them."""
    space = place.namespace()
    name = place.subnet(namespaces=[space])
    found = place.ready("Subnet", name)

    assert found["spec"]["gateway"] == place.address(1)
    assert found["spec"]["excludeIps"] == [place.address(1)]
    assert found["spec"]["protocol"] == "IPv4"
    assert found["spec"]["provider"] == "ovn"
    assert found["spec"]["vpc"] == "ovn-cluster"
    assert found["spec"]["gatewayType"] == "distributed"
    assert found["metadata"]["finalizers"] == ["kubeovn.io/kube-ovn-controller"]
    assert {each["type"]: each["status"] for each in found["status"]["conditions"]} == {
        "Validated": "True",
        "Ready": "True",
        "Error": "False",
    }

    for word in "abc":
        place.pod(word, space)
    until(lambda: place.api.the("Subnet", name)["status"].get("v4usingIPs") == 3, "three in use", PATIENCE)

    status = place.api.the("Subnet", name)["status"]
    assert status["v4availableIPs"] == 250
    assert status["v4usingIPrange"] == f"{place.address(2)}-{place.address(4)}"
    assert status["v4availableIPrange"] == f"{place.address(5)}-{place.address(254)}"
    printed = place.field.sandbox.kubectl("get", "subnet", name).splitlines()
    head = "NAME PROVIDER VPC VLAN PROTOCOL CIDR PRIVATE NAT DEFAULT GATEWAYTYPE V4USED V4AVAILABLE V6USED V6AVAILABLE"
    assert printed[0].split()[:14] == head.split()
    assert printed[1].split()[:3] == [name, "ovn", "ovn-cluster"]
    assert "distributed" in printed[1]
    metric = place.field.controller.metric
    assert metric("kube_ovn_subnet_used_ip_count", subnet_name=name) == 3
    assert metric("kube_ovn_subnet_available_ip_count", subnet_name=name) == 250


def test_a_namespace_says_which_subnet_its_pods_use(place: Place) -> None:
    """kube-ovn's tools read the namespace's annotations."""
    space = place.namespace()
    name = place.subnet(namespaces=[space])

    def said() -> dict[str, str]:
        annotations: dict[str, str] = place.api.the("Namespace", space)["metadata"].get("annotations", {})
        return annotations

    until(lambda: said().get(PREFIX + "logical_switch") == name, "the namespace to be bound", PATIENCE)
    assert said()[PREFIX + "cidr"] == place.cidr()
    assert said()[PREFIX + "exclude_ips"] == place.address(1)

    place.api.patch("Subnet", name, {"spec": {"namespaces": []}})
    until(lambda: said().get(PREFIX + "logical_switch") == "ovn-default", "it to be the default's again", PATIENCE)


def test_a_namespace_is_bound_by_its_labels(place: Place) -> None:
    """Platforms label namespaces; nobody lists hundreds of them in a Subnet."""
    space = place.namespace("space", team=place.name("red"))
    name = place.subnet(namespaceSelectors=[{"matchLabels": {"team": place.name("red")}}])
    place.ready("Subnet", name)

    place.pod("one", space)

    assert place.allocated("one", space)["logical_switch"] == name


def test_a_vpc_says_what_is_in_it(place: Place) -> None:
    """`kubectl get vpc` is where a user looks first."""
    space = place.namespace()
    vpc = place.vpc(namespaces=[space])
    names = [place.subnet(word, vpc=vpc, cidrBlock=place.cidr(index)) for index, word in enumerate(("b", "a"))]
    for name in names:
        place.ready("Subnet", name)
    until(lambda: place.api.the("Vpc", vpc)["status"].get("subnets") == sorted(names), "its Subnets", PATIENCE)

    found = place.ready("Vpc", vpc)
    assert found["status"]["standby"] is True
    assert found["status"]["router"] == vpc
    assert found["metadata"]["finalizers"] == ["kubeovn.io/kube-ovn-controller"]
    router = place.field.rows("Logical_Router").one("Logical_Router", name=vpc)
    assert router is not None
    assert router.owner == f"Vpc/{vpc}"
    assert len(router["ports"]) == 2

    place.api.delete("Subnet", names[0])
    until(lambda: place.api.the("Vpc", vpc)["status"].get("subnets") == [names[1]], "one Subnet", PATIENCE)


def test_changes_of_a_subnet_arrive_in_its_rows(place: Place) -> None:
    """A spec that is edited is a spec that is done."""
    space = place.namespace()
    name = place.subnet(namespaces=[space], enableDHCP=True)
    place.ready("Subnet", name)
    until(lambda: place.api.the("Subnet", name)["status"].get("dhcpV4OptionsUUID"), "DHCP options", PATIENCE)
    options = place.field.rows("DHCP_Options").of("DHCP_Options")
    assert place.api.the("Subnet", name)["status"]["dhcpV4OptionsUUID"] in {row.uuid for row in options}
    rule = {"direction": "to-lport", "priority": 1500, "match": "icmp4", "action": "drop"}

    place.api.patch("Subnet", name, {"spec": {"enableDHCP": False, "acls": [rule], "gateway": place.address(254)}})

    until(lambda: place.api.the("Subnet", name)["status"].get("dhcpV4OptionsUUID") == "", "no DHCP", PATIENCE)
    rows = place.field.rows()
    assert not [row for row in rows.of("DHCP_Options") if row.ids.get("ls") == name]
    port = until(
        lambda: place.field.rows("Logical_Router_Port").one(
            "Logical_Router_Port", name=f"ovn-cluster-{name}", networks=f"{place.address(254)}/24"
        ),
        "the gateway",
        PATIENCE,
    )
    assert port.owner == f"Subnet/{name}"
    (acl,) = [row for row in rows.of("ACL") if row.ids.get("subnet") == name or row.ids.get("parent") == name]
    assert (acl["direction"], acl["priority"], acl["match"], acl["action"]) == ("to-lport", 1500, "icmp4", "drop")
    place.pod("one", space)
    assert place.allocated("one", space)["gateway"] == place.address(254)


def ip_object(place: Place, pod: str, space: str, subnet: str, **spec: str) -> str:
    name = f"{pod}.{space}"
    place.create(
        {
            "apiVersion": "kubeovn.io/v1",
            "kind": "IP",
            "metadata": {"name": name},
            "spec": {"podName": pod, "namespace": space, "subnet": subnet, **spec},
        }
    )
    return name


def test_an_ip_that_a_user_made_reserves_the_address_for_its_pod(place: Place) -> None:
    """Addresses that are written into firewalls must be known, and kept, before and after the Pod."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.ready("Subnet", subnet)
    name = ip_object(place, "vip", space, subnet, v4IpAddress=place.address(99))
    until(lambda: place.api.the("IP", name)["metadata"].get("finalizers"), "it to be booked", PATIENCE)

    place.pod("other", space, {PREFIX + "ip_address": place.address(99)})
    place.tells("other", "AddressConflict")
    place.pod("vip", space)
    assert place.allocated("vip", space)["ip_address"] == place.address(99)
    place.api.delete("Pod", "vip", space)
    place.no_port(name)
    stays(lambda: place.api.get("IP", name), "the reservation")

    place.api.delete("IP", name)
    place.gone("IP", name)
    assert place.allocated("other", space)["ip_address"] == place.address(99)


def test_an_ip_without_an_address_is_given_one(place: Place) -> None:
    """Who needs to know an address before the Pod exists asks this way."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])

    name = ip_object(place, "later", space, subnet)

    until(lambda: place.api.the("IP", name)["spec"].get("v4IpAddress") == place.address(2), "an address", PATIENCE)
    found = place.api.the("IP", name)
    assert found["spec"]["macAddress"]
    assert found["metadata"]["labels"][PREFIX + "ip_reserved"] == "true"


def test_an_ip_that_is_deleted_under_a_living_pod_waits_for_it_and_says_so(place: Place) -> None:
    """Its address would otherwise be given to somebody else, and both would answer."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.pod("one", space)
    name = f"one.{space}"
    place.allocated("one", space)

    place.api.delete("IP", name)

    assert f"Pod {space}/one" in place.tells(name, "DeletionWaits")
    assert place.field.port(name) is not None
    place.pod("two", space)
    assert place.allocated("two", space)["ip_address"] == place.address(3)
    place.api.delete("Pod", "one", space)
    place.gone("IP", name)
    place.no_port(name)


def test_an_ip_that_was_torn_away_comes_back_with_the_address_of_its_pod(place: Place) -> None:
    """Somebody who removes finalizers by hand must not make the Pod's address free."""
    space = place.namespace()
    place.subnet(namespaces=[space])
    place.pod("one", space)
    name = f"one.{space}"
    before = place.allocated("one", space)

    uid = place.api.the("IP", name)["metadata"]["uid"]
    place.api.delete("IP", name)
    place.api.patch("IP", name, {"metadata": {"finalizers": []}})

    until(lambda: (place.api.get("IP", name) or {"metadata": {"uid": uid}})["metadata"]["uid"] != uid, "it", PATIENCE)
    assert place.api.the("IP", name)["spec"]["v4IpAddress"] == before["ip_address"]
    until(lambda: place.allocated("one", space) == before, "the annotations", PATIENCE)
    port = until(lambda: place.field.port(name), "the port", PATIENCE)
    assert port["addresses"] == f"{before['mac_address']} {before['ip_address']}"


def test_a_pool_of_a_namespace_is_its_only_source(place: Place) -> None:
    """A namespace that pays for eight addresses gets eight, and nobody else gets one of them."""
    space, other = place.namespace("paid"), place.namespace("other")
    subnet = place.subnet(namespaces=[space, other])
    ips = [f"{place.address(2)}..{place.address(3)}"]
    pool = place.custom("IPPool", "pool", subnet=subnet, ips=ips, namespaces=[space], enableAddressSet=True)
    place.ready("IPPool", pool)

    for word in "abc":
        place.pod(word, space)
    place.pod("one", other)

    assert {place.allocated(word, space)["ip_address"] for word in "ab"} == {place.address(2), place.address(3)}
    place.tells("c", "NoAvailableAddress")
    assert place.allocated("one", other)["ip_address"] == place.address(4)
    names = [row for row in place.field.rows("Address_Set").of("Address_Set") if row.owner == f"IPPool/{pool}"]
    assert [row["addresses"] for row in names] == [f"{place.address(2)}/31"]

    place.api.patch("IPPool", pool, {"spec": {"ips": [f"{place.address(2)}..{place.address(3)}", place.address(40)]}})
    assert place.allocated("c", space)["ip_address"] == place.address(40)


def test_an_ippool_that_goes_leaves_its_addresses_to_the_subnet(place: Place) -> None:
    """Its Pods keep what they have; what was free is everybody's again."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space], cidrBlock=place.cidr(prefix=29))
    pool = place.custom("IPPool", "pool", subnet=subnet, ips=[f"{place.address(2)}..{place.address(5)}"])
    place.ready("IPPool", pool)
    place.pod("one", space, {PREFIX + "ip_pool": pool})
    place.allocated("one", space)
    for word in "ab":
        place.pod(word, space)
    assert place.allocated("a", space)["ip_address"] == place.address(6)
    place.tells("b", "NoAvailableAddress")

    place.api.delete("IPPool", pool)

    place.gone("IPPool", pool)
    assert place.allocated("b", space)["ip_address"] == place.address(3)
    assert place.api.the("IP", f"one.{space}")["spec"]["v4IpAddress"] == place.address(2)


def test_a_subnet_that_is_deleted_while_in_use_waits_says_for_whom_and_goes(place: Place) -> None:
    """A switch that goes under living Pods cuts them off; one that stays for ever without a word is as bad."""
    space = place.namespace()
    name = place.subnet(namespaces=[space])
    place.pod("one", space)
    place.allocated("one", space)

    place.api.delete("Subnet", name)

    assert f"one.{space}" in place.tells(name, "DeletionWaits")
    assert f"one.{space}" in place.fails("Subnet", name, "DeletionWaits")
    assert name in place.field.rows("Logical_Switch").names("Logical_Switch")
    assert place.field.port(f"one.{space}") is not None
    place.api.delete("Pod", "one", space)
    place.gone("Subnet", name)
    until(lambda: name not in place.field.rows("Logical_Switch").names("Logical_Switch"), "the switch to go", PATIENCE)
    leftover = [line for line in place.field.rows().lines() if name in line]
    assert leftover == []


def test_a_vpc_that_is_deleted_while_in_use_waits_says_for_whom_and_goes(place: Place) -> None:
    """As for Subnets: the router goes last."""
    vpc = place.vpc()
    name = place.subnet(vpc=vpc)
    place.ready("Subnet", name)

    place.api.delete("Vpc", vpc)

    assert name in place.tells(vpc, "DeletionWaits")
    assert vpc in place.field.rows("Logical_Router").names("Logical_Router")
    place.api.delete("Subnet", name)
    place.gone("Vpc", vpc)
    until(lambda: vpc not in place.field.rows("Logical_Router").names("Logical_Router"), "the router to go", PATIENCE)


def test_conditions_keep_their_times_when_nothing_changes(place: Place) -> None:
    """`lastTransitionTime` answers since when; a controller that rewrites it at each restart answers nothing."""
    name = place.subnet()
    place.ready("Subnet", name)

    def said() -> dict[str, object]:
        """The condition, once it is about the spec with all defaults in it."""
        found = place.api.the("Subnet", name)
        seen = condition(found, "Ready")
        return seen if seen["observedGeneration"] == found["metadata"]["generation"] else {}

    before = until(said, "an answer about the spec as it is", PATIENCE)

    place.field.controller.stop()
    place.field.controller.begin()
    place.field.settled()

    assert said() == before
