"""SecurityGroups as their users see them: status, conditions, Events and the groups that ports are in."""

from collections.abc import Mapping
from typing import Any

from sandbox import until
from tests.controller.field import Place, stays
from tests.controller.replica import PATIENCE

ANYBODY = {
    "ipVersion": "ipv4",
    "protocol": "all",
    "priority": 1,
    "policy": "allow",
    "remoteType": "address",
    "remoteAddress": "0.0.0.0/0",
}
DENY_ALL = "ovn.sg.kubeovn_deny_all"


def group_ports(place: Place, name: str) -> set[str]:
    """The names of the ports in a Port_Group; none while there is no such group."""
    rows = place.field.rows("Port_Group", "Logical_Switch_Port")
    ports = {row.uuid: row.name for row in rows.of("Logical_Switch_Port")}
    found = [row["ports"] for row in rows.of("Port_Group") if row.name == name]
    return {ports[uuid] for some in found for uuid in ({some} if isinstance(some, str) else some)}


def status(place: Place, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = place.api.get("SecurityGroup", name).get("status") or {}
    return found


def test_a_group_says_what_came_of_it(place: Place) -> None:
    """Tools read the port group's name and whether all rules are in force; people read conditions."""
    name = place.custom("SecurityGroup", "web", ingressRules=[ANYBODY], allowSameGroupTraffic=True)

    place.ready("SecurityGroup", name)

    said = status(place, name)
    assert said["portGroup"] == "ovn.sg." + name.replace("-", ".")
    assert said["allowSameGroupTraffic"] is True
    assert said["ingressLastSyncSuccess"]
    assert said["egressLastSyncSuccess"]
    assert said["ingressMd5"] != said["egressMd5"]
    assert len(said["ingressMd5"]) == len(said["egressMd5"]) == 32


def test_a_missing_group_closes_and_heals(place: Place) -> None:
    """Neither the rule nor the Pod that names it opens anything; when the group comes nobody has to touch them."""
    missing = place.name("later")
    rule = {**ANYBODY, "remoteType": "securityGroup", "remoteSecurityGroup": missing}
    name = place.custom("SecurityGroup", "web", egressRules=[rule])
    space = place.namespace()
    pod = place.pod("one", space, {"ovn.kubernetes.io/security_groups": f"{name},{missing}"})
    port = f"{pod}.{space}"

    assert f"spec.egressRules[0].remoteSecurityGroup is '{missing}'" in place.fails(
        "SecurityGroup", name, "SecurityGroupMissing"
    )
    assert missing in place.tells(pod, "SecurityGroupMissing")
    usual = status(place, name)["portGroup"]
    until(lambda: port in group_ports(place, usual) & group_ports(place, DENY_ALL), "the port is in both", PATIENCE)
    assert status(place, name)["egressLastSyncSuccess"] is False

    assert place.custom("SecurityGroup", "later") == missing
    for group in (name, missing):  # each is reported by itself; one's condition says nothing of the other's status
        place.ready("SecurityGroup", group)
    until(lambda: port in group_ports(place, status(place, missing)["portGroup"]), "it joins", PATIENCE)

    place.api.delete("SecurityGroup", name)
    place.gone("SecurityGroup", name)
    until(lambda: not group_ports(place, usual), "the group goes", PATIENCE)
    stays(lambda: port in group_ports(place, DENY_ALL), "the Pod stays closed")
