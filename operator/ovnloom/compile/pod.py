"""A Pod is one Logical_Switch_Port for each of its interfaces."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.compile.pod_security import security_groups, security_ids, security_problems
from ovnloom.intent import EMPTY, Intent, Member, Parent, Problem, Ref, Report, Row, Value
from ovnloom.ipam import Malformed, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import IPS_OF_HOLDER
from ovnloom.world.moments import Leaving
from ovnloom.world.nics import Nic, Unusable, holder_name, is_in_charge, is_overdue, nics, runner, unusable
from ovnloom.world.port import PortNetwork, port_network
from ovnloom.world.vip import shared_addresses
from ovnloom.world.vip_indexes import named

ROW = "Logical_Switch_Port"
STABLE = ("StatefulSet", "VirtualMachine")


def compile_pod(read: Reader, key: Key) -> Intent:
    """A Pod has a port for each interface whose address is saved; it joins the groups of its node.

    The port of a stable Pod (of a StatefulSet or virtual machine) that is away stays, outside of all groups, as long
    as its address is kept. Of two Pods that run one virtual machine the older has its ports. A Pod whose annotations
    can't be understood, or whose Subnet can't be used as it is written, keeps what it has.
    """
    pod = read.get(Pod, key)
    if pod is None or pod.finished or is_overdue(read, pod):
        return _kept_ports(read, key)
    if pod.host_network:
        return EMPTY
    try:
        found = nics(read, pod)
    except Unusable as wrong:
        return Intent.held(unusable(wrong))
    rows: list[Row] = []
    members: list[Member] = []
    annotations: dict[str, str | None] = {}
    problems: list[Problem] = []
    holder, has_ports = Key(holder_name(read, pod), key.namespace), is_in_charge(read, pod)
    for nic in found:
        ip = read.get(IP, Key(nic.name))
        if ip is None or not (ip.v4 or ip.v6 or ip.mac) or ip.holder != holder or read.get(Leaving, ip.key) is not None:
            continue
        net = read.view(port_network, ip.subnet)
        if net is None:
            missing = f"Subnet {ip.subnet} of its address {ip.ip_address} does not exist; create it, or delete the Pod"
            problems.append(Problem("SubnetMissing", missing))
            continue
        if net.is_frozen:
            return Intent.held()
        if net.is_ovn and has_ports:
            rows.append(_port(pod.key, ip, net, pod, nic, _shared(read, pod, nic, ip)))
            members.extend(_groups(read, pod, ip, net))
            problems.extend(security_problems(read, security_groups(pod, nic.provider), nic.provider))
        _answer(read, pod, nic, ip, net, annotations)
    return Intent(tuple(rows), tuple(members), tuple(problems), Report(annotations=annotations))


def _kept_ports(read: Reader, key: Key) -> Intent:
    rows: list[Row] = []
    for ip in read.find(IPS_OF_HOLDER, key):
        if ip.pod_type in STABLE and not _is_leaving(read, ip) and runner(read, key) is None:
            net = read.view(port_network, ip.subnet)
            if net is not None and net.is_frozen:
                return Intent.held()
            if net is not None and net.is_ovn:
                rows.append(_port(key, ip, net, None, None))
    return Intent(tuple(rows))


def _is_leaving(read: Reader, ip: IP) -> bool:
    return ip.deleting or read.get(Leaving, ip.key) is not None


def _shared(read: Reader, pod: Pod, nic: Nic, ip: IP) -> tuple[str, ...]:
    """The addresses of the Vips that the Pod shares with others."""
    vips = named(pod) if nic.is_default else ()
    return read.view(shared_addresses, (vips, pod.namespace, ip.subnet)) if vips else ()


def _port(key: Key, ip: IP, net: PortNetwork, pod: Pod | None, nic: Nic | None, shared: tuple[str, ...] = ()) -> Row:
    address = " ".join(part for part in (ip.mac, ip.v4, ip.v6) if part)
    ids = {names.KEY_POD: f"{key.namespace}/{key.name}", names.KEY_SWITCH: net.name}
    columns: dict[str, Value] = {"name": ip.name, "addresses": frozenset({address}), "external_ids": ids}
    if pod is not None and nic is not None and pod.annotations:
        vips = tuple(sorted({*_vips(pod.annotations.get(nic.annotation("port_vips"), "")), *shared}))
        if pod.annotations.get(nic.annotation("layer2_forward")) == "true":
            columns["addresses"] = frozenset({address, "unknown"})
        if pod.annotations.get(nic.annotation("port_security")) == "true":
            columns["port_security"] = frozenset({" ".join((address, *vips))})
        if vips:
            ids[names.KEY_VIPS] = ",".join(vips)
    if pod is not None and nic is not None:
        ids |= security_ids(security_groups(pod, nic.provider))
    if not net.is_default_vpc and names.KEY_SECURITY_GROUPS not in ids:
        ids[names.associated_group_key("default-securitygroup")] = "false"
    for family in net.dhcp_families:
        if ip.v4 if family == 4 else ip.v6:
            columns[f"dhcpv{family}_options"] = Ref("DHCP_Options", f"{net.name} - IPv{family}")
    return Row(ROW, ip.name, columns, Parent("Logical_Switch", names.switch(net.name), "ports"))


def _vips(text: str) -> tuple[str, ...]:
    found = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(parse_pair(item).text)
        except Malformed:
            continue
    return tuple(sorted(set(found)))


def _groups(read: Reader, pod: Pod, ip: IP, net: PortNetwork) -> Iterator[Member]:
    if not pod.node or not net.is_default_vpc:
        return
    port = Ref(ROW, ip.name)
    yield Member(Ref("Port_Group", names.node_port_group(pod.node)), "ports", port)
    if net.is_distributed:
        group = names.distributed_port_group(pod.node)
        if read.settings.distributed_rows == "subnet-node":
            group = names.subnet_node_port_group(net.name, pod.node)
        yield Member(Ref("Port_Group", group), "ports", port)


def _answer(read: Reader, pod: Pod, nic: Nic, ip: IP, net: PortNetwork, annotations: dict[str, str | None]) -> None:
    prefix = f"{nic.provider}.kubernetes.io/"
    annotations[prefix + "allocated"] = "true"
    annotations[prefix + "ip_address"] = ip.ip_address
    annotations[prefix + "cidr"] = net.cidr
    annotations[prefix + "gateway"] = net.gateway
    if not net.is_ovn:
        annotations[prefix + "logical_switch"] = None
        return
    annotations[prefix + "mac_address"] = ip.mac
    annotations[prefix + "logical_switch"] = net.name
    found = {
        "logical_router": net.logical_router,
        "vlan_id": str(net.uplink.tag) if net.uplink else "",
        "provider_network": net.uplink.network if net.uplink else "",
    }
    for word, value in found.items():
        if value or prefix + word in pod.written:
            annotations[prefix + word] = value or None
    if prefix + "pod_nic_type" not in pod.annotations:
        annotations[prefix + "pod_nic_type"] = read.settings.pod_nic_type
    if pod.node:
        annotations[prefix + "routed"] = "true"
    if holder_name(read, pod) != pod.name:
        annotations[prefix + "virtualmachine"] = holder_name(read, pod)
