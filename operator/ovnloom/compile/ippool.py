"""An IPPool is a part of a Subnet's addresses, and, where asked for, an Address_Set of them."""

from __future__ import annotations

from ovnloom.api.ippool import IPPool
from ovnloom.api.meta import Key
from ovnloom.intent import EMPTY, Intent, Report, Row
from ovnloom.ipam import Malformed, parse_items
from ovnloom.ipam.cidrs import cidrs
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.problem import invalid
from ovnloom.world.subnet import pools, segment


def compile_ippool(read: Reader, key: Key) -> Intent:
    """With enableAddressSet there is an Address_Set of the pool's addresses, as CIDRs, for matches to refer to."""
    pool = read.get(IPPool, key)
    if pool is None:
        return EMPTY
    if read.view(segment, pool.subnet) is None:
        missing = f"spec.subnet is {pool.subnet!r}; create that Subnet or name another"
        return Intent.held(invalid("UpdateIPAMFailed", missing))
    problem = read.view(pools, pool.subnet)[1].get(pool.name)
    if problem is not None:
        return Intent.held(problem)
    report = Report(ready="UpdateIPAMSucceeded")
    if not pool.enable_address_set:
        return Intent(report=report)
    try:
        spans = parse_items(pool.ips)
    except Malformed as malformed:
        return Intent.held(invalid("UpdateIPAMFailed", f"spec.ips {malformed}"))
    name = names.pool_address_set(pool.name)
    addresses = frozenset(cidrs(spans))
    return Intent((Row("Address_Set", name, {"name": name, "addresses": addresses}),), report=report)
