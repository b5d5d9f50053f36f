"""Kubernetes objects that owners need: made, repaired, removed with their owner, and never taken from somebody else."""

from typing import Any

from sandbox import until
from tests.controller.api import Body, condition
from tests.controller.field import PREFIX, Place, refusal, stays
from tests.controller.replica import PATIENCE

VIP = PREFIX + "switch_lb_vip"


def rule(place: Place, word: str, space: str, **spec: Any) -> str:
    """A SwitchLBRule for the Pods with label app=<word>."""
    said = {"vip": "10.99.0.1", "namespace": space, "selector": [f"app:{word}"], "ports": [{"port": 80}], **spec}
    return place.custom("SwitchLBRule", word, **said)


def service(place: Place, name: str, space: str) -> Body:
    """The Service of a rule, once it is there."""
    found: Body = until(lambda: place.api.get("Service", f"slr-{name}", space), f"Service slr-{name}", PATIENCE)
    return found


def owned(place: Place, name: str) -> list[str]:
    """The load balancers of a Service."""
    return [row.name for row in place.field.rows("Load_Balancer").of("Load_Balancer") if f"slr-{name}" in row.owner]


def test_a_rule_has_its_service_which_says_whose_it_is(place: Place) -> None:
    """Kubernetes removes it with its owner even when the controller is gone for good."""
    space = place.namespace()
    name = rule(place, "web", space)

    found = service(place, name, space)

    meta = found["metadata"]
    assert meta["labels"]["ovnloom.io/owner-kind"] == "SwitchLBRule"
    assert meta["annotations"][VIP] == "10.99.0.1"
    uid = place.api.the("SwitchLBRule", name)["metadata"]["uid"]
    assert [(ref["kind"], ref["name"], ref["uid"]) for ref in meta["ownerReferences"]] == [("SwitchLBRule", name, uid)]
    assert [entry["operation"] for entry in meta["managedFields"] if entry["manager"] == "ovnloom"] == ["Apply"]
    place.ready("SwitchLBRule", name)
    status = place.api.the("SwitchLBRule", name)["status"]
    assert (status["ports"], status["service"]) == ("80/TCP", f"{space}/slr-{name}")
    until(lambda: owned(place, name), "its load balancer", PATIENCE)


def test_an_edit_of_a_made_object_is_undone_and_what_others_add_stays(place: Place) -> None:
    """Two who say different things about one field can't both be right; a label of somebody's tool harms nobody."""
    space = place.namespace()
    name = rule(place, "web", space)
    uid = service(place, name, space)["metadata"]["uid"]

    meddling = {
        "metadata": {"annotations": {VIP: "10.99.0.66"}, "labels": {"team": "blue"}},
        "spec": {"selector": None},
    }
    place.api.patch("Service", f"slr-{name}", meddling, space)

    def is_repaired() -> bool:
        found = place.api.the("Service", f"slr-{name}", space)
        return bool(
            found["metadata"]["annotations"][VIP] == "10.99.0.1" and found["spec"].get("selector") == {"app": "web"}
        )

    until(is_repaired, "the repair", PATIENCE)
    found = place.api.the("Service", f"slr-{name}", space)["metadata"]
    assert (found["uid"], found["labels"]["team"]) == (uid, "blue")


def test_a_made_object_that_somebody_deletes_comes_back(place: Place) -> None:
    """The rule still wants it."""
    space = place.namespace()
    name = rule(place, "web", space)
    uid = service(place, name, space)["metadata"]["uid"]

    place.api.delete("Service", f"slr-{name}", space)

    again = lambda: (place.api.get("Service", f"slr-{name}", space) or {"metadata": {"uid": uid}})["metadata"]["uid"]  # noqa: E731
    until(lambda: again() != uid, "another Service", PATIENCE)


