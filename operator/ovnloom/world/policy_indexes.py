"""The indexes by which Pods find the policies that are about them, and policies the numbers of named ports."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.networkpolicy import EGRESS, NetworkPolicy
from ovnloom.world import policy as policies
from ovnloom.world.portnumber import PortNumber
from ovnloom.world.selection import Selection, handles
from ovnloom.world.world import Index


def _by_key(found: Selection) -> Key:
    return found.key


def _namespace(selection: Selection) -> Iterable[Hashable]:
    return (selection.namespace,) if selection.namespace else ()


def _pod_handles(selection: Selection) -> Iterable[Hashable]:
    if selection.namespace:
        return ()
    found = handles(selection.pods)
    return () if found == ((),) else found


def _namespace_handles(selection: Selection) -> Iterable[Hashable]:
    if selection.namespace or handles(selection.pods) != ((),):
        return ()
    return handles(selection.namespaces)


def _is_wide(selection: Selection) -> Iterable[Hashable]:
    return () if selection.namespace else ("",)


def _subjects(policy: NetworkPolicy) -> Iterable[Hashable]:
    """The selection, and once more for those who ask only for policies that isolate egress."""
    selection = policies.subject(policy).key
    return (selection, (selection, EGRESS)) if EGRESS in policy.isolates else (selection,)


SELECTIONS_OF_NAMESPACE = Index("selections of namespace", Selection, _namespace, _by_key)
SELECTIONS_OF_LABEL = Index("selections by a label of Pods", Selection, _pod_handles, _by_key)
SELECTIONS_OF_NAMESPACE_LABEL = Index("selections by a label of namespaces", Selection, _namespace_handles, _by_key)
WIDE_SELECTIONS = Index("selections of several namespaces", Selection, _is_wide, _by_key)
NUMBERS_OF_NAMESPACE = Index("port numbers of namespace", PortNumber, lambda port: ((port.namespace, port.name),))
NUMBERS_OF_NAME = Index("port numbers by name", PortNumber, lambda port: (port.name,))
POLICIES_OF_GROUP = Index(
    "policies by group name",
    NetworkPolicy,
    lambda policy: (policies.group_name(policy.key),),
    lambda policy: (policy.meta.created, policy.key),
)
POLICIES_OF_SUBJECT = Index("policies by subject", NetworkPolicy, _subjects)
POLICIES_OF_PEER = Index(
    "policies by peer",
    NetworkPolicy,
    lambda policy: {selection.key for selection in policies.peer_selections(policy)},
)


POLICY_INDEXES: tuple[Index[Any], ...] = (
    SELECTIONS_OF_NAMESPACE,
    SELECTIONS_OF_LABEL,
    SELECTIONS_OF_NAMESPACE_LABEL,
    WIDE_SELECTIONS,
    NUMBERS_OF_NAMESPACE,
    NUMBERS_OF_NAME,
    POLICIES_OF_GROUP,
    POLICIES_OF_SUBJECT,
    POLICIES_OF_PEER,
)
