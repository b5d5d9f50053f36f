"""Objects that owners need, against those that are there."""

from collections.abc import Mapping
from typing import Any

import pytest

from ovnloom.api.meta import Key
from ovnloom.api.service import Service
from ovnloom.api.switchlbrule import SwitchLBRule
from ovnloom.intent import Intent, Manifest, Owner
from ovnloom.manifests import Apply, Manifests, Remove, missing
from ovnloom.world.made import DIGEST, OWNER, SELF, Made
from ovnloom.world.world import World

RULE, OTHER = Owner("SwitchLBRule", Key("web")), Owner("SwitchLBRule", Key("zeta"))
PLACE = Made.key_of("Service", Key("slr-web", "default"))
Body = Mapping[str, Any]


def wanted(vip: str = "10.99.0.1", *, is_shared: bool = False) -> Intent:
    content = {"metadata": {"annotations": {"vip": vip}}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}
    return Intent(objects=(Manifest("v1", "Service", Key("slr-web", "default"), content, is_shared),))


@pytest.fixture
def world() -> World:
    found = World(())
    body = {"metadata": {"name": "web", "uid": "uid-1"}}
    found.put(SwitchLBRule, Key("web"), SwitchLBRule.decode(body))
    return found


def apply(manifests: Manifests) -> Body:
    """The body of the one edit that is due."""
    (edit,) = manifests.take()
    assert isinstance(edit, Apply)
    return edit.body


def show(world: World, manifests: Manifests, body: Body | None) -> None:
    """The API server shows the object."""
    found = Made.decode("Service", {**body, "metadata": {"uid": "s", **body["metadata"]}}) if body else None
    world.put(Made, PLACE, found)
    world.put(Service, Key("slr-web", "default"), Service.decode(body) if body else None)
    manifests.look_at(PLACE)


def test_what_was_applied_is_not_applied_again(world: World) -> None:
    """Each write would be an event that brings us here again."""
    manifests = Manifests(world)
    manifests.replace(RULE, wanted())
    body = apply(manifests)
    filled = {**body, "spec": {**body["spec"], "type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}]}}

    show(world, manifests, filled)

    assert manifests.take() == []


def test_a_field_that_nobody_wants_any_more_is_noticed(world: World) -> None:
    """What is there has all that is wanted; only the digest tells that more was applied before."""
    manifests = Manifests(world)
    manifests.replace(RULE, wanted())
    body = apply(manifests)
    meta = {**body["metadata"], "annotations": {**body["metadata"]["annotations"], DIGEST: "of more"}}

    show(world, manifests, {**body, "metadata": meta})

    (edit,) = manifests.take()
    assert isinstance(edit, Apply)
    assert edit.uid == "s"


def test_a_copy_of_a_made_object_is_its_users(world: World) -> None:
    """Whoever exports it and creates it under another name has labels and annotations of ours in it."""
    manifests = Manifests(world)
    manifests.replace(RULE, wanted())
    body = apply(manifests)

    assert Made.decode("Service", {**body, "metadata": {**body["metadata"], "name": "copy"}}) is None
    assert (
        Made.decode("EndpointSlice", {"metadata": {"name": "slr-web-x", "labels": body["metadata"]["labels"]}}) is None
    )


def test_an_object_of_several_goes_with_the_last_of_them(world: World) -> None:
    """And has no owner reference, or Kubernetes would remove it with the first."""
    manifests = Manifests(world)
    manifests.replace(RULE, wanted(is_shared=True))
    manifests.replace(OTHER, wanted(is_shared=True))
    body = apply(manifests)
    assert "ownerReferences" not in body["metadata"]
    show(world, manifests, body)

    manifests.replace(RULE, Intent())
    assert manifests.take() == []
    manifests.replace(OTHER, Intent())

    (edit,) = manifests.take()
    assert isinstance(edit, Remove)
    assert (edit.key, edit.uid) == (Key("slr-web", "default"), "s")


def test_of_two_owners_of_one_object_the_first_has_it_and_the_other_says_so(world: World) -> None:
    """Otherwise each would undo what the other says."""
    manifests = Manifests(world)
    manifests.replace(OTHER, wanted("10.99.0.2"))
    manifests.replace(RULE, wanted("10.99.0.1"))

    assert apply(manifests)["metadata"]["annotations"][OWNER] == "SwitchLBRule/web"
    assert [problem.reason for problem in manifests.problems(OTHER)] == ["ObjectTaken"]
    assert list(manifests.problems(RULE)) == []


def test_what_a_held_owner_has_is_not_touched(world: World) -> None:
    """After a restart nobody knows what it wanted, so what says that it is its own stays."""
    before = Manifests(world)
    before.replace(RULE, wanted())
    body = apply(before)
    after = Manifests(world)
    show(world, after, body)

    after.replace(RULE, Intent.held())

    assert after.take() == []
    after.replace(RULE, Intent())
    (edit,) = after.take()
    assert isinstance(edit, Remove)


def test_an_object_names_itself_and_its_owner(world: World) -> None:
    """So that people and a restarted controller know whose it is."""
    manifests = Manifests(world)
    manifests.replace(RULE, wanted())

    meta = apply(manifests)["metadata"]

    assert meta["annotations"][SELF] == "default/slr-web"
    assert meta["ownerReferences"] == [
        {"apiVersion": "kubeovn.io/v1", "kind": "SwitchLBRule", "name": "web", "uid": "uid-1", "controller": True}
    ]


def test_what_is_missing_is_named_by_its_path() -> None:
    """It is the reason in the log and in a plan."""
    assert (
        missing({"spec": {"ports": [{"port": 80}]}}, {"spec": {"ports": [{"port": 81}], "x": 1}})
        == "spec.ports[0].port"
    )
    assert missing({"spec": {"ports": []}}, {"spec": {"ports": [{"port": 81}]}}) == "spec.ports"
    assert missing({"spec": {"a": None}}, {"spec": {}}) == ""


def test_a_mistake_in_something_else_keeps_no_shared_object(world: World) -> None:
    """Only owners of the kind that wanted it can want it without anybody knowing."""
    manifests = Manifests(world)
    manifests.replace(RULE, wanted(is_shared=True))
    show(world, manifests, apply(manifests))
    manifests.replace(Owner("Subnet", Key("wrong")), Intent.held())

    manifests.replace(RULE, Intent())

    (edit,) = manifests.take()
    assert isinstance(edit, Remove)