def test_a_made_object_follows_its_owner_and_goes_with_it(place: Place) -> None:
    """What the rule says no more, its objects don't say either; and nothing of a deleted rule stays."""
    space = place.namespace()
    name = rule(place, "web", space, endpoints=["10.1.0.9"])
    uid = service(place, name, space)["metadata"]["uid"]
    until(lambda: place.api.get("EndpointSlice", f"slr-{name}-ipv4", space), "its EndpointSlice", PATIENCE)

    place.api.patch("SwitchLBRule", name, {"spec": {"endpoints": [], "vip": "10.99.0.2"}})

    until(lambda: not place.api.get("EndpointSlice", f"slr-{name}-ipv4", space), "the slice to go", PATIENCE)
    until(
        lambda: place.api.the("Service", f"slr-{name}", space)["metadata"]["annotations"][VIP] == "10.99.0.2",
        "the other address",
        PATIENCE,
    )
    assert place.api.the("Service", f"slr-{name}", space)["metadata"]["uid"] == uid
    place.api.delete("SwitchLBRule", name)
    until(lambda: place.api.get("Service", f"slr-{name}", space) is None, "the Service to go", PATIENCE)
    until(lambda: not owned(place, name), "its load balancer to go", PATIENCE)


def test_an_object_that_its_owner_wants_no_more_goes_after_a_restart_too(place: Place) -> None:
    """Who deletes a rule while no controller runs expects its Service to go all the same, without Kubernetes' help."""
    space, other = place.namespace(), place.namespace("other")
    name = rule(place, "web", space)
    service(place, name, space)

    place.field.controller.stop()
    place.api.patch("SwitchLBRule", name, {"spec": {"namespace": other}})
    place.field.controller.begin()

    service(place, name, other)
    until(lambda: place.api.get("Service", f"slr-{name}", space) is None, "the Service to go", PATIENCE)


def test_a_foreign_object_is_left_alone_until_it_goes(place: Place) -> None:
    """A Service of somebody's own must not turn into a load balancer because a rule has its name."""
    space = place.namespace()
    name = place.name("web")
    spec = {"ports": [{"port": 443}], "selector": {"app": "mine"}}
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"slr-{name}", "namespace": space},
        "spec": spec,
    }
    before = place.create(body)

    rule(place, "web", space)

    assert "isn't ovnloom's" in place.fails("SwitchLBRule", name, "ObjectTaken")
    stays(
        lambda: (
            place.api.the("Service", f"slr-{name}", space)["metadata"]["resourceVersion"]
            == before["metadata"]["resourceVersion"]
        ),
        "the Service as it is",
    )
    place.api.delete("Service", f"slr-{name}", space)
    place.ready("SwitchLBRule", name)
    assert service(place, name, space)["metadata"]["annotations"][VIP] == "10.99.0.1"


def test_an_object_that_the_api_server_refuses_is_said_and_tried_again(place: Place) -> None:
    """A mistake that only the API server knows of must not be silent."""
    space = place.namespace()
    name = rule(place, "web", space, ports=[{"name": "Not_A_Label", "port": 80}])

    assert "Not_A_Label" in place.fails("SwitchLBRule", name, "ObjectRefused")
    place.api.patch("SwitchLBRule", name, {"spec": {"ports": [{"name": "http", "port": 80}]}})

    place.ready("SwitchLBRule", name)
    service(place, name, space)


