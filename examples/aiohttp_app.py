"""A web app that reminds people of appointments by phone, with aiohttp: `python aiohttp_app.py PORT`.

`POST /reminders` calls a person, `GET /reminders/{call_id}` returns the outcome. Let Truedy send its events to
`/webhooks/truedy`. `TRUDY_API_KEY`, `TRUDY_WEBHOOK_SECRET` and `AGENT_ID` are read from the environment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web

import trudy
from trudy.webhooks import WebhookRouter, aiohttp_handler

router = WebhookRouter()
routes = web.RouteTableDef()
outcomes: dict[str, str] = {}  # in a real app, a table of its database

CLIENT = web.AppKey("client", trudy.AsyncTrudyClient)
TASKS = web.AppKey("tasks", set[asyncio.Task[None]])


async def client_lifespan(app: web.Application) -> AsyncIterator[None]:
    """Keep one client for the life of the app: it holds the connections and the rate limiter."""
    async with trudy.AsyncTrudyClient(http_backend="aiohttp") as client:
        app[CLIENT], app[TASKS] = client, set()
        yield
        for task in app[TASKS]:
            task.cancel()
        await asyncio.gather(*app[TASKS], return_exceptions=True)


@routes.post("/reminders")
async def remind(request: web.Request) -> web.Response:
    reminder = await request.json()
    client = request.app[CLIENT]
    try:
        call = await client.calls.create(
            agent_id=os.environ["AGENT_ID"],
            phone_number=reminder["phone_number"],
            variables={"name": reminder["name"]},
        )
    except trudy.TrudyError as error:
        return web.json_response({"error": error.code, "request_id": error.request_id}, status=502)
    outcomes[call.id] = str(call.status)
    task = asyncio.create_task(follow(client, call.id))
    request.app[TASKS].add(task)
    task.add_done_callback(request.app[TASKS].discard)
    return web.json_response({"call_id": call.id}, status=202)


@routes.get("/reminders/{call_id}")
async def outcome(request: web.Request) -> web.Response:
    call_id = request.match_info["call_id"]
    if call_id not in outcomes:
        raise web.HTTPNotFound
    return web.json_response({"outcome": outcomes[call_id]})


async def follow(client: trudy.AsyncTrudyClient, call_id: str) -> None:
    """Wait for the end of the call, which an event reports at once, and store the transcript."""
    try:
        call = await client.calls.wait(call_id, events=router, max_wait=1800)
        outcomes[call_id] = await what_was_said(client, call_id) if call.status == "completed" else str(call.status)
    except trudy.TrudyError as error:
        outcomes[call_id] = error.code
    print(f"{call_id}: {outcomes[call_id]}")


async def what_was_said(client: trudy.AsyncTrudyClient, call_id: str) -> str:
    """The transcript; it is ready some seconds after the end of the call."""
    try:
        return (await client.calls.wait_for_transcript(call_id, max_wait=30)).text
    except trudy.WaitTimeoutError:
        return "no transcript yet"


def make_app() -> web.Application:
    app = web.Application()
    app.add_routes(routes)
    app.router.add_post("/webhooks/truedy{slash:/?}", aiohttp_handler(router))
    app.cleanup_ctx.append(client_lifespan)
    return app


if __name__ == "__main__":
    web.run_app(make_app(), host="127.0.0.1", port=int(sys.argv[1]))
