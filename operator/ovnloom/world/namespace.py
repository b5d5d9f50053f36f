"""Where the Pods of a namespace get their addresses."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.namespace import Namespace
from ovnloom.api.subnet import Subnet
from ovnloom.world import vpc as vpcs
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import POOLS_OF_NAMESPACE, SUBNETS_OF_NAMESPACE, SUBNETS_WITH_SELECTOR, by_age
from ovnloom.world.subnet import default_subnet, is_ovn_provider, vpc_name


def labels_of(read: Reader, namespace: str) -> tuple[tuple[str, str], ...]:
    """View: the labels of a namespace, none when there is no such namespace."""
    found = read.get(Namespace, Key(namespace))
    return tuple(sorted(found.labels.items())) if found else ()


def subnets(read: Reader, namespace: str) -> tuple[str, ...]:
    """View: the Subnets that Pods of a namespace may use, in the order in which they are tried.

    Bound ones, by name or by selector, the oldest first; a custom Vpc's defaultSubnet before them. When nothing is
    bound: the default Subnet of the namespace's Vpc.
    """
    bound: dict[str, Subnet] = {subnet.name: subnet for subnet in read.find(SUBNETS_OF_NAMESPACE, namespace)}
    selecting = read.find(SUBNETS_WITH_SELECTOR, "")
    if selecting:
        labels = dict(read.view(labels_of, namespace))
        for subnet in selecting:
            if any(selector.matches(labels) for selector in subnet.namespace_selectors):
                bound[subnet.name] = subnet
    vpc = read.view(vpcs.of_namespace, namespace)
    found = [subnet.name for subnet in sorted(bound.values(), key=by_age) if is_ovn_provider(subnet.provider)]
    default = read.settings.cluster_router != vpc and read.view(vpcs.default_of, vpc)
    if default and _is_in(read, default, vpc):
        return (default, *(name for name in found if name != default))
    if found:
        return tuple(found)
    fallback = read.view(default_subnet, vpc) or read.view(default_subnet, read.settings.cluster_router)
    return (fallback,) if fallback else ()


def _is_in(read: Reader, name: str, vpc: str) -> bool:
    subnet = read.get(Subnet, Key(name))
    return subnet is not None and vpc_name(read, subnet) == vpc


def pools(read: Reader, namespace: str) -> tuple[str, ...]:
    """View: the IPPools that are the only source of addresses of a namespace, oldest first; mostly none."""
    return tuple(pool.name for pool in read.find(POOLS_OF_NAMESPACE, namespace) if not pool.deleting)
