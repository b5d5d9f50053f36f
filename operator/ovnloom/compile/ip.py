"""An IP object has no rows of its own: its holder's port has its address."""

from __future__ import annotations

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.vip import Vip
from ovnloom.intent import EMPTY, Intent, Report
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.interconnection import is_wanted
from ovnloom.world.nics import is_overdue
from ovnloom.world.vip import POD_TYPE


def compile_ip(read: Reader, key: Key) -> Intent:
    """An IP object that is deleted while its holder lives waits for the holder, and says so."""
    ip = read.get(IP, key)
    if ip is None or not ip.deleting:
        return EMPTY
    holder = _living_holder(read, ip)
    blockers = f"{ip.ip_address} is in use by {holder}; the IP goes when that is gone" if holder else ""
    return Intent(report=Report(blockers=blockers))


def _living_holder(read: Reader, ip: IP) -> str:
    if ip.name == names.node_port(ip.pod_name) and not ip.namespace:
        return f"Node {ip.pod_name}" if read.get(Node, Key(ip.pod_name)) else ""
    if ip.is_interconnection:
        return f"Subnet {ip.subnet}" if read.view(is_wanted, ip.key) else ""
    if ip.pod_type == POD_TYPE:
        return f"Vip {ip.pod_name}" if read.get(Vip, Key(ip.pod_name)) else ""
    key = Key(ip.pod_name, ip.namespace)
    pod = read.get(Pod, key)
    if pod is None or pod.finished or pod.host_network:
        return ""
    return "" if is_overdue(read, pod) else f"Pod {key}"
