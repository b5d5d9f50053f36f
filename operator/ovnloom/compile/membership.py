"""A Membership is what a Pod's labels and annotations make it part of: the groups of policies and SecurityGroups."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.compile.pod_security import has_security_groups, security_groups, security_members
from ovnloom.intent import EMPTY, Intent, Member, Ref
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_HOLDER
from ovnloom.world.moments import Leaving
from ovnloom.world.nics import holder_name, is_in_charge, is_overdue
from ovnloom.world.port import port_network
from ovnloom.world.selectors import concerns, memberships


def compile_membership(read: Reader, key: Key) -> Intent:
    """The ports of a Pod are in the groups of the policies about it, of those that name it as the other end, and of
    the SecurityGroups that it names.

    It is an owner of its own, beside the Pod: a Pod whose annotations or Subnet can't be used keeps the ports that it
    has, and policies about it hold all the same.
    """
    pod = read.get(Pod, key)
    if pod is None or pod.finished or pod.host_network:
        return EMPTY
    is_secured = has_security_groups(pod)
    if not is_secured and not read.view(concerns, pod.namespace):
        return EMPTY
    groups = read.view(memberships, (pod.namespace, tuple(sorted(pod.labels.items())), pod.ports))
    if not (groups or is_secured) or is_overdue(read, pod) or not is_in_charge(read, pod):
        return EMPTY
    members: list[Member] = []
    holder = Key(holder_name(read, pod), pod.namespace)
    for ip, is_default_vpc in _addresses(read, holder):
        port, network = Ref("Logical_Switch_Port", ip.name), names.provider_of(ip.name, holder.name, holder.namespace)
        for group, providers in groups:
            if group == names.ISOLATED:
                if not pod.node or not is_default_vpc:
                    continue  # only the default Vpc reaches nodes
                group = names.isolated_port_group(pod.node)
            if providers is None or network in providers:
                members.append(Member(Ref("Port_Group", group), "ports", port))
        if is_secured:
            asked = security_groups(pod, names.interface_of(ip.name, holder.name, holder.namespace))
            members.extend(security_members(read, asked, ip.name))
    return Intent(members=tuple(members))


def _addresses(read: Reader, holder: Key) -> Iterator[tuple[IP, bool]]:
    """The saved addresses of interfaces that have a port, and whether that is in the default Vpc."""
    for ip in read.find(IPS_OF_HOLDER, holder):
        net = read.view(port_network, ip.subnet)
        if net is not None and net.is_ovn and read.get(Leaving, ip.key) is None:
            yield ip, net.is_default_vpc
