"""/metrics, /healthz and /readyz: what the world outside may know of us."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ovnloom import log
from ovnloom.web.listening import listening

logger = log.get("serve")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to be right.

    What is `vital` makes us unhealthy while it is wrong, so that we get restarted; the rest makes us unready only.
    """

    name: str
    is_ok: bool
    why: str = ""
    """What is wrong, or a remark about what is right."""
    is_vital: bool = False

    def __str__(self) -> str:
        mark, word = ("+", "ok") if self.is_ok else ("-", "failed")
        return f"[{mark}]{self.name} {word}{f': {self.why}' if self.why else ''}"


@dataclass(frozen=True, slots=True)
class Status:
    """How we are, by the checks that it follows from."""

    checks: tuple[Check, ...] = ()

    @property
    def is_ready(self) -> bool:
        return all(check.is_ok for check in self.checks)

    @property
    def is_healthy(self) -> bool:
        return all(check.is_ok for check in self.checks if check.is_vital)


@asynccontextmanager
async def serving(
    listen: str, status: Callable[[], Status], registry: CollectorRegistry = REGISTRY
) -> AsyncIterator[str]:
    """The pages are served while the context lasts, at the address that it gives (with the port that port 0 became).

    Raises Refused when `listen` is no address or somebody else has it.
    """
    application = web.Application()
    pages = _Pages(status, registry)
    routes = (("/metrics", pages.metrics), ("/healthz", pages.healthz), ("/readyz", pages.readyz))
    application.add_routes([web.get(path, page) for path, page in routes])
    async with listening(application, listen, _wrong(listen), "set OVNLOOM_LISTEN to another") as (host, port):
        yield f"{host}:{port}"


def _wrong(listen: str) -> str:
    return f"OVNLOOM_LISTEN {listen!r} is no address; write it as :10660 (all hosts) or [::1]:10660"


@dataclass(frozen=True, slots=True)
class _Pages:
    """The answers, made anew for each request."""

    status: Callable[[], Status]
    registry: CollectorRegistry

    async def metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self.registry), headers={"Content-Type": content_type})

    async def healthz(self, _: web.Request) -> web.Response:
        found = self.status()
        return _answer(found.is_healthy, [check for check in found.checks if check.is_vital])

    async def readyz(self, _: web.Request) -> web.Response:
        found = self.status()
        return _answer(found.is_ready, found.checks)


def _answer(is_ok: bool, checks: Sequence[Check]) -> web.Response:
    """200 when all is right, else 503; the body has a line for each check, as the API server's own pages have."""
    lines = [*map(str, checks), "ok" if is_ok else "failed", ""]
    return web.Response(text="\n".join(lines), status=200 if is_ok else 503)
