"""Make an agent that looks things up: `python agent_with_tool.py VOICE_ID DOCUMENT APPOINTMENTS_URL`.

It knows a document (PDF, TXT, DOCX or MD) and asks your web service for free appointments. The last line printed is a
link to talk to the agent in a browser. The key is read from `TRUDY_API_KEY`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trudy
from trudy.models import Agent, HttpTool, KnowledgeBase, Tool, ToolParameter


def main(voice_id: str, document: str, appointments_url: str) -> None:
    """Make a knowledge base and a tool, then the agent, then a call to try it."""
    with trudy.TrudyClient() as client:
        known = make_knowledge(client, Path(document))
        print(f"knowledge base {known.status}, {known.source_count} source")
        tool = make_tool(client, appointments_url)
        print(f"tool {tool.name} calls {tool.method} {tool.url}")
        agent = make_agent(client, voice_id, known, tool)
        print(f"agent {agent.name} is {agent.status}")
        print(f"talk to it at {client.agents.create_test_call(agent.id).join_url}")


def make_knowledge(client: trudy.TrudyClient, document: Path) -> KnowledgeBase:
    """Make a knowledge base and wait until it can be used."""
    known = client.knowledge_bases.create(name="Practice", description="Opening hours and prices")
    client.knowledge_bases.sources.add_document(known.id, document)
    known = client.knowledge_bases.wait(known.id)
    for source in client.knowledge_bases.sources.list(known.id):
        if source.status == "failed":
            sys.exit(f"{source.name} could not be read")
    return known


def make_tool(client: trudy.TrudyClient, url: str) -> Tool:
    """Make a tool for use during a call: the agent fills in `day` and `doctor`, and `source` is always the same."""
    definition = HttpTool(
        url=url,
        description="Finds free appointments. Use it whenever the caller asks for one.",
        parameters=[
            ToolParameter(name="day", description="The day wished for, as YYYY-MM-DD"),
            ToolParameter(name="doctor", description="Whom to see", enum=["Lee", "Diaz"], required=False),
            ToolParameter(name="source", value="phone"),
        ],
    )
    return client.tools.create(name="free_appointments", definition=definition)


def make_agent(client: trudy.TrudyClient, voice_id: str, known: KnowledgeBase, tool: Tool) -> Agent:
    return client.agents.create(
        name="Ada",
        voice_id=voice_id,
        system_prompt="You answer the phone of a practice. Offer only appointments that the tool finds.",
        greeting="Hello, this is the practice. How can I help?",
        tools=[tool.id],
        knowledge_bases=[known.id],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
