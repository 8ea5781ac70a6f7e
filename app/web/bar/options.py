"""What can be set beside words and picture: weights, what not, where, how many."""

from __future__ import annotations

import streamlit as st

from app.web import session
from app.web.bar import words as bar_words
from app.web.query import asking
from app.web.query.address import MAX_NEGATIVES, MAX_SLIDER, NORMAL
from uniir.errors import UniirError
from uniir.filter_language import MAX_LENGTH
from uniir.queries import MAX_RESULTS, WordSearch


def options() -> None:
    """The popover; its label counts what is not as it normally is. Guesses can be had where the service has a model for them."""
    guesser = _guesser()
    with st.popover(bar_words.options(asking.ask().unusual), icon=":material/tune:", key="options_popover"), st.container(key="options"):
        left, right = st.columns(2)
        left.slider(bar_words.TEXT_WEIGHT, 0.0, MAX_SLIDER, step=0.1, format="%.1f", key=asking.TEXT_WEIGHT, on_change=_apply)
        right.slider(bar_words.PICTURE_WEIGHT, 0.0, MAX_SLIDER, step=0.1, format="%.1f", key=asking.PICTURE_WEIGHT, on_change=_apply)
        left, right = st.columns(2)
        left.text_input(bar_words.NOT_LIKE, placeholder=bar_words.NOT_LIKE_HINT, key=asking.NEGATIVES, on_change=_apply)
        right.text_input(bar_words.PATH, placeholder=bar_words.PATH_HINT, key=asking.PATH, on_change=_apply, max_chars=4096)
        st.text_input(
            bar_words.WHERE,
            placeholder=bar_words.WHERE_HINT,
            help=bar_words.WHERE_HELP,
            key=asking.WHERE,
            on_change=_apply,
            max_chars=MAX_LENGTH,
        )
        st.segmented_control(
            bar_words.WORDS,
            list(WordSearch),
            format_func=bar_words.WORD_SEARCHES.__getitem__,
            required=True,
            help=bar_words.WORDS_HELP,
            key=asking.WORDS,
            on_change=_apply,
        )
        left, right = st.columns(2)
        left.toggle(bar_words.HALVES, key=asking.HALVES, help=bar_words.HALVES_HELP, on_change=_apply)
        if guesser is not None:
            right.toggle(bar_words.GUESS, key=asking.GUESS, help=bar_words.guess_help(guesser), on_change=_apply)
        left, right = st.columns(2, vertical_alignment="bottom")
        left.number_input(bar_words.RESULTS, 1, MAX_RESULTS, step=12, key=asking.RESULTS, on_change=_apply)
        right.button(bar_words.NORMAL, type="tertiary", key="normal", on_click=_normal, disabled=not asking.ask().unusual)


def _guesser() -> str | None:
    try:
        return session.collections().guess_model
    except UniirError:  # the page says it elsewhere
        return None


def parted(typed: str) -> tuple[str, ...]:
    """The things between commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in typed.split(",") if part.strip()))[:MAX_NEGATIVES]


def _apply() -> None:
    state = st.session_state
    asking.change(
        text_weight=round(float(state[asking.TEXT_WEIGHT]), 1),
        picture_weight=round(float(state[asking.PICTURE_WEIGHT]), 1),
        negatives=parted(state[asking.NEGATIVES] or ""),
        path=(state[asking.PATH] or "").strip(),
        where=(state[asking.WHERE] or "").strip(),
        results=int(state[asking.RESULTS] or asking.ask().results),
        words=WordSearch(state[asking.WORDS]),
        guess=bool(state.get(asking.GUESS)),
        halves=bool(state.get(asking.HALVES)),
    )


def _normal() -> None:
    asking.change(**NORMAL)
