"""Who may ask, and what a browser may do with the answer.

There is no login, so the page is for this machine. A browser on it may be lured: a foreign page whose name suddenly
means 127.0.0.1 (DNS rebinding) could read what we serve, so only addresses and names that we know are served. What
comes from the cluster is text of strangers, so the page runs our scripts alone and makes no markup from text.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def guarded(hosts: Collection[str]) -> Middleware:
    """A middleware that serves requests for these hosts, loopback and plain addresses; `hosts` are names."""
    known = LOOPBACK | {host.lower() for host in hosts}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = _name(request.headers.get("Host", ""))
        if name not in known and not _is_address(name):
            words = f"the name {name!r} isn't served here; use 127.0.0.1, or allow it by OVNLOOM_WEB_HOSTS\n"
            return web.Response(status=421, text=words, headers=HEADERS)
        if _is_foreign(request):
            return web.Response(status=403, text="requests of other pages aren't answered\n", headers=HEADERS)
        try:
            return await handler(request)
        except web.HTTPException as answer:
            answer.headers.update(HEADERS)
            raise

    return guard


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Every answer has them, a stream before its first byte."""
    response.headers.update(HEADERS)


def _is_foreign(request: web.Request) -> bool:
    """Whether another page asks, as browsers say; a link from elsewhere to the page itself is fine."""
    if request.path == "/" and request.headers.get("Sec-Fetch-Mode") == "navigate":
        return False
    return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")


def _name(host: str) -> str:
    """The host of a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    """A page that was reached by an address has no name that could mean another one tomorrow."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
