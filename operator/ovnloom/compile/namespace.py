"""A Namespace says where its Pods get their addresses; it has no rows."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.namespace import Namespace
from ovnloom.intent import EMPTY, Intent, Report
from ovnloom.world import namespace as namespaces
from ovnloom.world.graph import Reader
from ovnloom.world.subnet import segment

PREFIX = "ovn.kubernetes.io/"


def compile_namespace(read: Reader, key: Key) -> Intent:
    """Annotations name the Subnets that are tried for its Pods, in order, with their CIDRs and excluded addresses."""
    namespace = read.get(Namespace, key)
    if namespace is None or namespace.deleting:
        return EMPTY
    found = [read.view(segment, name) for name in read.view(namespaces.subnets, key.name)]
    nets = [net for net in found if net is not None and net.is_valid]
    pools = read.view(namespaces.pools, key.name)
    annotations = {
        PREFIX + "logical_switch": ",".join(net.name for net in nets) or None,
        PREFIX + "cidr": ";".join(str(net.networks) for net in nets) or None,
        PREFIX + "exclude_ips": ";".join(",".join(net.excludes) for net in nets) or None,
        PREFIX + "ip_pool": ",".join(pools) or None,
    }
    return Intent(report=Report(annotations=annotations))
