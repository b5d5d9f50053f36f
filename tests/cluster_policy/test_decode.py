"""What of a cluster-wide policy can't be read fails closed, whatever it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ovnloom.api.adminnetworkpolicy import AdminNetworkPolicy
from ovnloom.api.baselineadminnetworkpolicy import BaselineAdminNetworkPolicy
from ovnloom.api.cluster_policy import ANYTHING, EVERY_POD, Peer, Rule
from ovnloom.api.clusternetworkpolicy import ClusterNetworkPolicy
from ovnloom.api.networkpolicy import Port
from ovnloom.api.selector import LabelSelector
from ovnloom.world.cluster_policy import KINDS, may_meet, pods
from ovnloom.world.selection import select

EVERYBODY = Peer(pods=EVERY_POD)
NAMES = """
spec subject namespaces pods namespaceSelector podSelector matchLabels matchExpressions key operator values ingress
egress from to action name ports protocols portNumber portRange namedPort port start end protocol tcp udp
destinationPort number range destinationNamedPort nodes networks domainNames priority tier Allow Deny Pass Accept Admin
Baseline metadata status conditions In
"""
WORDS = some.sampled_from(NAMES.split())
JUNK = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | WORDS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(WORDS, inner, max_size=4),
    max_leaves=30,
)


def admin(rules: Any, side: str = "ingress", **spec: Any) -> AdminNetworkPolicy:
    body = {"priority": 1, "subject": {"namespaces": {}}, side: rules, **spec}
    return AdminNetworkPolicy.decode({"metadata": {"name": "a"}, "spec": body})


@given(spec=some.dictionaries(WORDS, JUNK, max_size=6))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_rubbish_makes_decoding_fail_or_allow_anything(kind: Any, spec: dict[str, Any]) -> None:
    """One policy that raises would stop the watch of its kind; one that opens something would be worse."""
    policy = kind.decode({"metadata": {"name": "a"}, "spec": spec})

    assert policy == kind.decode({"metadata": {"name": "a"}, "spec": spec})
    assert policy.malformed  # no chance makes a whole policy of words
    assert not any(rule.peers for rule in (*policy.ingress, *policy.egress) if rule.action != "Deny")
    assert all(len(words) < 300 for words in policy.malformed)


WRONG_PEERS: list[Any] = [
    [],
    None,
    "everybody",
    [{}],
    [{"namespaces": {}, "pods": {"podSelector": {}}}],
    [{"namespaces": {"matchExpressions": [{"key": "a", "operator": "Equals", "values": ["b"]}]}}],
    [{"namespaces": {"matchExpressions": [{"key": "a", "operator": "In"}]}}],
    [{"namespaces": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}],
    [{"namespaces": {"namespaceSelector": {}}}],
    [{"serviceAccounts": {}}],
    [{"networks": ["10.0.0.0/8"]}],
]


@pytest.mark.parametrize("peers", WRONG_PEERS)
def test_a_rule_with_peers_that_cant_be_read_allows_nothing_and_denies_everybody(peers: Any) -> None:
    """The API asks for it: a newer field that an older CRD has dropped must not turn a wall into a door."""
    policy = admin([{"action": action, "from": peers} for action in ("Allow", "Deny", "Pass")])

    assert policy.malformed
    assert [(rule.action, rule.peers) for rule in policy.ingress] == [
        ("Allow", ()),
        ("Deny", (EVERYBODY,)),
        ("Deny", (EVERYBODY,)),
    ]


WRONG_PORTS: list[Any] = [
    [],
    "80",
    [{}],
    [{"portNumber": {"protocol": "TCP"}}],
    [{"portNumber": {"protocol": "ICMP", "port": 1}}],
    [{"portNumber": {"port": 80}, "namedPort": "http"}],
    [{"portRange": {"start": 90, "end": 80}}],
    [{"namedPort": ""}],
    [{"portNumber": {"port": 80}}, {"portNumber": {"port": 70000}}],
]


@pytest.mark.parametrize("ports", WRONG_PORTS)
def test_a_rule_with_ports_that_cant_be_read_allows_nothing_and_denies_all_ports_of_its_peers(ports: Any) -> None:
    """A typo in one port of a list must not leave the traffic through that it was written against."""
    policy = admin([{"action": action, "from": [{"namespaces": {}}], "ports": ports} for action in ("Allow", "Deny")])

    assert policy.malformed
    assert policy.ingress == (Rule("Allow"), Rule("Deny", (EVERYBODY,)))


def test_whom_a_policy_is_about_when_that_cant_be_read_are_all_whom_it_could_be_about() -> None:
    """Nobody may slip out of a policy by a typo, and nobody may be let through by one that isn't about him."""
    odd = {"matchLabels": {"team": "a"}, "matchExpressions": [{"key": "tier", "operator": "is", "values": ["b"]}]}
    rules: list[Any] = [{"action": action, "from": [{"namespaces": {}}]} for action in ("Allow", "Pass", "Deny")]

    policy = admin(rules, subject={"namespaces": odd})

    assert policy.subject.namespaces == LabelSelector({"team": "a"})
    assert policy.ingress == (Rule("Allow"), Rule("Deny", (EVERYBODY,)), Rule("Deny", (EVERYBODY,)))


