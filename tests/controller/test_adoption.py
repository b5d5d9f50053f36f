"""A cluster that kube-ovn ran before: its rows and addresses are taken over as they are."""

from collections.abc import Iterator

import pytest

from sandbox import until
from tests.controller.field import PREFIX, Field, Place, pod
from tests.controller.replica import PATIENCE

ROUTER_MAC = "02:ab:cd:00:00:01"
POD_MAC = "02:ab:cd:00:00:02"
VENDOR = "external_ids:vendor=kube-ovn"


@pytest.fixture
def moved(field: Field) -> Iterator[Place]:
    """A part of the field in which kube-ovn was at work, and a controller that isn't started yet."""
    field.controller.begin()
    field.settled()
    field.controller.stop()
    place = Place(field)
    try:
        yield place
    finally:
        field.sandbox.nbctl("remove", "nb_global", ".", "options", "use_ct_inv_match")
        place.clear()


def written_by_kube_ovn(place: Place, space: str, subnet: str, pod_name: str, address: str) -> None:
    """What an earlier kube-ovn left in the northbound database: vendor=kube-ovn, a random MAC, no owner."""
    port, link = f"{pod_name}.{space}", f"ovn-cluster-{subnet}"
    gateway = f"{place.address(1)}/24"
    nbctl = place.field.sandbox.nbctl
    nbctl("ls-add", subnet, "--", "set", "logical_switch", subnet, VENDOR)
    nbctl("lrp-add", "ovn-cluster", link, ROUTER_MAC, gateway, "--", "set", "logical_router_port", link, VENDOR)
    words = f"lsp-add {subnet} {subnet}-ovn-cluster -- lsp-set-type {subnet}-ovn-cluster router"
    words += f" -- lsp-set-options {subnet}-ovn-cluster router-port={link}"
    words += f" -- set logical_switch_port {subnet}-ovn-cluster {VENDOR} addresses=router"
    nbctl(*words.split())
    nbctl("lsp-add", subnet, port, "--", "lsp-set-addresses", port, f"{POD_MAC} {address}")
    nbctl(
        "set", "logical_switch_port", port, VENDOR, f"external_ids:pod={space}/{pod_name}", f"external_ids:ls={subnet}"
    )
    match = f"ip4.dst == {place.cidr()}"
    nbctl("lr-policy-add", "ovn-cluster", "31000", match, "allow")
    found = place.field.rows("Logical_Router_Policy").one("Logical_Router_Policy", match=match)
    assert found is not None
    nbctl("set", "logical_router_policy", found.uuid, VENDOR, f"external_ids:subnet={subnet}")
    nbctl("acl-add", subnet, "to-lport", "1500", "icmp4", "drop")
    acl = place.field.rows("ACL").one("ACL", match="icmp4", priority=1500)
    assert acl is not None
    nbctl("set", "acl", acl.uuid, VENDOR, f"external_ids:parent={subnet}")
    nbctl("set", "nb_global", ".", "options:use_ct_inv_match=false")


def test_what_kube_ovn_wrote_is_adopted_and_nothing_is_addressed_anew(moved: Place) -> None:
    """Moving over is a change of the controller, and no Pod may notice it."""
    place, space, subnet = moved, moved.namespace(), moved.name("net")
    address = place.address(77)
    said = {
        PREFIX + "allocated": "true",
        PREFIX + "routed": "true",
        PREFIX + "ip_address": address,
        PREFIX + "mac_address": POD_MAC,
        PREFIX + "cidr": place.cidr(),
        PREFIX + "gateway": place.address(1),
        PREFIX + "logical_switch": subnet,
        PREFIX + "logical_router": "ovn-cluster",
        PREFIX + "pod_nic_type": "veth-pair",
    }
    rule = {"direction": "to-lport", "priority": 1500, "match": "icmp4", "action": "drop"}
    place.subnet(namespaces=[space], acls=[rule], gateway=place.address(1), vpc="ovn-cluster")
    place.create(pod("old", space, said))
    place.create(
        pod(
            "plain",
            space,
            {**said, PREFIX + "ip_address": place.address(78), PREFIX + "mac_address": "02:ab:cd:00:00:03"},
        )
    )
    place.create(
        {
            "apiVersion": "kubeovn.io/v1",
            "kind": "IP",
            "metadata": {
                "name": f"old.{space}",
                "finalizers": ["kube-ovn-controller"],
                "labels": {PREFIX + "subnet": subnet},
            },
            "spec": {
                "podName": "old",
                "namespace": space,
                "subnet": subnet,
                "nodeName": "worker-1",
                "ipAddress": address,
                "v4IpAddress": address,
                "macAddress": POD_MAC,
            },
        }
    )
    written_by_kube_ovn(place, space, subnet, "old", address)
    rows = [row for row in place.field.rows().all() if row.ids.get("vendor")]
    before = {row.name or str(row.columns.get("match", "")): row.uuid for row in rows}

    place.field.controller.begin()
    place.ready("Subnet", subnet)
    place.pod("new", space)
    assert place.allocated("new", space)["ip_address"] == place.address(2)
    place.field.settled()

    rows = place.field.rows()
    link = rows.one("Logical_Router_Port", name=f"ovn-cluster-{subnet}")
    port = rows.one("Logical_Switch_Port", name=f"old.{space}")
    plain = until(lambda: place.field.port(f"plain.{space}"), "the port of a Pod without an IP object", PATIENCE)
    assert link is not None
    assert port is not None
    assert link["mac"] == ROUTER_MAC
    assert port["addresses"] == f"{POD_MAC} {address}"
    assert plain["addresses"] == f"02:ab:cd:00:00:03 {place.address(78)}"
    assert place.allocated("old", space) == {key.removeprefix(PREFIX): value for key, value in said.items()}
    for row in rows.all():
        name = row.name or str(row.columns.get("match"))
        if subnet in name or name == f"old.{space}" or row.ids.get("parent") == subnet:
            assert row.owner, row
    now = {row.uuid for row in rows.all()}
    kept = [
        name for name in before if subnet in name or space in name or name in ("icmp4", f"ip4.dst == {place.cidr()}")
    ]
    assert len(kept) >= 5
    assert [name for name in kept if before[name] not in now] == []
    assert place.field.sandbox.nbctl("get", "nb_global", ".", "options:use_ct_inv_match").strip() in (
        "false",
        '"false"',
    )

    place.api.delete("Pod", "old", space)
    place.gone("IP", f"old.{space}")
    place.no_port(f"old.{space}")
