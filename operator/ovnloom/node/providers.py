"""The bridges of ProviderNetworks on this host, and what its Node says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from ovnloom import log
from ovnloom.api.meta import Key
from ovnloom.api.node import Node
from ovnloom.api.pod import Pod
from ovnloom.api.providernetwork import ProviderNetwork
from ovnloom.api.vlan import Vlan
from ovnloom.errors import Refused, Unavailable
from ovnloom.host import bridges
from ovnloom.host.bridges import Found, Uplink
from ovnloom.host.handover import hand_over, master_of, stay_silent
from ovnloom.host.links import Link, look
from ovnloom.host.netlink_events import events
from ovnloom.host.netns import in_thread
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.host.subinterfaces import make_subinterface, remove_subinterface
from ovnloom.ipam.mac import mac_for
from ovnloom.kube.events import About
from ovnloom.kube.failures import NotFound
from ovnloom.node.part import Means, Part
from ovnloom.node.provider_answers import Outcome, agents, differing_errors, differing_labels, says
from ovnloom.node.provider_uplinks import taking_part, unusable, uplink
from ovnloom.node.view import View
from ovnloom.world.tables import BY_TYPE

logger = log.get("providers")

WORKING_SECONDS = 10.0
"""After which ovs-vswitchd is taken for one that doesn't run."""
RESUME_PAUSE = 0.5
"""Seconds until Open vSwitch is asked again."""
SUCCEEDED, FAILED = "InitOVSBridgeSucceeded", "InitOVSBridgeFailed"


