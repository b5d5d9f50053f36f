"""Vpcs, as everybody else sees them."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.vpc import Vpc
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import VPCS_OF_NAMESPACE

EXTERNAL = "ovn.kubernetes.io/vpc_external"
"""Label of Vpcs that stand for routers which somebody else made; they are left alone."""


def exists(read: Reader, name: str) -> bool:
    """View: there is such a Vpc, and it is ours to program."""
    vpc = read.get(Vpc, Key(name))
    return vpc is not None and EXTERNAL not in vpc.labels


def of_namespace(read: Reader, namespace: str) -> str:
    """View: the Vpc that a namespace lives in: the oldest that lists it, else the default one."""
    for vpc in read.find(VPCS_OF_NAMESPACE, namespace):
        if vpc.name != read.settings.cluster_router:
            return vpc.name
    return read.settings.cluster_router


def default_of(read: Reader, name: str) -> str:
    """View: spec.defaultSubnet of a Vpc, empty where it has none."""
    vpc = read.get(Vpc, Key(name))
    return vpc.default_subnet if vpc else ""
