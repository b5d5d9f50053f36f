"""What must not arrive, and what has to stay the same."""

from collections.abc import Iterator
from functools import partial

from demo.tour.place import PATIENCE, Place, at
from demo.tour.scene import Scene, Seen

WEB = 8080
SHARED = "10.77.0.10"
"""Of two Pods at once, each in a Vpc of its own."""
LONELY = "10.77.0.20"
"""Only of a Pod in the other Vpc."""


def policy(place: Place) -> Iterator[Seen]:
    place.apply("03-policy.yaml")
    (vault,), (visitor,) = place.ready("tour-vault", "vault"), place.ready("tour-vault", "visitor")
    ask = partial(place.asks, visitor, at(vault.address, WEB))
    yield _silence(place.silent(ask), f"{visitor} -> {vault}", CUT)
    place.kubectl("label", "pod", "visitor", "-n", "tour-vault", "role=friend", "--overwrite")
    said = place.answers(ask)
    yield Seen("the same, once the visitor is labelled role=friend", said, LET_THROUGH, said == "vault")
    place.kubectl("label", "pod", "visitor", "-n", "tour-vault", "role-")
    yield _silence(place.silent(ask), "the same without the label", CUT_AGAIN)


def two_vpcs(place: Place) -> Iterator[Seen]:
    place.apply("04-two-vpcs.yaml")
    (home,), (acme,) = place.ready("tour-home", "printer"), place.ready("tour-acme", "copier")
    (scanner,) = place.ready("tour-acme", "scanner")
    client = place.on_each_node("tour", "client")[0]
    same = home.address == acme.address == SHARED
    yield Seen(f"{home} and {acme}", f"{home.address} and {acme.address}", SAME_ADDRESS, same)
    for asking, near in ((client, home), (scanner, acme)):
        said = place.answers(partial(place.asks, asking, at(SHARED, WEB)))
        yield Seen(f"{asking} -> {SHARED}", said, NEAREST, said == near.name)
    yield _silence(place.silent(partial(place.asks, client, at(LONELY, WEB))), f"{client} -> {LONELY}", APART)


def static_address(place: Place) -> Iterator[Seen]:
    place.apply("05-static-address.yaml")
    place.kubectl("rollout", "status", "-n", "tour-home", "statefulset/ledger", f"--timeout={PATIENCE:.0f}s")
    (before,) = place.ready("tour-home", "ledger-0")
    client = place.on_each_node("tour", "client")[0]
    said = place.answers(partial(place.asks, client, at(before.address, WEB)))
    yield Seen(f"{client} -> {before.address}, {before}", said, FIXED, said == before.name)
    place.kubectl("cordon", before.node)
    try:
        place.kubectl("delete", "pod", before.name, "-n", "tour-home")
        place.kubectl("wait", "-n", "tour-home", "pod/ledger-0", "--for=create", "--timeout=30s")
        (after,) = place.ready("tour-home", "ledger-0")
    finally:
        place.kubectl("uncordon", before.node)
    moved = after.node != before.node and after.address == before.address
    yield Seen(f"{before.node} is cordoned, the Pod made anew", f"{after.address} on {after.node}", MOVED, moved)
    said = place.answers(partial(place.asks, client, at(after.address, WEB)))
    yield Seen(f"{client} -> {after.address}, {after}", said, FOLLOWS, said == after.name)


def _silence(silent: bool, what: str, proves: str) -> Seen:
    return Seen(what, "no answer" if silent else "an answer", proves, silent)


CUT = "The NetworkPolicy friends-only lets nobody through who isn't a friend."
LET_THROUGH = "A label is enough: the policy follows it at once."
CUT_AGAIN = "… in both directions of change."
SAME_ADDRESS = "Two Subnets have the same CIDR, each in a Vpc: both Pods have the same address."
NEAREST = "Each reaches the one in its own Vpc."
APART = "This address is only in the other Vpc, and no way leads there."
FIXED = "The annotation ip_pool names the address."
MOVED = "The address went along to another node."
FOLLOWS = "… and packets with it."

SCENES = (
    Scene("policy", "A NetworkPolicy", "It cuts and lets through.", policy),
    Scene("vpc", "A second Vpc", "The same CIDR twice, and no way between.", two_vpcs),
    Scene("static", "A static address", "Kept over a reschedule.", static_address),
)
