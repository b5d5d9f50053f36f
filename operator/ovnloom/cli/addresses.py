"""Which address whom: the choices of a plan as people and programs read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.assign.choice import Amend, Choice, Release, Take
from ovnloom.assign.registry import holder
from ovnloom.intent import Owner
from ovnloom.ovn import names

Verb = Literal["gets", "keeps", "changes", "frees"]


class Address(NamedTuple):
    """What one interface of an object has after the plan, or had when it gives it back."""

    owner: Owner
    network: str
    """`ovn` for the interface that every Pod has, else the provider of the attachment; `join` for Nodes."""
    subnet: str
    ips: tuple[str, ...]
    mac: str
    verb: Verb
    node: str = ""


def address(ip: IP, verb: Verb) -> Address:
    """The address that an IP object says, under the name of its holder."""
    owner = holder(ip).owner
    if owner.kind == "Node":
        network = names.JOIN
    else:
        network = ip.name.removeprefix(f"{ip.pod_name}.{ip.namespace}").removeprefix(".") or names.DEFAULT_PROVIDER
    return Address(owner, network, ip.subnet, tuple(filter(None, (ip.v4, ip.v6))), ip.mac, verb, ip.node_name)


def addresses(
    choices: Iterable[Choice], before: Mapping[Key, IP], after: Mapping[Key, IP], shown: Collection[Owner] = ()
) -> list[Address]:
    """What the choices come to, by holder; the holders in `shown` are there with what they keep, too."""
    touched: dict[Key, None] = {}
    for choice in choices:
        match choice:
            case Take(ip) | Amend(ip):
                touched[ip.key] = None
            case Release(key):
                touched[key] = None
    found: list[Address] = []
    for key in touched:
        old, new = before.get(key), after.get(key)
        if new is None and old is not None:
            found.append(address(old, "frees"))
        elif new is not None and (old is None or not old.ip_address):
            found.append(address(new, "gets"))
        elif new is not None and old is not None and new != old:
            is_same = (old.subnet, old.ip_address, old.mac) == (new.subnet, new.ip_address, new.mac)
            found.append(address(new, "keeps" if is_same else "changes"))
    keeping = (ip for key, ip in after.items() if key not in touched and holder(ip).owner in shown)
    found.extend(address(ip, "keeps") for ip in keeping)
    return sorted(found, key=_order)


def _order(found: Address) -> tuple[object, ...]:
    return found.owner.kind, found.owner.key.namespace, counting(found.owner.key.name), found.network


def counting(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts names with numbers in the order of the numbers: web-2 before web-10."""
    return tuple((int(word), "") if word.isdigit() else (-1, word) for word in name.split("-"))
