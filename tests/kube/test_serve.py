"""What kubelets, people and Prometheus get when they ask how we are."""

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from ovnloom.controller.serve import Check, Status, serving
from ovnloom.errors import Refused
from ovnloom.web.listening import address


async def get(where: str, path: str, **headers: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://{where}{path}", headers=headers) as answer:
        return answer.status, await answer.text(), answer.headers["Content-Type"]


async def test_each_check_is_told_by_name_and_only_vital_ones_make_us_unhealthy() -> None:
    """A replica that waits for the API server must not be restarted for it: the restart would need the API server."""
    checks = (
        Check("loop", is_ok=True, is_vital=True),
        Check("world", is_ok=False, why="pods have not been listed"),
        Check("leader", is_ok=True, why="replica-2 leads"),
    )
    async with serving("127.0.0.1:0", lambda: Status(checks)) as where:
        assert (await get(where, "/healthz"))[:2] == (200, "[+]loop ok\nok\n")
        assert (await get(where, "/readyz"))[:2] == (
            503,
            "[+]loop ok\n[-]world failed: pods have not been listed\n[+]leader ok: replica-2 leads\nfailed\n",
        )


async def test_the_answer_is_that_of_the_moment() -> None:
    """A page that remembers is a page that lies."""
    is_ok = False
    async with serving("127.0.0.1:0", lambda: Status((Check("loop", is_ok, is_vital=True),))) as where:
        assert (await get(where, "/healthz"))[0] == 503
        is_ok = True
        assert (await get(where, "/healthz"))[0] == 200
        assert (await get(where, "/readyz"))[0] == 200


async def test_metrics_come_in_the_form_that_is_asked_for() -> None:
    """Prometheus asks for OpenMetrics, people's curl for text."""
    registry = CollectorRegistry()
    Counter("ovnloom_try_total", "A try.", registry=registry).inc()
    async with serving("127.0.0.1:0", Status, registry) as where:
        plain = await get(where, "/metrics")
        modern = await get(where, "/metrics", Accept="application/openmetrics-text; version=1.0.0")

    assert "ovnloom_try_total 1.0" in plain[1]
    assert plain[2].startswith("text/plain")
    assert modern[1].endswith("# EOF\n")
    assert modern[2].startswith("application/openmetrics-text")


async def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    """With hostNetwork it is kube-ovn's controller that has it."""
    async with serving("127.0.0.1:0", Status) as where:
        with pytest.raises(Refused, match="OVNLOOM_LISTEN"):
            async with serving(where, Status):
                pass


@pytest.mark.parametrize("listen", ["", "localhost", "1.2.3.4:", "1.2.3.4:http", "1.2.3.4:65536"])
async def test_what_is_no_address_is_told_so(listen: str) -> None:
    """Rather than a traceback out of asyncio."""
    with pytest.raises(Refused, match="is no address"):
        async with serving(listen, Status):
            pass


def test_addresses_have_hosts_of_both_families() -> None:
    """Dual stack Pods listen on [::]."""
    assert address("[::1]:80", "") == ("::1", 80)
    assert address("0.0.0.0:10660", "") == ("0.0.0.0", 10660)
    assert address(":10660", "") == ("", 10660)


async def test_without_a_host_both_families_are_answered(unused_tcp_port: int) -> None:
    """The probes of a kubelet in a cluster of IPv6 only come to an address of the node's."""
    async with serving(f":{unused_tcp_port}", Status):
        assert (await get(f"127.0.0.1:{unused_tcp_port}", "/readyz"))[0] == 200
        assert (await get(f"[::1]:{unused_tcp_port}", "/readyz"))[0] == 200