class Providers:
    """Each ProviderNetwork that this node takes part in has a bridge with the host's interface and its addresses."""

    name = "providers"
    wakes: frozenset[type] = frozenset({Node, ProviderNetwork, Vlan})
    is_vital = False

    def __init__(self, means: Means) -> None:
        self._means = means
        self._ovs = means.ovs
        self._told: dict[str, str] = {}
        """By ProviderNetwork what was wrong with it when it was last told."""
        self._links: dict[str, int] = {}
        """Interfaces whose change is looked at, by name, with the index that they had (0: not there)."""

    async def converge(self, view: View) -> None:
        """This host has the bridges that it should have, and no others of ours; its Node and the users are told.

        A ProviderNetwork that fails stops no other one. Raises Unavailable when one could not be looked at, Refused
        when one can't work.
        """
        node = view.node
        if node is None:
            return
        wanted = {network.name: network for network in taking_part(view)}
        there = await self._ovs.read(bridges.found)
        outcomes: dict[str, Outcome] = {}
        failures = [await self._leave(bridge, found) for bridge, found in there.items() if found.network not in wanted]
        for name, network in sorted(wanted.items()):
            outcomes[name] = await self._outcome(view, network, there.get(bridges.bridge_of(name)))
        names = {outcome.interface for outcome in outcomes.values()} | {bridges.bridge_of(name) for name in wanted}
        links = {name: await in_thread(look, name) for name in sorted(names) if name}
        self._links = {name: link.index if link else 0 for name, link in links.items()}
        await self._tell(view, node, wanted, outcomes)
        wrong = [outcome for outcome in (*failures, *outcomes.values()) if outcome.problem]
        words = "; ".join(outcome.problem for outcome in wrong)
        if any(outcome.is_open for outcome in wrong):
            raise Unavailable(words)
        if wrong:
            raise Refused(words)

    async def follow(self, wake: Callable[[], None]) -> None:
        """An interface that comes, or gets addresses back from somebody (`netplan apply`), is seen to at once."""
        async for event in events():
            is_ours = event.name in self._links if event.kind == "link" else event.index in self._links.values()
            if event.kind == "unknown" or (event.kind in ("link", "address") and is_ours):
                wake()

    # -- one network --------------------------------------------------------------------------------------------------

    async def _leave(self, bridge: str, found: Found) -> Outcome:
        """The network is gone, or this node isn't part of it any more. What can't be given back yet is tried again."""
        try:
            await self._give_back(bridge, found)
        except (Refused, Unavailable) as problem:
            return Outcome(found.interface, 0, f"{bridge} stays: {problem}", is_open=True)
        return Outcome(found.interface, 0)

    async def _outcome(self, view: View, network: ProviderNetwork, there: Found | None) -> Outcome:
        wrong = unusable(network)
        if not wrong and there is not None and there.is_exchanged:
            wrong = f"bridge br-{network.name} has exchanged names with its interface, which isn't served; undo that"
        if wrong:
            return Outcome(network.interface(view.name), 0, wrong)
        try:
            link = await self._take(uplink(view, network), network, there)
        except Refused as refused:
            return Outcome(network.interface(view.name), 0, refused.reason)
        except Unavailable as problem:
            return Outcome(network.interface(view.name), 0, str(problem), is_open=True)
        return Outcome(link.name, link.mtu)

    async def _take(self, wanted: Uplink, network: ProviderNetwork, there: Found | None) -> Link:
        """The bridge has the interface and its addresses; where it can't be, the interface has them as before."""
        link = await self._interface(wanted, network)
        if there is not None and there.interface not in ("", wanted.interface):
            await self._give_back(wanted.bridge, there)
        datapath = await self._ovs.read(lambda rows: str(rows.bridge(self._bridge).datapath_type))
        is_userspace = datapath == "netdev"
        # A switch that runs as a process shares the interface's frames with the kernel, which would answer those to
        # the interface's own MAC a second time.
        mac = mac_for(f"{link.mac}/{wanted.network}") if is_userspace else link.mac
        await self._ovs.edit(partial(bridges.make, uplink=wanted, mac=mac, datapath=datapath))
        await self._until_working(wanted.bridge)
        was_attached = bool(await self._ovs.read(partial(bridges.owner_of, interface=wanted.interface)))
        await self._ovs.edit(partial(bridges.attach, uplink=wanted))
        try:
            await self._until_working(wanted.interface)
            if is_userspace:
                await in_thread(stay_silent, wanted.interface, silent=True)
            moved = await in_thread(hand_over, wanted.interface, wanted.bridge)
        except (Refused, Unavailable):
            if was_attached:  # it has worked: what is wrong now isn't repaired by taking the addresses away
                raise
            await self._give_back(wanted.bridge, Found(wanted.network, wanted.interface, is_exchanged=False))
            raise
        if moved:
            words = [str(each) for each in moved]
            logger.info("addresses moved", source=wanted.interface, target=wanted.bridge, addresses=words)
        return link

    async def _interface(self, wanted: Uplink, network: ProviderNetwork) -> Link:
        link = await in_thread(look, wanted.interface)
        if link is None and network.auto_create_vlan_subinterfaces:
            await in_thread(make_subinterface, wanted.interface, network.name)
            link = await in_thread(look, wanted.interface)
        if link is None:
            raise Refused(
                f"interface {wanted.interface} does not exist on this host; name another in spec.customInterfaces, "
                f"or leave the node out by spec.excludeNodes"
            )
        owner = await self._ovs.read(partial(bridges.owner_of, interface=wanted.interface))
        if owner and owner != wanted.bridge:
            raise Refused(bridges.taken(wanted.interface, owner))
        if not owner:
            master = await in_thread(master_of, wanted.interface)
            if master:
                raise Refused(f"interface {wanted.interface} is part of {master}; name {master} instead")
        return link

    async def _until_working(self, name: str) -> None:
        try:
            await self._ovs.until(partial(bridges.is_working, name=name), WORKING_SECONDS)
        except TimeoutError:
            raise Unavailable(f"ovs-vswitchd doesn't serve interface {name}; see whether it runs") from None

    async def _give_back(self, bridge: str, found: Found) -> None:
        """The interface has its addresses back, and there is no bridge and no mapping; it may be gone by now."""
        if found.is_exchanged:
            logger.warning("bridge stays: its name and its interface's were exchanged", bridge=bridge)
            return
        await self._ovs.edit(partial(bridges.detach, name=bridge))
        is_there = [await in_thread(look, name) is not None for name in (bridge, found.interface) if name]
        if found.interface and all(is_there):
            moved = await in_thread(hand_over, bridge, found.interface)
            await in_thread(stay_silent, found.interface, silent=False)
            words = [str(each) for each in moved]
            logger.info("addresses moved back", source=bridge, target=found.interface, addresses=words)
        await self._ovs.edit(partial(bridges.remove, name=bridge, network=found.network))
        await in_thread(remove_subinterface, found.interface, found.network)

    # -- telling ------------------------------------------------------------------------------------------------------

    async def _tell(
        self, view: View, node: Node, wanted: dict[str, ProviderNetwork], outcomes: dict[str, Outcome]
    ) -> None:
        labels = differing_labels(view, node, outcomes)
        if labels:
            await self._patch(Node, node.key, {"labels": labels})
        for agent in agents(view):
            changed = differing_errors(agent, outcomes)
            if changed:
                await self._patch(Pod, agent.key, {"annotations": changed})
        for name, outcome in outcomes.items():
            is_news = outcome.problem != self._told.get(name, "") if outcome.problem else says(labels, name)
            if is_news:
                about = About("kubeovn.io/v1", "ProviderNetwork", Key(name), wanted[name].uid)
                words = outcome.problem or f"bridge br-{name} has interface {outcome.interface}"
                reason = FAILED if outcome.problem else SUCCEEDED
                self._means.events.tell(about, reason, f"node {view.name}: {words}", is_warning=bool(outcome.problem))
        self._told = {name: outcome.problem for name, outcome in outcomes.items()}

    async def _patch(self, kind: type, key: Key, metadata: dict[str, object]) -> None:
        try:
            await self._means.client.patch(BY_TYPE[kind], key, {"metadata": metadata})
        except NotFound:
            return

    @property
    def _bridge(self) -> str:
        return self._means.settings.integration_bridge


async def resume(ovs: OpenVSwitch) -> None:
    """After a start of the host its addresses are where they were: on the bridges that still have their interfaces.

    Parts begin when they know the cluster, but the way to the API server may be such an interface. So this asks for
    nothing but Open vSwitch, until that has answered.
    """
    while True:
        try:
            await _resume(ovs)
        except Unavailable:
            await asyncio.sleep(RESUME_PAUSE)
        except Refused as refused:
            logger.warning("addresses stay on their interface", reason=refused.reason)
            return
        else:
            return


async def _resume(ovs: OpenVSwitch) -> None:
    for bridge, found in (await ovs.read(bridges.found)).items():
        owner = await ovs.read(partial(bridges.owner_of, interface=found.interface))
        if found.is_exchanged or not found.interface or owner != bridge:
            continue
        if all([await in_thread(look, name) is not None for name in (bridge, found.interface)]):
            await in_thread(hand_over, found.interface, bridge)


def providers(means: Means) -> Part:
    """The part of an agent."""
    return Providers(means)
