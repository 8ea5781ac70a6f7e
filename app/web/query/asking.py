"""The search at hand: one value, kept in the session and in the page's address, which is what a link and "back" bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from app.web.query.address import Address, Ask, read
from uniir.wire import MAX_TEXT

TEXT, KIND, COLLECTION, INSTRUCTION_SEARCH = "ask_text", "ask_kind", "ask_collection", "pick_words"
TEXT_WEIGHT, PICTURE_WEIGHT, NEGATIVES, PATH, RESULTS = "ask_text_weight", "ask_picture_weight", "ask_not", "ask_path", "ask_results"
GUESS, HALVES, WHERE, WORDS = "ask_guess", "ask_halves", "ask_where", "ask_words"
ASKED = "asked"  # somebody wants an answer, whether or not anything is another than before
ANYTHING = "any"  # a choice, since None is none to Streamlit
_ADDRESS, _WRITTEN, _SEED = "address", "address_written", "ask_seed"


def adopt_address() -> None:
    """Takes over the page's address where it is not the one written last: a link, "back", or another page sent the person here."""
    here = _parameters()
    if here != st.session_state.get(_WRITTEN):
        st.session_state[_ADDRESS] = read(here)
        st.session_state[_WRITTEN] = here
        st.session_state[_SEED] = True


def ask() -> Ask:
    return _address().ask


def open_document() -> str | None:
    return _address().document


def change(**parts: Any) -> None:
    """Another search: the fields of `Ask` that are given. Words typed but not yet searched for come along."""
    typed: dict[str, Any] = {} if "text" in parts else {"text": str(st.session_state.get(TEXT, ask().text) or "")[:MAX_TEXT]}
    _keep(Address(replace(ask(), **typed, **parts)))
    st.session_state[_SEED] = True


def start(search: Ask) -> None:
    """A search from scratch."""
    _keep(Address(search))
    st.session_state[_SEED] = True


def show_document(document: str | None) -> None:
    """Opens a document over the results, or closes it."""
    _keep(replace(_address(), document=document))


def seed_widgets() -> None:
    """Gives the bar's widgets their values after the search was changed elsewhere; before they are drawn."""
    if st.session_state.pop(_SEED, False) or TEXT not in st.session_state:
        now = ask()
        values: Mapping[str, object] = {
            TEXT: now.text,
            KIND: now.kind or ANYTHING,
            TEXT_WEIGHT: now.text_weight,
            PICTURE_WEIGHT: now.picture_weight,
            NEGATIVES: ", ".join(now.negatives),
            PATH: now.path,
            WHERE: now.where,
            RESULTS: now.results,
            WORDS: now.words,
            GUESS: now.guess,
            HALVES: now.halves,
        }
        for name, value in values.items():
            st.session_state[name] = value


def _address() -> Address:
    found: Address = st.session_state.setdefault(_ADDRESS, Address())
    return found


def _keep(address: Address) -> None:
    st.session_state[_ADDRESS] = address
    parameters = address.as_parameters()
    if parameters != _parameters():
        st.query_params.from_dict(parameters)
    st.session_state[_WRITTEN] = parameters


def _parameters() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}
