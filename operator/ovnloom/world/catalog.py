"""Values that objects mention, as objects of the world themselves: there as long as anybody mentions them.

So what many policies say alike is looked at once, and a mention that isn't the first or the last costs a count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ovnloom.api.networkpolicy import NetworkPolicy
from ovnloom.api.pod import Pod
from ovnloom.world import cluster_policy
from ovnloom.world.policy import selections
from ovnloom.world.portnumber import PortNumber, numbers_of
from ovnloom.world.selection import Selection

Kind = type


@dataclass(frozen=True, eq=False)
class Catalog:
    """The values of `type` that objects of the kind `source` mention; each has a `key`."""

    type: Kind
    source: Kind
    values: Callable[[Any], Iterable[Any]]


CATALOGS: tuple[Catalog, ...] = (
    Catalog(PortNumber, Pod, numbers_of),
    Catalog(Selection, NetworkPolicy, selections),
    *(Catalog(Selection, kind, cluster_policy.selections) for kind in cluster_policy.KINDS),
)
DERIVED: tuple[type, ...] = tuple(dict.fromkeys(catalog.type for catalog in CATALOGS))
"""Kinds that no API server knows."""
