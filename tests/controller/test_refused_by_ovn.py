"""What OVN itself refuses, end to end: a policy closes its Pods, says why, and nobody else notices."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from sandbox import Ovn, until
from tests.controller.api import Body
from tests.controller.field import Place, stays
from tests.controller.replica import PATIENCE, Replica
from tests.controller.rows import Row, Rows

LONGEST = 400
"""Characters of an ACL's match that this test's database takes: some dozens of networks are more, a drop is less.

Not the priority is limited: ACLs that every Subnet needs have higher ones than the rules of policies.
"""
BLOCKS = [str(network) for network in list(IPv4Network("198.18.0.0/15").subnets(new_prefix=24))[:60]]


@dataclass
class Strict:
    """A place with a controller that writes to a database of its own, which refuses long matches."""

    place: Place
    ovn: Ovn
    replica: Replica

    def acls(self, group: str) -> list[Row]:
        rows = Rows(self.ovn.nb, "Port_Group", "ACL")
        found = rows.one("Port_Group", name=group)
        return [row for row in rows.of("ACL") if found is not None and row.uuid in found["acls"]]

    def actions(self, group: str) -> list[str]:
        """Of the ACLs of a group, in order."""
        return sorted(row["action"] for row in self.acls(group))

    def ports(self, group: str) -> set[str]:
        rows = Rows(self.ovn.nb, "Port_Group", "Logical_Switch_Port")
        found = rows.one("Port_Group", name=group)
        return {row.name for row in rows.of("Logical_Switch_Port") if found is not None and row.uuid in found["ports"]}


@pytest.fixture
def strict(place: Place, tmp_path: Path) -> Iterator[Strict]:
    """The controller of the field rests meanwhile: two would be one leader and one standby."""
    field = place.field
    release = field.sandbox.ovn.release
    schema = json.loads((release.schemas / "ovn-nb.ovsschema").read_text())
    schema["tables"]["ACL"]["columns"]["match"]["type"] = {"key": {"type": "string", "maxLength": LONGEST}}
    del schema["cksum"]
    path = tmp_path / "strict.ovsschema"
    path.write_text(json.dumps(schema))
    with Ovn(tmp_path / "strict", nb_schema=path, release=release) as ovn:
        field.controller.stop()
        replica = Replica(field.sandbox, "controller-strict", {"OVNLOOM_OVN_NB": ovn.nb}).begin()
        try:
            yield Strict(place, ovn, replica)
            place.clear()  # while there is a controller to take finalizers off
        finally:
            replica.stop()


def policy(space: str, name: str, subject: str, blocks: list[str]) -> Body:
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": {"app": subject}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"ipBlock": {"cidr": block}} for block in blocks]}],
        "egress": [{}],
    }
    meta = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def labelled(place: Place, space: str, name: str) -> None:
    container = {"name": "main", "image": "registry.example/none"}
    meta = {"name": name, "namespace": space, "labels": {"app": name}}
    spec = {"nodeName": "worker-1", "containers": [container]}
    place.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    place.allocated(name, space)


def test_a_policy_that_ovn_refuses_denies_all_says_so_and_heals(strict: Strict) -> None:
    """Leaving its rows out would open what it closes; and one policy must not keep the others from being written."""
    place, whole = strict.place, ["allow-related", "allow-related", "drop", "drop"]
    space = place.namespace()
    place.ready("Subnet", place.subnet(namespaces=[space]))
    for name in ("long", "short"):
        labelled(place, space, name)
    ending = space.replace("-", ".")
    long, short = f"long.{ending}", f"short.{ending}"

    place.create(policy(space, "long", "long", BLOCKS))
    place.create(policy(space, "short", "short", BLOCKS[:2]))

    until(lambda: strict.actions(short) == whole, "the other policy to be whole", PATIENCE)
    until(lambda: strict.actions(long) == ["drop", "drop"], "the policy to deny all", PATIENCE)
    until(lambda: strict.ports(long) == {f"long.{space}"}, "its Pod to be in it", PATIENCE)
    told = lambda: [event["message"] for event in place.api.events("long", "OvnRefused")]  # noqa: E731
    until(lambda: any("Until then it denies all" in words for words in told()), "an Event that says so", PATIENCE)
    assert any("constraint violation" in words for words in told())
    assert {event["type"] for event in place.api.events("long", "OvnRefused")} == {"Warning"}
    assert not place.api.events("short", "OvnRefused")

    # Others come and go meanwhile.
    labelled(place, space, "later")
    place.create(policy(space, "later", "later", BLOCKS[:1]))
    until(lambda: strict.actions(f"later.{ending}") == whole, "a policy that comes later", PATIENCE)
    until(lambda: not strict.replica.metric("ovnloom_queue_length"), "the controller to rest", PATIENCE)
    stays(lambda: strict.actions(long) == ["drop", "drop"], "it is closed")

    # A controller that starts knows nothing of it, and must not open the Pod while it finds out.
    strict.replica.stop()
    strict.replica.begin()
    stays(lambda: strict.actions(long) == ["drop", "drop"], "it is closed after a restart")
    assert strict.actions(short) == whole

    # Its author mends it.
    place.api.patch("NetworkPolicy", "long", {"spec": policy(space, "long", "long", BLOCKS[:3])["spec"]}, space)
    until(lambda: strict.actions(long) == whole, "the policy to be whole", PATIENCE)

    # And breaks another one, which was whole.
    place.api.patch("NetworkPolicy", "short", {"spec": policy(space, "short", "short", BLOCKS)["spec"]}, space)
    until(lambda: strict.actions(short) == ["drop", "drop"], "it to deny all instead of what it said before", PATIENCE)
    assert strict.actions(long) == whole
    assert strict.replica.metric("ovnloom_compile_failures_total") == 0
