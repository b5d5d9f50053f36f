"""Addresses without an API server: several plugins on one northbound database, no leader among them."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_interface

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovnloom.docker.asked import Asked
from ovnloom.docker.endpoints import Host
from ovnloom.docker.ipam import Ipam
from ovnloom.docker.main import pipeline_settings
from ovnloom.docker.networks import Wanted, create, delete
from ovnloom.docker.standalone import Standalone
from ovnloom.docker.state import State
from ovnloom.errors import Refused
from ovnloom.settings import DockerSettings
from sandbox import Ovn
from tests.docker.dialogue import MAC

CIDR, POOL = "10.77.0.0/29", "10.77.0.0/29|||"
GIVEN = ("10.77.0.2", "10.77.0.3", "10.77.0.4", "10.77.0.5", "10.77.0.6")
"""All addresses of the pool but its gateway."""


@asynccontextmanager
async def plugins(nb: str, count: int) -> AsyncIterator[list[tuple[Standalone, Ipam]]]:
    """Plugins of as many hosts, one network on all of them; nothing of it is left afterwards."""
    said = DockerSettings(ovn_nb=nb)
    async with AsyncExitStack() as stack:
        found = []
        for number in range(count):
            site = await stack.enter_async_context(Standalone(pipeline_settings(said)))
            await site.connected()
            found.append((site, Ipam(site, said, Host(f"host-{number}", "docker"))))
        for number, (site, _) in enumerate(found):
            wanted = Wanted(f"network-{number}", f"host-{number}", (CIDR,), ("10.77.0.1",), vpc="docker")
            await site.change(partial(create, wanted=wanted))
        try:
            yield found
        finally:
            for number, (site, _) in enumerate(found):
                await site.change(_release_all)
                await site.change(partial(delete, network=f"network-{number}"))


def _release_all(state: State) -> None:
    for ip in state.ips():
        state.remove("IP", ip.name)


Step = tuple[int, int, int]
"""Which plugin, which endpoint, and which address it wants: past the last, any; before the first, none any more."""


@settings(max_examples=40)
@given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 7), st.integers(-2, 7)), max_size=6), max_size=5))
def test_no_two_plugins_ever_give_one_address_to_two_endpoints(ovn: Ovn, bursts: list[list[Step]]) -> None:
    """Hosts don't know of each other; what one has given has to be known to all before any of them gives the next."""
    asyncio.run(_check(ovn.nb, bursts))


async def _check(nb: str, bursts: list[list[Step]]) -> None:
    held: dict[tuple[int, int], str] = {}

    async def one(ipam: Ipam, step: Step) -> None:
        plugin, endpoint, wanted = step
        mac = f"02:00:00:00:{plugin:02x}:{endpoint:02x}"
        if wanted < 0:
            if address := held.pop((plugin, endpoint), ""):
                await ipam.release_address(Asked({"PoolID": POOL, "Address": address}))
            return
        asked = {"PoolID": POOL, "Options": {MAC: mac}, "Address": GIVEN[wanted] if wanted < len(GIVEN) else ""}
        try:
            found = await ipam.request_address(Asked(asked))
        except Refused:
            return
        address = str(ip_interface(found["Address"]).ip)
        assert held.get((plugin, endpoint), address) == address
        held[plugin, endpoint] = address

    async with plugins(nb, 3) as found:
        for burst in bursts:
            distinct = {step[:2]: step for step in burst}.values()
            await asyncio.gather(*(one(found[step[0]][1], step) for step in distinct))
            assert len(set(held.values())) == len(held)
            assert set(held.values()) <= set(GIVEN)
        records = await found[0][0].read(lambda state: sorted(ip.v4 for ip in state.ips()))
        assert records == sorted(held.values())


def test_a_burst_of_many_hosts_gives_each_endpoint_an_address_of_its_own(ovn: Ovn) -> None:
    """All come too late but one, again and again; nobody may be forgotten, and the last gets the last address."""

    async def burst() -> list[object]:
        async with plugins(ovn.nb, 5) as found:
            asked = [
                ipam.request_address(Asked({"PoolID": POOL, "Options": {MAC: f"02:00:00:00:00:{at:02x}"}}))
                for at, (_, ipam) in enumerate(found)
            ]
            random.Random(7).shuffle(asked)
            given: list[object] = [each["Address"] for each in await asyncio.gather(*asked)]
            more = found[0][1].request_address(Asked({"PoolID": POOL, "Options": {MAC: "02:00:00:00:01:01"}}))
            with pytest.raises(Refused, match="no free IPv4 address"):
                await more
            return given

    assert sorted(map(str, asyncio.run(burst()))) == [f"{address}/29" for address in GIVEN]
