"""How six models share a conversion among its touches, in whole units of 10^-12 (RULES.md, "Credit")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulate.event_truth.rules import DAY

WHOLE = 10**12
MODELS = ("last_click_else_view", "first_touch", "last_touch", "linear", "time_decay", "position")


@dataclass(frozen=True)
class Touch:
    """What the models look at; touches are in order: by time, an impression before a click, then by id."""

    is_click: bool
    age: int
    """Microseconds until the conversion, at least 0."""


def credits_of(touches: Sequence[Touch]) -> dict[str, list[int]]:
    """By model, the credit of each touch; each model's credits add up to one."""
    number = len(touches)
    clicks = [place for place, touch in enumerate(touches) if touch.is_click]
    weights = [decay_weight(touch.age // DAY) for touch in touches]
    if number > 2:
        position = [4 * WHOLE // 10, *[2 * WHOLE // 10 // (number - 2)] * (number - 2), 0]
    else:
        position = [WHOLE // number] * number
    return {
        "last_click_else_view": _all_to(clicks[-1] if clicks else number - 1, number),
        "first_touch": _all_to(0, number),
        "last_touch": _all_to(number - 1, number),
        "linear": _rest_to_last([WHOLE // number] * number),
        "time_decay": _rest_to_last([weight * WHOLE // sum(weights) for weight in weights]),
        "position": _rest_to_last(position),
    }


def decay_weight(days: int) -> int:
    """10^6 · 2^(-days / 7), half up: the greatest w with w - 1/2 <= 10^6 · 2^(-days / 7), found in whole numbers.

    Both sides doubled and to the 7th power: (2 w - 1)^7 · 2^days <= (2 · 10^6)^7.
    """
    low, high = 0, 10**6
    while low < high:
        weight = (low + high + 1) // 2
        if (2 * weight - 1) ** 7 * 2**days <= (2 * 10**6) ** 7:
            low = weight
        else:
            high = weight - 1
    return low


def _all_to(place: int, number: int) -> list[int]:
    return [WHOLE if one == place else 0 for one in range(number)]


def _rest_to_last(shares: list[int]) -> list[int]:
    return [*shares[:-1], WHOLE - sum(shares[:-1])]
