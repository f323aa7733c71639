"""The entry script: which pages there are, what each can be filtered by, and what all have around them.

Run by `adhouse dashboard`, which gives it the path of the link to the published build.
"""

import logging
import sys
from pathlib import Path
from typing import Literal

import streamlit as st

from dashboard import charts, filters, login, pages, published, view
from dashboard.queries import Reader
from dashboard.text import plain

STYLE = """
<style>
div:has(> .st-key-asof) { position: sticky; top: 0; z-index: 10; }
.st-key-asof { background: %s; padding: 0.15rem 0; }
.st-key-asof p { font-size: 0.85rem; }
[data-testid=stSidebarNavLink]:focus-visible { outline: 2px solid currentColor; }
[data-testid=stButtonGroup] p { color: %s; }  /* the primary colour is readable behind white, so not on black too */
</style>
"""
ICON = Path(__file__).with_name("icon.png")  # a name of an icon would be fetched from another host
BACKGROUNDS = {"light": "#ffffff", "dark": "#11161d"}
NOTHING_PUBLISHED = "Nothing is published yet. Run `adhouse run` first; this page shows it at the next reload."
OLDER_BUILD = (
    "The published build is of an older adhouse. The next `adhouse run` publishes one that this page can show."
)
ABOUT_EVERYTHING = (
    "This page is about all brands together, so only people who may see every brand see it. "
    "The other pages show what is yours."
)
TOO_SLOW = "A query took too long and was stopped. Choose a shorter period or fewer values."
NO_ANSWER = "The warehouse could not be asked; the log of the dashboard says why. Reload the page to try again."

log = logging.getLogger(__name__)


def main() -> None:
    """Draws the page that the address names, or what to do before it can be."""
    st.set_page_config(page_title="adhouse", page_icon=str(ICON), layout="wide")
    if not login.is_set_up():
        _draw(Reader(), None)
    elif person := _person():
        _draw(person.reader, person)
    st.html('<span id="done"></span>')


def _person() -> login.Person | None:
    """Who is logged in; for nobody the address has to stay one of a page, or Streamlit would not find it."""
    person = login.person()
    if person is None:
        _navigation(Reader(()), position="hidden")
    return person


def _draw(reader: Reader, person: login.Person | None) -> None:
    chosen, page = _navigation(reader)
    if person:
        with st.sidebar:
            login.show_person(person)
    link = Path(sys.argv[1])
    published.begin_view()
    try:
        file = published.file_of(link)
        if file is None:
            st.info(NOTHING_PUBLISHED)
        elif page.is_about_everything and reader.brands is not None:
            st.title(page.title, anchor=False)
            st.info(ABOUT_EVERYTHING)
        else:
            _page_of(link, file, reader, chosen, page)
    except published.OlderBuildError:
        st.info(OLDER_BUILD)
    except published.TooSlowError:
        st.error(TOO_SLOW)
    except published.NoAnswerError as error:
        log.error("the warehouse could not be asked: %s", error)
        st.error(NO_ANSWER)


def _navigation(
    reader: Reader, position: Literal["sidebar", "hidden"] = "sidebar"
) -> tuple[st.Page, pages.PageOfDashboard]:
    """The page that the address names; those that a reader may not see have an address, and are not in the list."""
    registered = {
        st.Page(
            page.file,
            title=page.title,
            icon=page.icon,
            default=page.is_default,
            visibility="hidden" if page.is_about_everything and reader.brands is not None else "visible",
        ): page
        for page in pages.PAGES
    }
    chosen = st.navigation([*registered], position=position, expanded=True)
    return chosen, next(one for shown, one in registered.items() if shown.title == chosen.title)


def _page_of(link: Path, file: str, reader: Reader, chosen: st.Page, page: pages.PageOfDashboard) -> None:
    build = published.build_of(file)
    _note_problems(build, reader, page)
    with st.sidebar:
        selection = filters.sidebar(build, reader, page.offered)
    st.html(STYLE % (BACKGROUNDS.get(st.context.theme.type or "light", "#ffffff"), charts.text_colour()))
    with st.container(key="asof"):
        st.caption(
            f"Data as of {build.as_of:%Y-%m-%d %H:%M} UTC, build {plain(build.build_id)}; "
            f"report days in {plain(build.time_zone)}"
        )
    st.title(page.title, anchor=False)
    _say_problems()
    _offer_new_build(link, file)
    view.give(selection)
    chosen.run()
    _say_scanned()


def _say_scanned() -> None:
    if (scanned := published.scanned()) is not None:
        read = f"scanned {scanned / 1e6:,.1f} MB" if scanned else "scanned nothing: everything was asked before"
        st.caption(f"For this view Athena {read}.")


def _note_problems(build: published.Build, reader: Reader, page: pages.PageOfDashboard) -> None:
    """Keeps what is wrong with the link until it is read: Streamlit drops wrong values from it in the same run."""
    state = st.session_state
    last = state.get("_problems_of")
    if last is None or last[0] != page.title:
        state["_problems"] = []
    state["_problems_of"] = page.title, build.build_id
    if last and last[1] == build.build_id:  # since it was opened the link follows what the person chooses
        return
    link = {name: st.query_params.get_all(name) for name in st.query_params}
    for said in filters.problems(link, build, reader, page.offered, pages.PARAMETERS, is_opened=last is None):
        if said not in state["_problems"] and said not in state.get("_understood", ()):
            state["_problems"].append(said)


def _say_problems() -> None:
    said = st.session_state["_problems"]
    if said:
        with st.container(border=True):
            st.warning("This link asks for what is not shown:\n\n" + "\n".join(f"- {plain(one)}" for one in said))
            st.button("Understood", on_click=_forget_problems)


def _forget_problems() -> None:
    state = st.session_state
    state["_understood"] = {*state.get("_understood", ()), *state["_problems"]}
    state["_problems"] = []


@st.fragment(run_every="60s")
def _offer_new_build(link: Path, shown: str) -> None:
    try:
        newest = published.file_of(link)
    except published.NoAnswerError as error:
        log.error("the warehouse could not be asked: %s", error)
        return
    if newest and newest != shown and st.button("A newer build is published: show it", icon=":material/refresh:"):
        st.rerun()


main()