def test_domain_names_are_for_rules_that_allow() -> None:
    """Who denies a domain expects that nobody reaches it: as its addresses aren't known, nobody reaches any."""
    to = [{"domainNames": ["example.org"]}]
    policy = admin([{"action": "Allow", "to": to}, {"action": "Deny", "to": to}], "egress")

    assert policy.egress == (Rule("Allow", (Peer(domains=("example.org",)),)), Rule("Deny", (ANYTHING,)))
    assert policy.malformed == ("spec.egress[1] names domainNames, which only a rule that allows can",)


def test_a_baseline_doesnt_pass() -> None:
    """There is no tier after it."""
    spec = {"subject": {"namespaces": {}}, "ingress": [{"action": "Pass", "from": [{"namespaces": {}}]}]}

    policy = BaselineAdminNetworkPolicy.decode({"metadata": {"name": "default"}, "spec": spec})

    assert policy.ingress == (Rule("Deny", (EVERYBODY,)),)


def test_both_versions_of_the_api_mean_the_same() -> None:
    """They differ in words only, and have one compile function."""
    peer = {"pods": {"namespaceSelector": {"matchLabels": {"team": "a"}}, "podSelector": {}}}
    old = [{"portNumber": {"protocol": "UDP", "port": 53}}, {"portRange": {"start": 1, "end": 9}}, {"namedPort": "web"}]
    new = [
        {"udp": {"destinationPort": {"number": 53}}},
        {"tcp": {"destinationPort": {"range": {"start": 1, "end": 9}}}},
        {"destinationNamedPort": "web"},
    ]
    one = admin([{"name": "r", "action": "Allow", "from": [peer], "ports": old}])
    rules: list[Any] = [{"name": "r", "action": "Accept", "from": [peer], "protocols": new}]
    spec = {"tier": "Admin", "priority": 1, "subject": {"namespaces": {}}, "ingress": rules}
    other = ClusterNetworkPolicy.decode({"metadata": {"name": "a"}, "spec": spec})

    assert not one.malformed
    assert not other.malformed
    assert one.ingress == other.ingress
    assert one.ingress[0].ports == (Port("UDP", 53), Port("TCP", 1, 9), Port("", name="web"))


def test_more_rules_than_the_api_has_room_for_end_in_a_wall() -> None:
    """Their ACLs would have the numbers of the policy with the next priority."""
    policy = admin([{"action": "Allow", "from": [{"namespaces": {}}]}] * 101)

    assert len(policy.ingress) == 100
    assert policy.ingress[98].action == "Allow"
    assert policy.ingress[99] == Rule("Deny", (EVERYBODY,))


def _labels(**requirements: tuple[str, tuple[str, ...]]) -> LabelSelector:
    body = [{"key": key, "operator": how, "values": list(values)} for key, (how, values) in requirements.items()]
    return admin([], subject={"namespaces": {"matchExpressions": body}}).subject.namespaces


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_labels(team=("In", ("a",))), _labels(team=("In", ("b", "c")))),
        (_labels(team=("In", ("a",))), _labels(team=("NotIn", ("a", "b")))),
        (_labels(team=("Exists", ())), _labels(team=("DoesNotExist", ()))),
        (_labels(**{"kubernetes.io/metadata.name": ("In", ("x",))}), "y"),
    ],
)
def test_policies_about_different_pods_are_no_rivals(one: LabelSelector, other: LabelSelector | str) -> None:
    """Many teams' policies have one priority; a warning on each would hide the real one."""
    everything = LabelSelector()

    assert not may_meet(select(one, everything), select(other, everything))
    assert not may_meet(select(other, everything), select(one, everything))
    assert may_meet(select(one, everything), pods(EVERY_POD))
