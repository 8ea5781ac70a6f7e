"""The picture of a query: uploaded, pasted, dropped, or taken from a result; kept by the service under its hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from app.web import session
from app.web.bar import words as bar_words
from app.web.media import kept_picture, thumbnail
from app.web.query import asking
from uniir.errors import UniirError
from uniir.problems import problem_of
from uniir.wire import Problem

if TYPE_CHECKING:
    from uniir.client import Client

_NAMES, _REFUSED, _UPLOADS, _POPOVER = "picture_names", "picture_refused", "picture_uploads", "picture_popover"
_MEGABYTES = 64  # what paste and drop take as well
_TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a picture could not be used, and when."""

    problem: Problem
    at: datetime

    @property
    def details(self) -> str:
        """For a report: the problem's code, the time, the request."""
        request = f"\nrequest {self.problem.request_id}" if self.problem.request_id else ""
        return f"{self.problem.status} {self.problem.code} · {self.at:%Y-%m-%d %H:%M:%S} UTC{request}"


def refused() -> Refused | None:
    found: Refused | None = st.session_state.get(_REFUSED)
    return found


def refuse(problem: Problem) -> None:
    st.session_state[_REFUSED] = Refused(problem, datetime.now(UTC))


def forget_refusal() -> None:
    st.session_state.pop(_REFUSED, None)


def use(sha256: str, name: str = "", **parts: object) -> None:
    """Searches with a picture that the service keeps."""
    forget_refusal()
    if name:
        st.session_state.setdefault(_NAMES, {})[sha256] = name
    asking.change(picture=sha256, **parts)


def take_document(client: Client, document: str, name: str) -> None:
    """Searches with the picture of a document alone. A picture that is gone or refused is told below the bar."""
    try:
        kept = client.keep_picture(client.original(document))
    except UniirError as error:
        refuse(problem_of(error))
        return
    use(kept.id, name, text="", like=(), instruction=None)


def has_chips() -> bool:
    """Whether `chip` draws anything."""
    return bool(asking.ask().picture or asking.ask().like)


def chip() -> None:
    """The query's picture with a way to remove it, and what the results should resemble."""
    ask = asking.ask()
    if ask.picture:
        name = st.session_state.get(_NAMES, {}).get(ask.picture, bar_words.YOUR_PICTURE)
        _chip("chip", kept_picture(ask.picture), bar_words.QUERY_PICTURE, name, bar_words.REMOVE_PICTURE, _remove_picture)
    for position, document in enumerate(ask.like):
        title, kind = session.named(document) or (bar_words.THIS_ONE, None)
        source = thumbnail(document) if kind is not None and kind.has_image else None
        _chip(f"likechip_{position}", source, "", bar_words.resembling(title), bar_words.REMOVE_LIKE, _remove_like, document)


def adder(client: Client) -> None:
    """The popover with the uploader."""
    with st.popover(bar_words.PICTURE, icon=":material/add_photo_alternate:", key=_POPOVER, on_change="rerun"), st.container(key="adding"):
        number = st.session_state.setdefault(_UPLOADS, 0)
        st.file_uploader(
            bar_words.ADD_PICTURE,
            type=_TYPES,
            max_upload_size=_MEGABYTES,
            key=f"upload_{number}",
            on_change=_uploaded,
            args=(client, f"upload_{number}"),
        )
        st.html(f'<p class="u-muted">{bar_words.PICTURE_HINT}</p>')


def _uploaded(client: Client, key: str) -> None:
    file = st.session_state.get(key)
    if file is None:
        return
    st.session_state[_POPOVER] = False
    st.session_state[_UPLOADS] += 1  # an empty uploader next time: the picture is the service's now
    try:
        kept = client.keep_picture(file.getvalue())
    except UniirError as error:
        refuse(problem_of(error))
        asking.change()
        return
    use(kept.id)


def _chip(key: str, source: str | None, alternative: str, name: str, remove: str, act: object, *args: str) -> None:
    sign = '<span class="u-thumb material" aria-hidden="true" translate="no">notes</span>'
    if source is not None:
        sign = f'<img class="u-thumb" src="{escape(source)}" alt="{escape(alternative)}" width="32" height="32">'
    with st.container(border=True, horizontal=True, vertical_alignment="center", width="content", key=key):
        st.html(f'<p class="u-chip">{sign}<span>{escape(name)}</span></p>', width="content")
        st.button(remove, icon=":material/close:", type="tertiary", key=f"remove_{key}", on_click=act, args=args)  # type: ignore[arg-type]


def _remove_picture() -> None:
    forget_refusal()
    asking.change(picture=None)


def _remove_like(document: str) -> None:
    asking.change(like=tuple(one for one in asking.ask().like if one != document))
