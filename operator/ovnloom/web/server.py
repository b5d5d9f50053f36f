"""The pages: files of this package, the picture as a stream, and answers to clicks. All of it is GET."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

from aiohttp import web

from ovnloom.errors import Refused
from ovnloom.intent import Owner
from ovnloom.web.asking import Asker, Direction
from ovnloom.web.details import details
from ovnloom.web.guard import add_headers, guarded
from ovnloom.web.items import FEW
from ovnloom.web.listening import address, listening
from ovnloom.web.live import Live

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
PAGE = "index.html"
SILENCE_SECONDS = 15.0
"""After so long a stream says that it is still there; that is also how a page that was closed is noticed."""
KINDS = frozenset({"Pod", *FEW})


@asynccontextmanager
async def serving(listen: str, live: Live, asker: Asker, hosts: Collection[str] = ()) -> AsyncIterator[str]:
    """While inside, the page is at the address that this yields. Raises Refused."""
    wrong = f"--listen is {listen!r}, which is no address; write it as 127.0.0.1:8088 or [::1]:8088"
    host, _ = address(listen, wrong)
    application = web.Application(middlewares=[guarded({*hosts, host})])
    application.on_response_prepare.append(add_headers)
    pages = _Pages(live, asker)
    application.add_routes(
        [
            web.get("/", pages.file),
            web.get("/static/{name}", pages.file),
            web.get("/api/live", pages.live),
            web.get("/api/object", pages.object),
            web.get("/api/reach", pages.reach),
            web.get("/api/why", pages.why),
        ]
    )
    async with listening(application, listen, wrong, "choose another by --listen", 0.5) as (host, port):
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        finally:
            pages.stop.set()  # before the streams that are open are waited for


class _Pages:
    """The answers. Files are read once, so that no request names a path."""

    def __init__(self, live: Live, asker: Asker) -> None:
        self.stop = asyncio.Event()
        self._live = live
        self._asker = asker
        static = files("ovnloom.web") / "static"
        self._files = {file.name: file.read_bytes() for file in static.iterdir() if file.is_file()}

    async def file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", PAGE)
        content = self._files.get(name)
        if content is None:
            raise web.HTTPNotFound(text=f"there is no file {name}\n")
        return web.Response(body=content, content_type=TYPES[name[name.rindex(".") :]], charset="utf-8")

    async def live(self, request: web.Request) -> web.StreamResponse:
        """First all items, then what differs: https://html.spec.whatwg.org/multipage/server-sent-events.html"""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        with self._live.listening() as listener:
            stopped = asyncio.create_task(self.stop.wait())
            try:
                is_first = True
                while not self.stop.is_set():
                    delta = listener.take()
                    if is_first and self._live.ready.is_set():
                        await self._send(stream, "all", list(self._live.picture.items.values()))
                        is_first = False
                    elif not is_first and delta:
                        put = [item for item in delta.values() if item is not None]
                        gone = [name for name, item in delta.items() if item is None]
                        await self._send(stream, "change", {"put": put, "gone": gone})
                    await self._send(stream, "status", self._live.status())
                    heard = asyncio.create_task(listener.wake.wait())
                    await asyncio.wait({heard, stopped}, timeout=SILENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                    heard.cancel()
            except ConnectionError:
                pass  # the page was closed
            finally:
                stopped.cancel()
        return stream

    @staticmethod
    async def _send(stream: web.StreamResponse, event: str, value: Any) -> None:
        # JSON has no line ends, so nothing that somebody wrote ends the event.
        text = json.dumps(value, separators=(",", ":"))
        await stream.write(f"event: {event}\ndata: {text}\n\n".encode())

    async def object(self, request: web.Request) -> web.Response:
        owner = Owner.parse(request.query.get("id", ""))
        if owner is None or owner.kind not in KINDS or str(owner) not in self._live.picture.items:
            return _answer({"error": f"{request.query.get('id', '')} isn't there"}, 404)
        return _answer(details(self._live, owner))

    async def reach(self, request: web.Request) -> web.Response:
        pod = Owner.parse(request.query.get("id", ""))
        if pod is None or pod.kind != "Pod":
            return _answer({"error": "id must be that of a Pod: Pod/NAMESPACE/NAME"}, 400)
        try:
            direction: Direction = "to" if request.query.get("direction") == "to" else "from"
            after, port = request.query.get("after", ""), request.query.get("port", "")
            return _answer(self._asker.reach(pod.key, direction, port, after))
        except Refused as refused:
            return _answer({"error": refused.reason}, 400)

    async def why(self, request: web.Request) -> web.Response:
        asked = (request.query.get(name, "") for name in ("from", "to", "port"))
        try:
            return _answer(self._asker.why(*asked))
        except Refused as refused:
            return _answer({"error": refused.reason}, 400)


def _answer(value: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        text=json.dumps(value, separators=(",", ":")), status=status, content_type="application/json", charset="utf-8"
    )
