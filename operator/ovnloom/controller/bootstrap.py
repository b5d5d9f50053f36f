"""What a cluster has from the first start on: the default Vpc, the default Subnet and the join Subnet."""

from __future__ import annotations

from ovnloom import log
from ovnloom.api.meta import key_of
from ovnloom.api.subnet import Subnet
from ovnloom.ipam import Malformed, Networks, parse_cidr_block
from ovnloom.kube.client import Client
from ovnloom.kube.failures import AlreadyExists
from ovnloom.settings import Settings
from ovnloom.world import defaults
from ovnloom.world.defaults import Unusable as Unusable
from ovnloom.world.defaults import check as check
from ovnloom.world.tables import BY_KIND, BY_TYPE
from ovnloom.world.world import World

logger = log.get("bootstrap")


async def bootstrap(client: Client, world: World, settings: Settings) -> None:
    """The default objects are there; what is there already stays as its users made it.

    A Subnet in one family gets the second one when its setting has both, as the only change that is ever made.
    """
    for body in defaults.bodies(settings):
        table = BY_KIND[body["apiVersion"], body["kind"]]
        there = world.tables[table.type].get(key_of(body))
        if isinstance(there, Subnet):
            await _extend(client, there, parse_cidr_block(body["spec"]["cidrBlock"]))
        if there is not None:
            continue
        try:
            await client.create(table, body)
        except AlreadyExists:
            continue
        logger.info("created", kind=table.kind, name=body["metadata"]["name"])


async def _extend(client: Client, there: Subnet, networks: Networks) -> None:
    try:
        has = parse_cidr_block(there.cidr_block)
    except Malformed:
        return
    missing = [network for network in networks if has.of(network.family) is None]
    if len(networks.families) < 2 or not missing:
        return
    both = Networks(has.v4 or networks.v4, has.v6 or networks.v6)
    logger.info("subnet gets its second family", subnet=there.name, cidr=str(both))
    await client.patch(BY_TYPE[Subnet], there.key, {"spec": {"cidrBlock": str(both), "protocol": both.protocol}})
