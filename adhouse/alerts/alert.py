"""What an alert is: one thing that is wrong for a while, however many builds find it."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date

# The most urgent first: what hides all numbers, what makes them wrong, what money is planned and what is expected, and
# what single metrics do, of which there are most.
KINDS = ("audit", "late", "overlap", "quarantine", "pacing", "test", "metric")
LONGEST_NAME = 60  # characters of a name from the data in a message
ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Alert:
    """What a build says of something that is wrong.

    Attributes:
        subject: What it is about, without how bad it is: its kind, and what tells it from others of the kind.
        title: What is wrong and by how much, in one line.
        why: What explains it, in a few words; may be empty.
        severity: How bad it is, above 0; it worsens when this has grown by half.
        last_day: The newest day on which it is so.
        first_day: Since when it has been so without a break; None: the build cannot say, so since it was first seen.
        campaign_id: The campaign, if it is about a single one.
        link: The view of the dashboard that shows it, without the dashboard's address.
    """

    subject: tuple[str, ...]
    title: str
    why: str
    severity: float
    last_day: date
    first_day: date | None = None
    campaign_id: str | None = None
    link: str = ""

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return self.subject[0]

    @property
    def alert_id(self) -> str:
        """Its name for people and commands; the same in every build."""
        return hashlib.sha256(json.dumps(self.subject).encode()).hexdigest()[:12]


def harmless(name: str, longest: int = LONGEST_NAME) -> str:
    """A name from the data as a message may have it: one line, at most so long, and nothing in it acts.

    What cannot be printed (line ends, controls, marks that turn a text around) becomes a replacement character. An
    address, a domain or a mention gets an invisible character, because some services make links and calls of plain text
    too.
    Apprise escapes the markup, as each service needs it.
    """
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
    shown = shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
    return re.sub(r"(://|@|(?<=\w)\.(?=\w*[^\W\d_]))", "\\1\N{ZERO WIDTH SPACE}", shown)


def is_id(text: str) -> bool:
    """Whether a text may be the id of an alert."""
    return ID.fullmatch(text) is not None
