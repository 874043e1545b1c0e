"""Runs every campaign of a sandbox up to the present, in the order of time, whenever its rows are read."""

from __future__ import annotations

import random
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from trudy.sandbox.domain import new_call
from trudy.sandbox.domain.campaign import Campaign, Dialed, DialLater, Impossible, Member, Refused
from trudy.sandbox.domain.outcome_by_number import Outcome
from trudy.sandbox.http.contract import Json

if TYPE_CHECKING:
    from trudy.sandbox.world import World


class CampaignRunner:
    """Places the calls of campaigns. Hold the state's lock."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._campaigns: dict[int, Campaign] = {}
        self._due: dict[int, float] = {}
        self._agenda: list[tuple[float, int]] = []

    def settle(self, now: float) -> None:
        """Carry out all events of all campaigns that were due by now."""
        agenda = self._agenda
        while agenda and agenda[0][0] <= now:
            moment, order = heappop(agenda)
            if self._due.get(order) == moment:
                campaign = self._campaigns[order]
                campaign.step(self._dial)
                self.watch(campaign)

    def watch(self, campaign: Campaign) -> None:
        """Take note of a campaign that is new or was changed."""
        moment, order = campaign.next_event(), campaign.order
        if moment is None:
            self._campaigns.pop(order, None)
            self._due.pop(order, None)
            return
        self._campaigns[order], self._due[order] = campaign, moment
        heappush(self._agenda, (moment, order))

    def _dial(self, campaign: Campaign, member: Member, moment: float) -> Dialed:
        world, number = self._world, member.phone_number
        agent = world.state.agents.get(campaign.agent_id)
        numbers = [] if agent is None else numbers_of(campaign, agent)
        if agent is None or not numbers or world.payment_required is not None:
            return Impossible()
        outcome = new_call.outcome_for(world, number)
        match outcome:
            case None | Outcome.REFUSED | Outcome.PAYMENT_REQUIRED | Outcome.FORBIDDEN:
                return Refused()
            case Outcome.RATE_LIMITED_ONCE if number not in world.state.rate_limited:
                world.state.rate_limited.add(number)
                return DialLater(world.limiter.ends_at(moment))
            case _:
                return new_call.place(
                    world,
                    agent,
                    number,
                    outcome,
                    now=moment,
                    from_number=self._from_number(campaign, member, numbers),
                    settings=new_call.settings_for(agent),
                    variables=new_call.as_texts(member.variables),
                    campaign_id=campaign.id,
                    contact_id=member.contact_id,
                )

    def _from_number(self, campaign: Campaign, member: Member, numbers: list[str]) -> str:
        match campaign.described["phone_rotation_strategy"]:
            case "round_robin":
                index = campaign.dials % len(numbers)
            case "sequential":
                # Each number serves the same number of contacts: the first one the first contacts, and so on.
                index = member.position * len(numbers) // len(campaign.members)
            case _:
                # Seeded, so that each run with the same seed makes the same choices.
                draw = random.Random(f"{self._world.seed}:{campaign.order}:{campaign.dials}")  # noqa: S311
                index = draw.randrange(len(numbers))
        return numbers[index]


def numbers_of(campaign: Campaign, agent: Json) -> list[str]:
    """The numbers a campaign calls from: its agent's numbers for outbound calls, or those of them that it names."""
    wanted: list[str] | None = campaign.described["phone_number_ids"]
    return [
        number["phone_number"] for number in agent["outbound_phone_numbers"] if wanted is None or number["id"] in wanted
    ]
