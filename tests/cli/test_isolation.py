"""What a plan says about Pods that are there when policies come, change and go."""

from collections.abc import Mapping
from typing import Any

import pytest

from ovnloom.api.meta import Key
from ovnloom.cli.isolation import Isolation, changes, pods, state
from ovnloom.cli.isolation_prose import isolation
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from ovnloom.world.defaults import bodies
from ovnloom.world.tables import BY_KIND

SPACE = "team"


def decoded(body: Mapping[str, Any]) -> Any:
    return BY_KIND[body["apiVersion"], body["kind"]].decode(body)


def pod(name: str, **labels: str) -> Any:
    meta = {"name": name, "namespace": SPACE, "uid": name, "labels": labels}
    return decoded({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}})


def policy(name: str, *types: str, **labels: str) -> Any:
    spec = {"podSelector": {"matchLabels": labels}, "policyTypes": list(types)}
    meta = {"name": name, "namespace": SPACE}
    return decoded({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})


def baseline(*actions: str) -> Any:
    rules = [{"action": action, "from": [{"namespaces": {}}]} for action in actions]
    spec = {"subject": {"namespaces": {}}, "ingress": rules}
    body = {"kind": "BaselineAdminNetworkPolicy", "metadata": {"name": "default"}, "spec": spec}
    return decoded({"apiVersion": "policy.networking.k8s.io/v1alpha1", **body})


@pytest.fixture
def pipeline() -> Pipeline:
    """Two Pods that nobody isolates."""
    found = Pipeline(Settings())
    for each in (*(decoded(body) for body in bodies(found.settings)), pod("web", app="web"), pod("db", app="db")):
        put(found, each)
    found.run()
    return found


def put(pipeline: Pipeline, found: Any, *, gone: bool = False) -> None:
    pipeline.put(type(found), found.key, None if gone else found)


def after(pipeline: Pipeline, *coming: Any, going: tuple[Any, ...] = ()) -> list[Isolation]:
    """What changes when these objects come and go."""
    before, there = state(pipeline), pods(pipeline)
    for each in coming:
        put(pipeline, each)
    for each in going:
        put(pipeline, each, gone=True)
    pipeline.run()
    return changes(before, state(pipeline), there, pods(pipeline))


def words(found: list[Isolation]) -> list[tuple[str, str, str]]:
    return [(one.place.pod.name, one.place.direction, one.change) for one in found]


def test_pods_that_are_there_are_cut_off_and_opened_again(pipeline: Pipeline) -> None:
    """The two moments at which a policy can surprise somebody: when it comes, and when it goes."""
    closed = policy("closed", "Ingress")

    assert words(after(pipeline, closed)) == [("db", "ingress", "starts"), ("web", "ingress", "starts")]
    assert words(after(pipeline, going=(closed,))) == [("db", "ingress", "stops"), ("web", "ingress", "stops")]


def test_a_second_policy_changes_by_whom_a_pod_is_isolated(pipeline: Pipeline) -> None:
    """Policies add up: with the second one more gets through, or less than who wrote it expects."""
    closed, web = policy("closed", "Ingress"), policy("web", "Ingress", "Egress", app="web")
    after(pipeline, closed)

    second = after(pipeline, web)

    assert words(second) == [("web", "egress", "starts"), ("web", "ingress", "changes")]
    assert second[1].before == ("NetworkPolicy/team/closed",)
    assert second[1].after == ("NetworkPolicy/team/closed", "NetworkPolicy/team/web")


def test_labels_of_a_pod_count_as_policies_do(pipeline: Pipeline) -> None:
    """Most surprises come from a changed label, whose manifest has no policy in it."""
    after(pipeline, policy("web", "Ingress", app="web"))

    moved = after(pipeline, pod("db", app="web"), pod("web", app="db"))

    assert words(moved) == [("db", "ingress", "starts"), ("web", "ingress", "stops")]


def test_a_pod_that_comes_is_not_cut_off_from_anything(pipeline: Pipeline) -> None:
    """It had no connections that could break."""
    after(pipeline, policy("web", "Ingress", app="web"))

    assert words(after(pipeline, pod("new", app="web"))) == [("new", "ingress", "comes")]


def test_a_changed_rule_isolates_nobody_anew(pipeline: Pipeline) -> None:
    """The rows say what it changes; who is isolated and by whom stays as it is."""
    after(pipeline, policy("web", "Ingress", app="web"))
    spec = {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{}]}
    meta = {"name": "web", "namespace": SPACE}

    opened = decoded({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec})

    assert after(pipeline, opened) == []


def test_rules_of_cluster_wide_policies_deny_without_isolating(pipeline: Pipeline) -> None:
    """What they don't name is left to others, so a Pod under them is not cut off; an Allow denies nothing."""
    assert after(pipeline, baseline("Allow")) == []

    denied = after(pipeline, baseline("Allow", "Deny"))

    assert {one.place.effect for one in denied} == {"denies"}
    assert words(denied) == [("db", "ingress", "starts"), ("web", "ingress", "starts")]


def test_pods_that_fare_alike_share_a_sentence(pipeline: Pipeline) -> None:
    """A policy over a thousand Pods is one thing that happens."""
    many = [pod(f"pod-{at}", app="many") for at in range(20)]
    after(pipeline, *many)

    said = list(isolation(after(pipeline, policy("many", "Egress", app="many"))))

    assert said[0] == ("+", "egress: 20 Pods isolated anew, by NetworkPolicy/team/many")
    assert said[1][1].startswith("    Pod/team/pod-0, Pod/team/pod-1, Pod/team/pod-2, ")
    assert said[1][1].endswith("Pod/team/pod-11 and 8 more")
    assert len(said) == 2


def test_every_change_has_a_sentence_of_its_own(pipeline: Pipeline) -> None:
    """People act on these words, so they must say which way it goes, and who did it."""
    closed, web = policy("closed", "Ingress"), policy("web", "Ingress", app="web")
    after(pipeline, closed)

    found = after(pipeline, web, baseline("Deny"), pod("new"), going=(closed,))

    assert [line for line in isolation(found) if line[0]] == [
        ("+", "ingress: 2 Pods denied some traffic anew, by rules of BaselineAdminNetworkPolicy/default"),
        (
            "+",
            "ingress: 1 Pod new and denied some traffic from the start, by rules of BaselineAdminNetworkPolicy/default",
        ),
        (
            "~",
            "ingress: 1 Pod still isolated, now by NetworkPolicy/team/web, before by NetworkPolicy/team/closed",
        ),
        ("-", "ingress: 1 Pod no longer isolated, before by NetworkPolicy/team/closed"),
    ]
    assert Key("new", SPACE) in {one.place.pod for one in found}
