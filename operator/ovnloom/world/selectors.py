"""Which groups a Pod belongs to by its labels: the label index, asked from the Pod's side.

A selection lies under one label that it requires, so a Pod looks only at those that it may belong to, and a policy
that comes makes only Pods due that may belong to its selections. What many Pods share (a namespace and labels) is
looked up once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom.api.adminnetworkpolicy import AdminNetworkPolicy
from ovnloom.api.baselineadminnetworkpolicy import BaselineAdminNetworkPolicy
from ovnloom.api.clusternetworkpolicy import ClusterNetworkPolicy
from ovnloom.api.meta import Key
from ovnloom.api.networkpolicy import EGRESS
from ovnloom.api.node import Node
from ovnloom.api.securitygroup import SecurityGroup
from ovnloom.ovn import names
from ovnloom.world import policy as policies
from ovnloom.world.cluster_indexes import BY_PEER, BY_SUBJECT
from ovnloom.world.cluster_order import admin_group, baseline_group, cluster_group
from ovnloom.world.graph import Reader
from ovnloom.world.moments import Taken
from ovnloom.world.namespace import labels_of
from ovnloom.world.policy_indexes import (
    NUMBERS_OF_NAME,
    NUMBERS_OF_NAMESPACE,
    POLICIES_OF_GROUP,
    POLICIES_OF_PEER,
    POLICIES_OF_SUBJECT,
    SELECTIONS_OF_LABEL,
    SELECTIONS_OF_NAMESPACE,
    SELECTIONS_OF_NAMESPACE_LABEL,
    WIDE_SELECTIONS,
)
from ovnloom.world.selection import Handle, Selection, handles, handles_of, holds
from ovnloom.world.world import Index

Labels = tuple[tuple[str, str], ...]
Named = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Use:
    """A kind of policy: which of its objects have a selection as subject or as peer, and the group of each."""

    by_subject: Index[Any]
    by_peer: Index[Any]
    group: Callable[[Reader, Key], str]


def policy_group(read: Reader, key: Key) -> str:
    """View: the port group of a NetworkPolicy. Where two would have the same (`a-b` and `a.b`) the older one has it.

    No policy has the name of another kind's group, which a user could choose (policy `node` in namespace `n1`).
    """
    plain = policies.group_name(key)
    rivals = read.find(POLICIES_OF_GROUP, plain)
    is_free = (len(rivals) < 2 or rivals[0].key == key) and read.get(Taken, key) is None
    if is_free and not plain.startswith(names.RESERVED_GROUPS) and not _is_of_subnet(read, plain):
        return plain
    return names.distinct(plain, "NetworkPolicy", key.namespace, key.name)


def _is_of_subnet(read: Reader, plain: str) -> bool:
    return read.settings.distributed_rows == "subnet-node" and plain.endswith(read.view(node_endings))


def node_endings(read: Reader, _: None) -> tuple[str, ...]:
    """View: the ends of the names of groups of a Subnet and a node."""
    return tuple(sorted(names.subnet_node_port_group("", key.name) for key in read.keys(Node)))


USES: tuple[Use, ...] = (
    Use(POLICIES_OF_SUBJECT, POLICIES_OF_PEER, policy_group),
    Use(BY_SUBJECT[AdminNetworkPolicy], BY_PEER[AdminNetworkPolicy], admin_group),
    Use(BY_SUBJECT[BaselineAdminNetworkPolicy], BY_PEER[BaselineAdminNetworkPolicy], baseline_group),
    Use(BY_SUBJECT[ClusterNetworkPolicy], BY_PEER[ClusterNetworkPolicy], cluster_group),
)
"""Every kind of policy that selects Pods by labels."""


def is_any_policy(read: Reader, _: None) -> bool:
    """View: there is any policy that isolates Pods."""
    return any(read.keys(use.by_subject.type) for use in USES)


def is_any_isolation(read: Reader, _: None) -> bool:
    """View: there is anything that isolates Pods, wherever they are: a policy or a SecurityGroup."""
    return read.view(is_any_policy) or bool(read.keys(SecurityGroup))


Group = tuple[str, bool]
"""A port group, and whether its name still lacks the number of the named port."""


def groups_of(read: Reader, selection: Key) -> tuple[Group, ...]:
    """View: the groups that Pods of a selection are in: one of each policy about them, and that of the selection when
    policies name them as the other end of traffic."""
    found: list[Group] = []
    for use in USES:
        found.extend((read.view(use.group, key), False) for key in sorted(read.keys_of(use.by_subject, selection)))
    if read.keys_of(POLICIES_OF_SUBJECT, (selection, EGRESS)):
        found.append((names.ISOLATED, False))
    if any(read.keys_of(use.by_peer, selection) for use in USES):
        about = read.get(Selection, selection)
        found.append((names.selection_group(selection.name), about is not None and about.port is not None))
    return tuple(found)


def local(read: Reader, namespace: str) -> Mapping[Handle, tuple[Selection, ...]]:
    """View: the selections of one namespace alone, by the label under which a Pod looks for them."""
    found: dict[Handle, tuple[Selection, ...]] = {}
    for selection in read.fixed(SELECTIONS_OF_NAMESPACE, namespace):
        for handle in handles(selection.pods):
            found[handle] = (*found.get(handle, ()), selection)
    return found


def whole(read: Reader, namespace: str) -> tuple[Selection, ...]:
    """View: the selections over several namespaces, this one too, that require no label of a Pod."""
    labels = dict(read.view(labels_of, namespace))
    found: dict[Key, Selection] = {}
    for handle in ((), *handles_of(labels)):
        for selection in read.fixed(SELECTIONS_OF_NAMESPACE_LABEL, handle):
            if holds(selection.namespaces, labels):
                found[selection.key] = selection
    return tuple(found[key] for key in sorted(found))


def concerns(read: Reader, namespace: str) -> bool:
    """View: any policy may be about Pods of the namespace; where none is, nobody looks at their labels."""
    return read.view(is_any_wide) or bool(read.keys_of(SELECTIONS_OF_NAMESPACE, namespace))


def is_any_wide(read: Reader, _: None) -> bool:
    """View: any policy names Pods of several namespaces."""
    return bool(read.keys_of(WIDE_SELECTIONS, ""))


Asked = tuple[str, Labels, Named]
"""A namespace, and the labels and named ports of Pods in it."""
Membership = tuple[str, tuple[str, ...] | None]
"""A port group, and the networks whose interfaces are in it; None is all."""


def memberships(read: Reader, asked: Asked) -> tuple[Membership, ...]:
    """View: the groups of policies and of their peers that Pods with these labels are in, by name."""
    namespace, items, ports = asked
    labels = dict(items)
    found: dict[str, tuple[str, ...] | None] = {}
    for selection in _candidates(read, namespace, labels):
        if not holds(selection.pods, labels):
            continue
        for group, lacks_number in read.view(groups_of, selection.key):
            if group == names.ISOLATED:
                found[group] = None
            elif not lacks_number:
                found[group] = selection.providers
                continue
            for name, protocol, number in ports:
                if (name, protocol) == selection.port:
                    found[names.numbered_group(group, number)] = selection.providers
    return tuple(sorted(found.items()))


def _candidates(read: Reader, namespace: str, labels: Mapping[str, str]) -> Iterable[Selection]:
    here, found = read.view(local, namespace), handles_of(labels)
    for handle in ((), *found):
        yield from here.get(handle, ())
    yield from read.view(whole, namespace)
    around: Mapping[str, str] | None = None
    for handle in found:
        for selection in read.fixed(SELECTIONS_OF_LABEL, handle):
            if around is None:
                around = dict(read.view(labels_of, namespace))
            if holds(selection.namespaces, around):
                yield selection


def port_numbers(read: Reader, selection: Selection) -> tuple[int, ...]:
    """View: the numbers that the named port of a selection may have, judged by the namespaces alone."""
    name, protocol = selection.port or ("", "")
    if selection.namespace:
        found = read.fixed(NUMBERS_OF_NAMESPACE, (selection.namespace, name))
    else:
        found = read.fixed(NUMBERS_OF_NAME, name)
    return tuple(sorted({port.number for port in found if port.protocol == protocol}))
