"""Cluster-wide policies on real servers: kinds of another project, whose CRDs may come later."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import until
from tests.conftest import ROOT
from tests.controller.api import condition
from tests.controller.field import Place
from tests.controller.replica import PATIENCE

CRDS = ROOT / "tests" / "cluster_policy" / "crds"
GROUP = "policy.networking.k8s.io"
VERSIONS = {"AdminNetworkPolicy": "v1alpha1", "ClusterNetworkPolicy": "v1alpha2"}
LATER = 60.0
"""Seconds until a controller that runs knows kinds whose CRDs have just come."""
Body = dict[str, Any]


class Administrator:
    """Writes policies of its own place, and reads what they say."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._made: list[tuple[str, str]] = []

    def create(self, kind: str, word: str, **spec: Any) -> str:
        """A policy about the Pods of namespaces that no test has, unless it says otherwise."""
        name = self.place.name(word)
        about = {"namespaces": {"matchLabels": {"place": name}}}
        body = {"apiVersion": f"{GROUP}/{VERSIONS[kind]}", "kind": kind, "metadata": {"name": name}}
        self._made.append((kind, name))
        self._kubectl("create", "-f", "-", stdin=json.dumps({**body, "spec": {"subject": about, **spec}}))
        return name

    def get(self, kind: str, name: str) -> Body:
        found: Body = json.loads(self._kubectl("get", f"{kind}.{VERSIONS[kind]}.{GROUP}", name, "-o", "json"))
        return found

    def delete(self, kind: str, name: str) -> None:
        self._kubectl("delete", f"{kind}.{VERSIONS[kind]}.{GROUP}", name, "--ignore-not-found")

    def says(self, kind: str, name: str, **statuses: str) -> Body:
        """The object, once its conditions have these statuses."""

        def found() -> Body:
            body = self.get(kind, name)
            said = {type_: condition(body, type_).get("status") for type_ in statuses}
            return body if said == statuses else {}

        return until(found, f"{kind} {name} to say {statuses}", LATER)

    def clear(self) -> None:
        for kind, name in self._made:
            self.delete(kind, name)

    def _kubectl(self, *words: str, stdin: str | None = None) -> str:
        return self.place.field.sandbox.kubectl(*words, stdin=stdin)


@pytest.fixture
def administrator(place: Place) -> Iterator[Administrator]:
    """The kinds are served, from now on if they weren't before."""
    sandbox = place.field.sandbox
    sandbox.kubectl("apply", "--server-side", "-f", str(CRDS))
    sandbox.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(CRDS))
    found = Administrator(place)
    try:
        yield found
    finally:
        found.clear()


@pytest.mark.timeout(240)
def test_a_policy_of_a_kind_that_came_later_is_in_force_and_says_so(administrator: Administrator) -> None:
    """Its CRDs are another project's: users install them when they need them."""
    place = administrator.place
    rule = {"name": "all", "action": "Deny", "from": [{"namespaces": {}}]}
    name = administrator.create("AdminNetworkPolicy", "wall", priority=42, ingress=[rule])

    found = administrator.says("AdminNetworkPolicy", name, Ready="True", Validated="True", Error="False")

    (ready,) = (each for each in found["status"]["conditions"] if each["type"] == "Ready")
    assert ready["reason"] == "PolicyApplied"
    assert ready["observedGeneration"] == 1
    owner = f"AdminNetworkPolicy/{name}"
    (acl,) = (row for row in place.field.rows("ACL").of("ACL") if row.owner == owner)
    assert {acl["priority"], acl["tier"], acl["action"]} == {30000 - 4200, 1, "drop"}

    administrator.delete("AdminNetworkPolicy", name)
    gone = lambda: not [row for row in place.field.rows("ACL").of("ACL") if row.owner == owner]  # noqa: E731
    until(gone, "its ACL to go", PATIENCE)


@pytest.mark.timeout(240)
def test_what_the_crd_lets_through_and_is_wrong_is_told_and_closed(administrator: Administrator) -> None:
    """The API server doesn't check the selectors of these kinds: a typo must neither open anything nor stay unseen."""
    typo = {"matchExpressions": [{"key": "team", "operator": "Equals", "values": ["a"]}]}
    rules = [{"action": "Accept", "from": [{"namespaces": typo}]}, {"action": "Pass", "from": [{"namespaces": typo}]}]
    name = administrator.create("ClusterNetworkPolicy", "typo", tier="Baseline", priority=1000, ingress=rules)

    found = administrator.says("ClusterNetworkPolicy", name, Ready="False", Validated="False")

    message = condition(found, "Validated")["message"]
    assert message.startswith("spec.ingress[0].from[0].namespaces.matchExpressions[0].operator is 'Equals'; use one of")
    assert "PolicyMalformed" in administrator.place.field.sandbox.kubectl("get", "events", "-A", "-o", "json")
    owner = f"ClusterNetworkPolicy/{name}"
    acls = [row for row in administrator.place.field.rows("ACL").of("ACL") if row.owner == owner]
    assert {row["action"] for row in acls} == {"drop"}


@pytest.mark.timeout(240)
def test_two_policies_of_one_priority_say_so(administrator: Administrator) -> None:
    """The API leaves open which one decides, so their authors must know."""
    about = {"namespaces": {"matchLabels": {"place": administrator.place.name("both")}}}
    rule = {"action": "Deny", "from": [{"namespaces": {}}]}
    names = [
        administrator.create("AdminNetworkPolicy", word, priority=77, subject=about, ingress=[rule]) for word in "ab"
    ]

    for name, other in (names, reversed(names)):
        found = administrator.says("AdminNetworkPolicy", name, Ready="True", Error="True")
        assert condition(found, "Error")["reason"] == "PriorityNotUnique"
        assert f"also that of {other}" in condition(found, "Error")["message"]
