"""Addresses of Vips: one holder each, whatever comes first, also over a restart."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.vip import Vip
from ovnloom.assign.choice import Amend, Take
from ovnloom.intent import Owner
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings
from tests.assign.test_fairness import SMALL
from tests.compile.manifests import decode, load

PREFIX = "ovn.kubernetes.io/"
Body = dict[str, Any]
"""In a Subnet with three addresses."""


def vip(name: str, **spec: Any) -> Body:
    return {
        "apiVersion": "kubeovn.io/v1",
        "kind": "Vip",
        "metadata": {"name": name},
        "spec": {"subnet": "ovn-default", **spec},
    }


def pod(name: str, takes: str = "") -> Body:
    said = {PREFIX + "vip": takes} if takes else {}
    meta = {"name": name, "namespace": "default", "uid": name, "annotations": said}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "n1"}}


def cluster(*bodies: Body) -> Pipeline:
    found = Pipeline(Settings())
    found.become([*load(SMALL), *decode(*bodies)])
    return found


def addresses(pipeline: Pipeline) -> dict[str, str]:
    return {ip.name: ip.ip_address for ip in pipeline.world.tables[IP].values() if ip.namespace or ip.pod_type == "Vip"}


def reasons(pipeline: Pipeline, owner: Owner) -> list[str]:
    return [problem.reason for problem in pipeline.problems(owner, pipeline.intent(owner))]


def test_two_pods_of_one_turn_do_not_both_take_a_vip() -> None:
    """Neither choice is saved when the second is made, so no IP object says yet that the first was."""
    pipeline = cluster(vip("home"))
    for body in (pod("a", "home"), pod("b", "home")):
        (found,) = decode(body)
        pipeline.put(Pod, found.key, found)

    turn = pipeline.turn()

    taken = [choice.ip.name for _, choice in turn.choices if isinstance(choice, Take)]
    assert taken == ["a.default"]
    assert reasons(pipeline, Owner("Pod", Key("b", "default"))) == ["VipInUse"]


def test_a_vip_that_could_not_be_lent_is_there_for_the_next() -> None:
    """The API server may refuse the IP object of the first; its claim must not stay behind."""
    pipeline = cluster(vip("home"))
    (first,) = decode(pod("a", "home"))
    pipeline.put(Pod, first.key, first)
    for _, choice in pipeline.turn().choices:
        pipeline.put(Pod, first.key, None)
        pipeline.revoke(choice)
    (second,) = decode(pod("b", "home"))
    pipeline.put(Pod, second.key, second)

    pipeline.run()

    assert addresses(pipeline)["b.default"] == addresses(pipeline)["home"]


def test_the_address_of_a_vip_that_a_pod_takes_over_is_free_at_no_moment() -> None:
    """A Pod of an older controller gives its address to the Vip while another one waits for any address."""
    used = {**vip("used", v4ip="10.16.0.4"), "status": {"v4ip": "10.16.0.4", "mac": "02:00:00:00:00:04"}}
    there = {
        "apiVersion": "kubeovn.io/v1",
        "kind": "IP",
        "metadata": {"name": "keeper.default", "finalizers": ["kubeovn.io/kube-ovn-controller"]},
        "spec": {
            "podName": "keeper",
            "namespace": "default",
            "subnet": "ovn-default",
            "nodeName": "n1",
            "v4IpAddress": "10.16.0.4",
            "macAddress": "02:00:00:00:00:04",
        },
    }
    pipeline = cluster(pod("keeper", "used"), there, pod("x"), pod("y"), pod("waits"))
    (found,) = decode(used)
    pipeline.put(Vip, found.key, found)

    pipeline.run()

    held = addresses(pipeline)
    assert held["used"] == held["keeper.default"] == "10.16.0.4"
    assert "waits.default" not in held
    assert pipeline.world.tables[IP][Key("keeper.default")].vip == "used"


def test_a_restart_gives_every_vip_what_it_had() -> None:
    """The books are built from IP objects alone, and a Pod that shares a Vip's address is no second holder."""
    before = cluster(vip("home"), vip("other"), pod("a", "home"))
    after = Pipeline(Settings())
    for kind, table in before.world.tables.items():
        for key, found in table.items():
            if kind in (IP, Pod, Vip):
                after.put(kind, key, found)
    for found in load(SMALL):
        after.put(type(found), found.key, found)

    choices = after.run()

    assert [choice for choice in choices if not isinstance(choice, Amend)] == []
    assert addresses(after) == addresses(before)
    (extra,) = decode(pod("late"))
    after.put(Pod, extra.key, extra)
    after.run()
    assert len(set(addresses(after).values())) == 3


names = st.sampled_from(["a", "b", "c", "d"])
steps = st.lists(st.tuples(st.sampled_from(["vip", "pod", "guest"]), names), max_size=14)


@given(steps)
@settings(deadline=None)
def test_no_address_has_two_holders_whatever_comes_and_goes(changes: list[tuple[str, str]]) -> None:
    """Only the Pod that took a Vip has the Vip's address besides it, and there is one such Pod at most."""
    pipeline = cluster()
    there: set[tuple[str, str]] = set()
    for change in changes:
        kind, name = change
        bodies = {"vip": vip(name), "pod": pod(f"pod-{name}"), "guest": pod(f"guest-{name}", "a")}
        (found,) = decode(bodies[kind])
        pipeline.put(type(found), found.key, None if change in there else found)
        there ^= {change}
        pipeline.run()

        ips = list(pipeline.world.tables[IP].values())
        holders = [ip.ip_address for ip in ips if not ip.vip]
        assert len(holders) == len(set(holders)) <= 3
        guests = [ip for ip in ips if ip.vip]
        assert len(guests) <= 1
        for guest in guests:
            home = pipeline.world.tables[IP].get(Key("a"))
            assert home is not None
            assert home.ip_address == guest.ip_address
        vips = {name for kind, name in there if kind == "vip"}
        full = len(holders) == 3
        assert full or vips <= {ip.pod_name for ip in ips if ip.pod_type == "Vip"}
