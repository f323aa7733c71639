"""Logging in: where it is set up, nothing is drawn before somebody is known, and what they may see comes from the list.

`adhouse dashboard` sets it up by Streamlit's secrets, which it hands over in memory: `auth` as Streamlit wants it, and
`dashboard` with the file of the list and whom to ask.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.people import PeopleError, read_people, verified_email
from dashboard.queries import Reader
from dashboard.text import plain

MOST_SECONDS = 30 * 24 * 60 * 60  # as long as Streamlit's cookie lives; a page that stays open must not outlive it
MOST_NAMED = 5

# The trip to the provider ends at the bare address, so the tab keeps where it was. What it kept is used once, and only
# there: a link that somebody opened meanwhile is the newer wish.
KEEP_LINK = "<script>sessionStorage.setItem('adhouse-link', location.pathname + location.search)</script>"
RETURN_TO_LINK = """
<script>
const kept = sessionStorage.getItem('adhouse-link');
sessionStorage.removeItem('adhouse-link');
const isBare = location.pathname === '/' && !location.search;
if (kept && kept !== '/' && isBare && new URL(kept, location).origin === location.origin) location.replace(kept);
</script>
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Person:
    """Who is logged in.

    Attributes:
        email: Their address.
        reader: What they may see.
    """

    email: str
    reader: Reader


def is_set_up() -> bool:
    """Whether people have to log in."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def person() -> Person | None:
    """Who is logged in and may see something; None: nobody, and the page says what to do."""
    claims = st.user.to_dict()
    if not _is_logged_in(claims):
        _offer_login()
        return None
    st.html(RETURN_TO_LINK, unsafe_allow_javascript=True)
    email, contact = verified_email(claims), st.secrets["dashboard"]["contact"]
    if email is None:
        _refuse("The login names no verified e-mail address, so it is not known who you are.", contact)
        return None
    try:
        reader = read_people(Path(st.secrets["dashboard"]["people"])).get(email)
    except PeopleError as error:
        log.error("nobody sees anything: %s", error)
        _refuse("Who may see what cannot be read at the moment, so nothing is shown.", contact)
        return None
    if reader is None:
        _refuse(f"You are logged in as {plain(email)}, and nothing has been shared with you yet.", contact)
        return None
    return Person(email, reader)


def show_person(one: Person) -> None:
    """Shows who is logged in and what they see, and lets them log out."""
    brands = one.reader.brands
    if brands is None:
        sees = "all brands"
    else:
        sees = ", ".join(brands[:MOST_NAMED]) + (f" and {len(brands) - MOST_NAMED} more" if brands[MOST_NAMED:] else "")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{one.email}\nsees {sees}")
        if st.button("Log out", type="tertiary", icon=":material/logout:"):
            st.logout()


def _is_logged_in(claims: Mapping[str, Any]) -> bool:
    since = claims.get("iat")
    is_too_long_ago = isinstance(since, int | float) and time.time() - since > MOST_SECONDS
    return claims.get("is_logged_in") is True and not is_too_long_ago


def _offer_login() -> None:
    st.title("adhouse", anchor=False)
    st.write("Log in to see the dashboard.")
    st.html(KEEP_LINK, unsafe_allow_javascript=True)
    if st.button("Log in", type="primary", icon=":material/login:"):
        st.login()


def _refuse(why: str, contact: str) -> None:
    st.title("adhouse", anchor=False)
    st.info(f"{why} Please ask {plain(contact)}.")
    if st.button("Log out", icon=":material/logout:"):
        st.logout()
