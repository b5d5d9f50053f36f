"""The label index: what a Pod finds from its side is what every selector would find from its own."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from ovnloom.api.meta import Key, Meta
from ovnloom.api.namespace import Namespace
from ovnloom.api.networkpolicy import NetworkPolicy, Peer, Rule
from ovnloom.api.selector import Expression, LabelSelector
from ovnloom.ovn import names
from ovnloom.settings import Settings
from ovnloom.world.graph import Graph, Reader
from ovnloom.world.indexes import INDEXES
from ovnloom.world.policy import peer_selections, subject
from ovnloom.world.selection import Selection, handles, handles_of, holds, select, terms
from ovnloom.world.selectors import memberships
from ovnloom.world.world import World

KEYS, VALUES, SPACES = ("app", "tier"), ("a", "b"), ("one", "two", "three")
labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2)
operators = st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist"))
values = st.lists(st.sampled_from(VALUES), max_size=3).map(tuple)
expressions = st.builds(Expression, st.sampled_from(KEYS), operators, values)
selectors = st.builds(LabelSelector, labels, st.lists(expressions, max_size=2).map(tuple), st.just(False))


@given(selectors, labels)
def test_requirements_in_one_order_mean_what_the_selector_means(selector: LabelSelector, found: dict[str, str]) -> None:
    """Policies share a group only if sorting, and leaving out what is said twice, changes no answer."""
    assert holds(terms(selector), found) == selector.matches(found)


@given(selectors, labels)
def test_whatever_meets_a_selector_is_found_under_one_of_its_handles(
    selector: LabelSelector, found: dict[str, str]
) -> None:
    """A Pod looks under its own labels only: a selector that lies elsewhere would be missed, and isolate nobody."""
    if selector.matches(found):
        assert set(handles(terms(selector))) & {(), *handles_of(found)}


def test_what_means_the_same_is_the_same_selection() -> None:
    """Two words for one set of Pods must not be two sets that every Pod joins."""
    listed = Expression("app", "In", ("web", "web"))
    by_name = LabelSelector({"kubernetes.io/metadata.name": "one"})

    assert select("one", LabelSelector({"app": "web"})) == select(by_name, LabelSelector(match_expressions=(listed,)))
    assert select("one", LabelSelector()) != select(LabelSelector(), LabelSelector())
    assert select("one", LabelSelector(malformed=True)) != select("one", LabelSelector())


peers = st.tuples(st.none() | selectors, st.none() | selectors).filter(any)
policies = st.tuples(st.sampled_from(SPACES), selectors, st.lists(peers, max_size=2))
spaces = st.fixed_dictionaries(dict.fromkeys(SPACES, labels))


def policy(
    at: int, namespace: str, chosen: LabelSelector, others: list[tuple[LabelSelector | None, ...]]
) -> NetworkPolicy:
    rules = (Rule(tuple(Peer(pods, where) for pods, where in others)),) if others else ()
    return NetworkPolicy(Key(f"p{at}", namespace), pods=chosen, ingress=rules)


def groups(
    found: NetworkPolicy, namespace: str, pod: dict[str, str], around: dict[str, dict[str, str]]
) -> Iterator[str]:
    """The groups that a Pod is in for a policy's sake, found by asking the policy."""
    if _selects(subject(found), namespace, pod, around):
        yield names.policy_port_group(found.name, found.namespace)
    for selection in peer_selections(found):
        if _selects(selection, namespace, pod, around):
            yield names.selection_group(selection.name)


def _selects(selection: Selection, namespace: str, pod: dict[str, str], around: dict[str, dict[str, str]]) -> bool:
    there = selection.namespace == namespace if selection.namespace else holds(selection.namespaces, around[namespace])
    return there and holds(selection.pods, pod)


@settings(max_examples=300, deadline=None)
@given(st.lists(policies, max_size=5), spaces, st.sampled_from(SPACES), labels)
def test_a_pod_finds_exactly_the_groups_whose_selectors_find_it(
    asked: list[tuple[str, LabelSelector, list[tuple[LabelSelector | None, ...]]]],
    around: dict[str, dict[str, str]],
    namespace: str,
    pod: dict[str, str],
) -> None:
    """Both sides agree, also after policies and labels have come and gone under a remembered answer."""
    world = World(INDEXES)
    graph = Graph(world, Settings())
    question = (namespace, tuple(sorted(pod.items())), ())
    found = [policy(at, *each) for at, each in enumerate(asked)]
    for name, given_labels in around.items():
        world.put(Namespace, Key(name), Namespace(Key(name), Meta(labels=given_labels)))
    answers = []
    for step in (found, found[1:], [], found):
        for each in found:
            world.put(NetworkPolicy, each.key, each if each in step else None)
        graph.settle(world.take_changed())
        graph.evaluate("pod", lambda read: answers.append(read.view(memberships, question)))
        wanted = {group for each in step for group in groups(each, namespace, pod, around)}
        assert {group for group, _ in answers[-1]} == wanted
    assert not world.tables[Selection] or found
    assert Reader(graph).view(memberships, question) == answers[-1]