def test_probes_have_an_address_as_long_as_somebody_is_probed(place: Place) -> None:
    """The Vip is made on demand, one for all rules of a Subnet, and its address is free when no rule is left."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    place.pod("one", space)
    address = place.allocated("one", space)["ip_address"]
    names = [rule(place, word, space, vip=f"10.99.0.{at}") for at, word in enumerate(("web", "api"), 1)]
    for name in names:
        service(place, name, space)
        backend(place, name, space, "one", address)

    vip = until(lambda: place.api.get("Vip", subnet), "the Vip", PATIENCE)
    assert vip["metadata"]["annotations"]["ovnloom.io/owner"] == "shared"
    source = until(lambda: (place.api.the("Vip", subnet).get("status") or {}).get("v4ip"), "its address", PATIENCE)

    def mapped() -> bool:
        found = [row for row in place.field.rows("Load_Balancer").of("Load_Balancer") if row.name.startswith(space)]
        return len(found) == 2 and all(row["ip_port_mappings"] == {address: f"one.{space}:{source}"} for row in found)

    until(mapped, "the mappings", PATIENCE)
    place.api.delete("SwitchLBRule", names[0])
    until(lambda: place.api.get("Service", f"slr-{names[0]}", space) is None, "the first to go", PATIENCE)
    stays(lambda: place.api.get("Vip", subnet) is not None, "the Vip for the second")
    place.api.delete("SwitchLBRule", names[1])
    place.gone("Vip", subnet)
    place.gone("IP", subnet)


def backend(place: Place, name: str, space: str, pod: str, address: str) -> None:
    """What Kubernetes' own controller makes once a Pod is ready, which needs a kubelet."""
    place.api.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"slr-{name}-by-hand",
                "namespace": space,
                "labels": {"kubernetes.io/service-name": f"slr-{name}"},
            },
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
            "endpoints": [
                {
                    "addresses": [address],
                    "conditions": {"ready": True},
                    "targetRef": {"kind": "Pod", "name": pod, "namespace": space},
                }
            ],
        }
    )


def test_a_vip_says_its_address_keeps_it_over_a_restart_and_frees_it(place: Place) -> None:
    """Its users configure the address elsewhere, so it is theirs until they delete the Vip."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    name = place.custom("Vip", "vip", subnet=subnet)

    def held() -> Body:
        found = place.api.the("Vip", name)
        return found if (found.get("status") or {}).get("v4ip") and found["spec"].get("v4ip") else {}

    found = until(held, "the address", PATIENCE)
    address = found["status"]["v4ip"]
    assert (found["spec"]["v4ip"], found["spec"]["macAddress"]) == (address, found["status"]["mac"])
    labels = found["metadata"]["labels"]
    assert (labels[PREFIX + "subnet"], labels[PREFIX + "ip_reserved"]) == (subnet, "")
    assert condition(until(lambda: has_condition(place, name), "a condition", PATIENCE), "Ready")["status"] == "True"
    assert "can't change" in refusal(lambda: place.api.patch("Vip", name, {"spec": {"v4ip": place.address(99)}}))
    place.field.controller.stop()
    place.field.controller.begin()
    place.field.settled()
    again = place.api.the("Vip", name)
    assert again["status"]["v4ip"] == address
    stays(
        lambda: place.api.the("Vip", name)["metadata"]["generation"] == again["metadata"]["generation"],
        "the Vip as it is",
    )
    place.pod("one", space, {PREFIX + "ip_address": address})
    place.tells("one", "AddressConflict")

    place.api.delete("Vip", name)

    place.gone("Vip", name)
    assert place.allocated("one", space)["ip_address"] == address


def has_condition(place: Place, name: str) -> Body:
    found = place.api.the("Vip", name)
    return found if condition(found, "Ready") else {}


def test_a_pod_takes_the_address_of_a_vip_which_waits_for_it(place: Place) -> None:
    """The address outlives the Pod, and two Pods never have it."""
    space = place.namespace()
    subnet = place.subnet(namespaces=[space])
    name = place.custom("Vip", "vip", subnet=subnet, v4ip=place.address(77))
    place.pod("one", space, {PREFIX + "vip": name})
    assert place.allocated("one", space)["ip_address"] == place.address(77)
    place.pod("two", space, {PREFIX + "vip": name})
    place.tells("two", "VipInUse")

    place.api.delete("Pod", "one", space)

    assert place.allocated("two", space)["ip_address"] == place.address(77)
    until(
        lambda: place.api.the("Vip", name)["metadata"]["labels"][PREFIX + "ip_reserved"] == f"two.{space}",
        "the label",
        PATIENCE,
    )
    place.api.delete("Vip", name)
    place.tells(name, "DeletionWaits")
    assert place.api.get("Vip", name) is not None
    place.api.delete("Pod", "two", space)
    place.gone("Vip", name)
    place.gone("IP", name)
