"""What the warehouse must say of events, computed the slow and plain way, straight from the rules, without SQL.

Each module is one part of RULES.md, in this order: `records` (what is written), `values` (what it means), `accepted`
(which records are events), `standing` and `bids` (which rows are one event), `clicks`, `invalid`, `touches`, `credit`,
`ad_events`, `marts`, `auctions`. Times are whole microseconds since 1970, amounts are Decimals or whole units of a
power of ten; no float decides anything.

Where the rules leave a choice, it is made like this:

- Row rules are asked in the order of `accepted.broken_rule`. Only a row with a price or a value needs an exchange rate.
- In the canonical payload a boolean is `true` or `false`, and an amount has its six decimals.
- With `identical_rows: count` the payload of the second equal row of a file has U+001F and 2 at its end, and so on.
- The time of a bid without a price is that of its earliest row; its campaign and ad are the first that a row names. A
  clearing price without a currency of its own is in that of the offer. A clearing price alone is no outcome.
- A won bid without a clearing price does not decide the cost: the bid price does.
- `clicked_at` is the time of the click that engagement and revenue are of. A missing bid price is not premium.
- Conversions without a value count with the value 0. Credit of clicks, of views and of nobody are sums of their own.
- Two exchanges that have a name are two, whatever the ids of their auctions and imps. A bid in a test is no bid. An
  opportunity that only bids are known of has no floor, publisher, device or place.
- A platform has its category in any case. Only sums by place have it in upper case and without aliases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulate.event_truth.accepted import Row, broken_rule, cast
from simulate.event_truth.ad_events import ad_events
from simulate.event_truth.auctions import (
    auction_losses,
    auction_performance,
    auctions,
    broken_rule_of_request,
    cast_request,
    standing_requests,
)
from simulate.event_truth.bids import folded
from simulate.event_truth.clicks import join, orphan_clicks
from simulate.event_truth.invalid import flag_clicks, flag_impressions
from simulate.event_truth.marts import campaign_attribution, hourly_performance, reach_frequency
from simulate.event_truth.records import FIELDS, Record, Rejected
from simulate.event_truth.rules import EventRules
from simulate.event_truth.standing import standing
from simulate.event_truth.touches import Traffic, attributed


@dataclass
class Balance:
    """Where a kind's records went: `read = rejected + loaded`, `loaded = quarantined + duplicates + kept`.

    Attributes:
        rejected: By reason: they cannot be read.
        quarantined: By reason: they break a rule.
        duplicates: Rows beside the one that stands; of bids, rows folded into another one.
        conflicts: Duplicates that differ from the row that stands.
    """

    read: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    conflicts: int = 0
    kept: int = 0

    @property
    def loaded(self) -> int:
        """Records that could be read."""
        return self.read - self.rejected.total()


@dataclass
class EventTruth:
    """What must come out.

    Attributes:
        balances: By kind.
        impressions: One row per event that stands, as the others; clicks with `impression`, `joined_by`,
            `orphan_reason` and `invalid_reason`.
        returning_ids: Ids of impressions that come back on another day.
        attributed_conversions: One row per conversion and touch, a column a model, in whole units of 10^-12.
        campaign_attribution: Conversions and value in whole units of 10^-18.
    """

    balances: dict[str, Balance]
    impressions: list[Row]
    clicks: list[Row]
    conversions: list[Row]
    bid_requests: list[Row]
    bids: list[Row]
    returning_ids: int
    orphan_clicks: list[Row]
    attributed_conversions: list[Row]
    ad_events: list[Row]
    campaign_attribution: list[Row]
    hourly_performance: list[Row]
    reach_frequency: list[Row]
    auction_performance: list[Row]
    auction_losses: list[Row]


def truth_of_events(records: Iterable[Record], rules: EventRules | None = None) -> EventTruth:
    """What the warehouse must say of records of all kinds, given in any order; every file among them counts."""
    rules = EventRules() if rules is None else rules
    balances = {kind: Balance() for kind in FIELDS}
    accepted: dict[str, list[Row]] = {kind: [] for kind in FIELDS}
    tests: list[Row] = []
    for record in records:
        balance = balances[record.kind]
        balance.read += 1
        try:
            row = cast_request(record, rules) if record.kind == "bid_requests" else cast(record, rules)
        except Rejected as rejected:
            balance.rejected[str(rejected)] += 1
            continue
        is_request = record.kind == "bid_requests"
        reason = broken_rule_of_request(row, rules) if is_request else broken_rule(record.kind, row, rules)
        if reason == "test_request":
            tests.append(row)
        if reason is None:
            accepted[record.kind].append(row)
        else:
            balance.quarantined[reason] += 1
    events = {kind: standing(kind, accepted[kind]) for kind in ("impressions", "clicks", "conversions")}
    events["bid_requests"] = standing_requests(accepted["bid_requests"])
    for kind, found in events.items():
        balances[kind].kept = len(found.rows)
        balances[kind].duplicates = found.duplicates
        balances[kind].conflicts = len(found.conflicts)
    bids = folded(accepted["bids"], rules)
    balances["bids"].kept = len(bids)
    balances["bids"].duplicates = len(accepted["bids"]) - len(bids)

    impressions, clicks, conversions = (events[kind].rows for kind in ("impressions", "clicks", "conversions"))
    join(clicks, impressions, rules)
    flag_clicks(clicks, rules)
    flag_impressions(impressions, rules)
    credited = attributed(conversions, Traffic(clicks, impressions, rules), rules)
    decided = auctions(events["bid_requests"].rows, tests, bids, rules)
    rows_of_impressions = ad_events(impressions, clicks, bids, credited, rules)
    return EventTruth(
        balances=balances,
        impressions=impressions,
        clicks=clicks,
        conversions=conversions,
        bid_requests=events["bid_requests"].rows,
        bids=bids,
        returning_ids=events["impressions"].returning_ids,
        orphan_clicks=orphan_clicks(clicks),
        attributed_conversions=credited,
        ad_events=rows_of_impressions,
        campaign_attribution=campaign_attribution(credited, rules),
        hourly_performance=hourly_performance(rows_of_impressions, rules),
        reach_frequency=reach_frequency(impressions, rules),
        auction_performance=auction_performance(decided, rules),
        auction_losses=auction_losses(decided),
    )
