"""What the SecurityGroups that a Pod names make of its ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ovnloom.api.pod import Pod
from ovnloom.intent import Member, Problem, Ref
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.problem import idle, shown
from ovnloom.world.securitygroup import is_first_asked, port_group

SUFFIX = ".kubernetes.io/security_groups"
LONGEST = 253
"""Characters of a name; there are no objects with longer ones."""
MOST_NAMED = 5


def security_groups(pod: Pod, provider: str) -> tuple[str, ...]:
    """The SecurityGroups that the Pod names for the interface of a provider, each once."""
    written = pod.annotations.get(provider + SUFFIX)
    return tuple(sorted({"".join(part.split()) for part in written.split(",")} - {""})) if written else ()


def has_security_groups(pod: Pod) -> bool:
    """Whether the Pod names any SecurityGroup for any interface."""
    return any(key.endswith(SUFFIX) for key in pod.annotations)


def security_members(read: Reader, groups: tuple[str, ...], port: str) -> Iterator[Member]:
    """The port is in the Port_Group of each group that is there, and in any case in the one that denies all else.

    So a group that is missing, or was deleted, opens nothing.
    """
    if not groups:
        return
    ref = Ref("Logical_Switch_Port", port)
    yield Member(Ref("Port_Group", names.DENY_ALL_PORT_GROUP), "ports", ref)
    for name in groups:
        group = read.view(port_group, name)
        if group is not None:
            yield Member(Ref("Port_Group", group), "ports", ref)


def security_ids(groups: tuple[str, ...]) -> Mapping[str, str]:
    """What a port's external_ids say of its groups, for tools."""
    known = [name for name in groups if len(name) <= LONGEST and "/" not in name]
    if not known:
        return {}
    return {names.KEY_SECURITY_GROUPS: "/".join(known), **{names.associated_group_key(name): "true" for name in known}}


def security_problems(read: Reader, groups: tuple[str, ...], provider: str) -> Iterator[Problem]:
    """What keeps the Pod's groups from letting through what their rules say."""
    where = f"annotation {provider}{SUFFIX} names"
    missing = [name for name in groups if read.view(port_group, name) is None]
    if missing:
        named = ", ".join(map(shown, missing[:MOST_NAMED]))
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        wrong = f"{where} SecurityGroup {named}{more}, which does not exist; create it, or remove the name"
        yield Problem("SecurityGroupMissing", f"{wrong}. Until then it lets nothing through")
    elif groups and not any(read.view(is_first_asked, name) for name in groups):
        wrong = f"{where} SecurityGroups of tier 1 alone, which count for what one of tier 0 passes on"
        yield idle(
            "NothingPassedOn", f"{wrong}; name one of tier 0 too, or set spec.tier to 0. Until then all is denied"
        )
