"""A mock platform with its pages ready: `python -m bench.http_server RECORDS`.

Prints its address, the first and the last report day and the number of records on one line, and serves until it is
stopped.
"""

import signal
import sys
from datetime import date, timedelta

import httpx

from simulate.mock_api import DEMO_TOKEN, create_app
from simulate.serve import serving
from simulate.world import make_world

SINCE = date(2025, 1, 1)


def main(records: int) -> None:
    """Renders days of about 50,000 records until there are so many, and then serves them from memory."""
    world = make_world(impressions_per_day=100_000, campaigns=100, ads_per_campaign=6, brands=20, users=20_000)
    app = create_app(world, today=lambda: date(2026, 1, 1), cache_bytes=4 << 30)
    with (
        serving(app) as url,
        httpx.Client(headers={"Authorization": f"Bearer {DEMO_TOKEN}"}, trust_env=False) as client,
    ):
        ready, until = 0, SINCE
        while True:
            address = f"{url}/campaign-data"
            ready += client.get(address, params={"date": until.isoformat(), "page": "1"}, timeout=60).json()["total"]
            if ready >= records:
                break
            until += timedelta(days=1)
        print(url, SINCE, until, ready, flush=True)
        signal.pause()


if __name__ == "__main__":
    main(int(sys.argv[1]))
