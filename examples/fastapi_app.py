"""A web app that reminds people of appointments by phone, with FastAPI: `uvicorn fastapi_app:app`.

`POST /reminders` calls a person, `GET /reminders/{call_id}` returns the outcome. Let Truedy send its events to
`/webhooks/truedy`. `TRUDY_API_KEY`, `TRUDY_WEBHOOK_SECRET` and `AGENT_ID` are read from the environment.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import trudy
from trudy.webhooks import CallBilled, WebhookRouter, asgi_app

router = WebhookRouter()
outcomes: dict[str, str] = {}  # in a real app, a table of its database


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, object]]:
    """Keep one client for the life of the app: it holds the connections and the rate limiter."""
    async with trudy.AsyncTrudyClient() as client:
        yield {"client": client}


app = FastAPI(lifespan=lifespan)
app.mount("/webhooks/truedy", asgi_app(router))


async def get_client(request: Request) -> trudy.AsyncTrudyClient:
    client: trudy.AsyncTrudyClient = request.state.client
    return client


class Reminder(BaseModel):
    phone_number: str
    name: str


@app.post("/reminders", status_code=202)
async def remind(
    reminder: Reminder, client: Annotated[trudy.AsyncTrudyClient, Depends(get_client)], tasks: BackgroundTasks
) -> dict[str, str]:
    call = await client.calls.create(
        agent_id=os.environ["AGENT_ID"], phone_number=reminder.phone_number, variables={"name": reminder.name}
    )
    outcomes[call.id] = str(call.status)
    tasks.add_task(follow, client, call.id)
    return {"call_id": call.id}


@app.get("/reminders/{call_id}")
async def outcome(call_id: str) -> dict[str, str]:
    if call_id not in outcomes:
        raise HTTPException(404)
    return {"outcome": outcomes[call_id]}


@app.exception_handler(trudy.TrudyError)
async def not_called(_: Request, error: trudy.TrudyError) -> JSONResponse:
    return JSONResponse({"error": error.code, "request_id": error.request_id}, status_code=502)


@router.on("call.billed")
async def billed(event: CallBilled) -> None:
    print(f"{event.call_id} cost {event.cost_usd} USD")


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
