"""What must not arrive, and what has to stay the same."""

from collections.abc import Iterator
from functools import partial

from demo.tour.place import PATIENCE, Place, at
from demo.tour.scene import Scene, Seen

WEB = 8080
FIXED_ADDRESS = "10.77.0.50"
"""Of the Pod that keeps it; as the sample has it."""
SHARED = "10.77.0.10"
"""Of two Pods at once, each in a Vpc of its own; as the sample has it."""


def policy(place: Place) -> Iterator[Seen]:
    place.apply("03-policy.yaml")
    (vault,), (visitor,) = place.ready("tour-vault", "vault"), place.ready("tour-vault", "visitor")
    asks = {address: partial(place.asks, visitor, at(address, WEB)) for address in vault.addresses}
    for address, ask in asks.items():
        yield _silence(place.silent(ask), f"{visitor} -> {address}, {vault}", CUT)
    place.kubectl("label", "pod", "visitor", "-n", "tour-vault", "role=friend", "--overwrite")
    for address, ask in asks.items():
        said = place.answers(ask)
        yield Seen(f"to {address}, once the visitor is labelled role=friend", said, LET_THROUGH, said == "vault")
    place.kubectl("label", "pod", "visitor", "-n", "tour-vault", "role-")
    for address, ask in asks.items():
        yield _silence(place.silent(ask), f"to {address}, without the label", CUT_AGAIN)


def two_vpcs(place: Place) -> Iterator[Seen]:
    place.apply("04-two-vpcs.yaml")
    (home,), (acme,) = place.ready("tour-home", "printer"), place.ready("tour-acme", "copier")
    (scanner,) = place.ready("tour-acme", "scanner")
    client = place.on_each_node("tour", "client")[0]
    both = f"{' '.join(home.addresses)} and {' '.join(acme.addresses)}"
    yield Seen(f"{home} and {acme}", both, SAME_ADDRESS, home.addresses == acme.addresses == place.numbers(SHARED))
    for address in home.addresses:
        for asking, near in ((client, home), (scanner, acme)):
            said = place.answers(partial(place.asks, asking, at(address, WEB)))
            yield Seen(f"{asking} -> {address}", said, NEAREST, said == near.name)
    for address in scanner.addresses:
        silent = place.silent(partial(place.asks, client, at(address, WEB)))
        yield _silence(silent, f"{client} -> {address}, {scanner}", APART)


def static_address(place: Place) -> Iterator[Seen]:
    place.apply("05-static-address.yaml")
    place.kubectl("rollout", "status", "-n", "tour-home", "statefulset/ledger", f"--timeout={PATIENCE:.0f}s")
    (before,) = place.ready("tour-home", "ledger-0")
    fixed = place.numbers(FIXED_ADDRESS)
    client = place.on_each_node("tour", "client")[0]
    for address in before.addresses:
        said = place.answers(partial(place.asks, client, at(address, WEB)))
        yield Seen(f"{client} -> {address}, {before}", said, FIXED, said == before.name and address in fixed)
    place.kubectl("cordon", before.node)
    try:
        place.kubectl("delete", "pod", before.name, "-n", "tour-home")
        place.kubectl("wait", "-n", "tour-home", "pod/ledger-0", "--for=create", "--timeout=30s")
        (after,) = place.ready("tour-home", "ledger-0")
    finally:
        place.kubectl("uncordon", before.node)
    moved = after.node != before.node and after.addresses == before.addresses == fixed
    what = f"{before.node} is cordoned, the Pod made anew"
    yield Seen(what, f"{' '.join(after.addresses)} on {after.node}", MOVED, moved)
    for address in after.addresses:
        said = place.answers(partial(place.asks, client, at(address, WEB)))
        yield Seen(f"{client} -> {address}, {after}", said, FOLLOWS, said == after.name)


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
