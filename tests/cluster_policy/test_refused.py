"""What is left of a cluster-wide policy whose rows OVN refuses."""

from ovnloom.api.meta import Key
from ovnloom.intent import Owner
from ovnloom.ovn.predicate import Packet, References, predicate
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.compile.kit import HERE
from tests.compile.manifests import load_file

GUARD = Owner("AdminNetworkPolicy", Key("guard-shop"))
NODE, POD = 0xAC1E000B, 0x0A100003
"""172.30.0.11 and 10.16.0.3, which are in the case's cluster."""


def pipeline() -> Pipeline:
    """The first state of the case `adminnetworkpolicy/rules`, written."""
    found = Pipeline(Settings())
    found.become([*load_file(HERE / "cluster.yaml"), *load_file(HERE / "adminnetworkpolicy" / "rules" / "1.yaml")])
    return found


def meets(found: Pipeline, source: int) -> list[str]:
    """The actions of the policy's ingress ACLs that meet a packet to one of its Pods."""
    group = {"anp_guard_shop": frozenset({"web.shop"})}
    packet = Packet(outport="web.shop", src=source, dst=0x0A100002, proto=6, dport=80)
    acls = [row for row in found.wanted.rows(GUARD) if row.columns.get("direction") == "to-lport"]
    references = References(sets={}, groups=group)
    return [str(row.columns["action"]) for row in acls if predicate(str(row.columns["match"])).bind(references)(packet)]


def test_a_policy_that_ovn_refuses_denies_all_and_says_so() -> None:
    """Who wrote it wanted a wall; a Pod that nobody reaches is noticed, one that everybody reaches isn't."""
    found = pipeline()
    found.given_up({GUARD: "constraint violation"})
    found.run()

    actions = {row.columns["action"] for row in found.wanted.rows(GUARD) if row.table == "ACL"}
    (problem,) = found.intent(GUARD).problems
    assert actions == {"drop"}
    assert meets(found, POD) == ["drop"]
    assert problem.reason == "OvnRefused"
    assert "constraint violation" in problem.message


def test_the_kubelet_reaches_pods_under_a_policy_that_ovn_refuses() -> None:
    """No rule of such a policy can name a node as source, so a wall before nodes would only restart Pods."""
    found = pipeline()
    found.given_up({GUARD: "constraint violation"})
    found.run()

    assert meets(found, NODE) == []
