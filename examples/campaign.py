"""Call everybody on a list, in working hours, and print the outcomes: `python campaign.py AGENT_ID people.csv`.

The list has the columns `phone_number` and `first_name`; all others become `{{variables}}` of the prompt. The server
does the dialing. The key is read from `TRUDY_API_KEY`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path

import trudy
from trudy.models import AddedContacts, BatchContactInput


def main(agent_id: str, path: str) -> int:
    """Make, fill and start a campaign, wait until it is over, and print a line for each person."""
    with trudy.TrudyClient() as client:
        batch = client.batch_calls.create(
            name=Path(path).stem,
            agent_id=agent_id,
            timezone="America/New_York",
            start_time=time(9, 0),
            end_time=time(17, 30),
            working_days=[1, 2, 3, 4, 5],
            max_concurrent_calls=5,
            retry_failed=True,
            max_retry_attempts=1,
        )
        try:
            added = client.batch_calls.add_contacts(batch.id, people(path))
        except trudy.TrudyError as error:
            done = error.partial.answered if isinstance(error.partial, AddedContacts) else 0
            print(f"{error}; nobody was called, the server has the first {done} people")
            return 1
        print(f"{added.added_count} people, {added.failed_count} not taken")

        client.batch_calls.schedule(batch.id)
        # A week, as a campaign that starts on Friday evening goes on until Monday.
        batch = client.batch_calls.wait(batch.id, max_wait=timedelta(weeks=1).total_seconds())
        print(f"campaign {batch.status}")
        results = csv.writer(sys.stdout)
        for person in client.batch_calls.list_contacts(batch.id):
            talked = 0.0
            if person.call_id is not None:
                talked = client.calls.get(person.call_id).duration_seconds or 0.0
            results.writerow([person.first_name, person.call_status, f"{talked:.0f} s"])
    return 0


def people(path: str) -> Iterator[BatchContactInput]:
    """Read the rows of the list one by one, as there may be very many."""
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            yield BatchContactInput(
                phone_number=row.pop("phone_number"), first_name=row.pop("first_name"), custom_fields=row
            )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
