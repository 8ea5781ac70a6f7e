"""A document over the results: its picture, its whole text, why it was found, what stands beside it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import PurePath
from typing import TYPE_CHECKING

import streamlit as st

from app.web import figures, kind_words
from app.web.bar import picture
from app.web.document import words as document_words
from app.web.document.marking import marked_html
from app.web.document.why import why
from app.web.media import original, thumbnail
from app.web.query import asking
from app.web.query.finding import Found, remembered
from app.web.results import judging
from app.web.results import words as result_words
from app.web.safe_text import sentence_as_markdown
from app.web.search.first_visit import cards
from app.web.titles import alternative_text, flat, in_words, place_below, plain, title_of
from uniir.errors import UniirError, UsageError
from uniir.wire import ComplementAnswer, DocumentAnswer, ExplainRequest, Explanation, HitAnswer, Neighbour

if TYPE_CHECKING:
    from uniir.client import Client

_NEIGHBOURS = 5


def show(client: Client, found: Found | None) -> None:
    """Opens the document of the address. Arrow keys and the buttons go through the hits, where it is one of `found`; closing it takes the
    document out of the address."""

    @st.dialog(document_words.RESULT, width="large", on_dismiss=_close)
    def dialog() -> None:
        _body(client, found)

    dialog()


def _body(client: Client, found: Found | None) -> None:
    document = asking.open_document()
    if document is None:
        st.rerun()
    hits = _hits(found)
    place = next((at for at, hit in enumerate(hits) if hit.id == document), None)
    hit = hits[place] if place is not None else None
    try:
        known = client.document(document)
    except UsageError:  # gone, or never an id
        st.html(f'<h2 class="u-state">{document_words.GONE_DOCUMENT}</h2>')
        _steps(hits, place)
        return
    except UniirError as error:
        st.error(sentence_as_markdown(str(error)), icon=":material/error:")
        return
    title = title_of(known)
    st.html(f'<h2 class="u-document" dir="auto">{escape(title)}</h2>')
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="document_badges"):
        _badges(known, hit)
        st.space("stretch")
        if hit is not None:
            _thumbs(client, hit)
        _steps(hits, place)
    with st.container(key="document_columns"):
        left, right = st.columns(2, gap="medium")
        with left:
            own = st.container(key="document_own")
            if known.modality.has_image:
                with own:
                    _picture(known)
            _neighbours(known)
            _actions(client, known, title)
        explanation = _explained(client, found, hit)  # takes longest, so what needs it is drawn last
        with right if known.modality.has_image else own:
            _text(known, explanation)
        with right:
            if explanation is not None and hit is not None:
                with st.container(key="document_why"):
                    why(explanation, hit)
            if hit is not None and hit.complement is not None:
                _half(hit.complement)
            _details(known)
    judging.tell()


def _hits(found: Found | None) -> list[HitAnswer]:
    if found is None:
        return []
    now = remembered()  # its hits have the thumbs of a moment ago
    return now.answer.hits if now is not None and now.ask == found.ask else found.answer.hits


def _thumbs(client: Client, hit: HitAnswer) -> None:
    """What somebody says of it; the one that stands is filled, and takes it back."""
    standing = judging.thumb(hit.judgment)
    for kind, icon, label in ((judging.FITS, "thumb_up", result_words.FITS), (judging.FAILS, "thumb_down", result_words.FAILS)):
        pressed = kind == standing
        st.button(
            label,
            icon=f":material/{icon}:",
            key=kind,
            type="secondary" if pressed else "tertiary",
            help=result_words.TAKE_BACK.capitalize() if pressed else None,
            on_click=judging.judge,
            args=(client, hit.id, judging.FORGET if pressed else kind),
        )


def _half(half: ComplementAnswer) -> None:
    """What the collection has nearest to it of the other kind; a click opens it."""
    other = half.document

    def on_chosen() -> None:
        value = st.session_state["half"].get("chosen")
        if isinstance(value, Mapping):
            asking.show_document(str(value["id"]))

    label = kind_words.NEAREST.get(other.modality, kind_words.ONE[other.modality])
    with st.container(key="document_half"):
        st.html(f'<h3 class="u-section">{label}</h3>')
        cards("half", {"kind": "neighbours", "label": label, "cards": [_card(other)]}, on_chosen)


def _card(one: Neighbour) -> dict[str, object]:
    return {
        "id": one.id,
        "title": title_of(one),
        "icon": kind_words.ICONS[one.modality],
        "label": f"{kind_words.ONE[one.modality]}, {title_of(one)}",
        "src": thumbnail(one.id) if one.modality.has_image else None,
        "excerpt": plain(one.text or "")[:120],
        "alt": "",
    }


def _close() -> None:
    asking.show_document(None)


def _explained(client: Client, found: Found | None, hit: HitAnswer | None) -> Explanation | None:
    if found is None or hit is None:
        return None
    search = found.ask.as_request().model_copy(update={"collection": found.answer.collection})
    try:
        return client.explain(ExplainRequest(search=search, document=hit.id))
    except UniirError:
        return None


def _badges(known: DocumentAnswer, hit: HitAnswer | None) -> None:
    st.badge(kind_words.ONE[known.modality], icon=f":material/{kind_words.ICONS[known.modality]}:", color="gray")
    if hit is None:
        return
    if hit.band is not None:
        level = {"strong": 3, "good": 2, "weak": 1}[hit.band]
        bars = "".join(f'<i class="{"ug-on" if bar < level else ""}"></i>' for bar in range(3))
        st.html(
            f'<span class="ug-band u-band"><i class="ug-bars" aria-hidden="true">{bars}</i>{kind_words.BANDS[hit.band]}</span>',
            width="content",
        )
    st.html(f'<span class="u-count">{result_words.scored(hit.score)}</span>', width="content")
    if hit.retrieval_rank is not None and hit.retrieval_rank != hit.rank:
        up = hit.retrieval_rank - hit.rank
        arrow = "upward" if up > 0 else "downward"
        st.badge(document_words.moved(up), icon=f":material/arrow_{arrow}:", color="primary" if up > 0 else "gray")


def _steps(hits: list[HitAnswer], place: int | None) -> None:
    if place is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small", key="steps"):
        before = hits[place - 1].id if place > 0 else None
        after = hits[place + 1].id if place + 1 < len(hits) else None
        _step("previous", "chevron_left", "left", document_words.PREVIOUS, before)
        st.html(f'<span class="u-count">{document_words.step(place + 1, len(hits))}</span>', width="content")
        _step("next", "chevron_right", "right", document_words.NEXT, after)


def _step(key: str, icon: str, shortcut: str, label: str, document: str | None) -> None:
    st.button(
        "",
        icon=f":material/{icon}:",
        key=key,
        type="tertiary",
        shortcut=shortcut,
        help=label,
        disabled=document is None,
        on_click=asking.show_document,
        args=(document,),
    )


def _picture(known: DocumentAnswer) -> None:
    limit = ""
    if known.picture is not None:
        limit = f"max-width:min(100%, {2 * known.picture.width}px);max-height:min(100%, {2 * known.picture.height}px)"
    with st.container(key="document_picture"):
        st.html(
            f'<div class="u-stage"><img src="{thumbnail(known.id, 1024)}" alt="{escape(alternative_text(known))}" style="{limit}"></div>'
        )


def place_of_neighbours(known: DocumentAnswer) -> str:
    """The file that a document shares with those beside it, else their folder."""
    if all(one.path == known.path for one in known.neighbours):
        return PurePath(known.path).name
    return PurePath(known.path).parent.name or PurePath(known.root).name


def _neighbours(known: DocumentAnswer) -> None:
    if not known.neighbours:
        return

    def on_chosen() -> None:
        value = st.session_state["neighbours"].get("chosen")
        if isinstance(value, Mapping):
            asking.show_document(str(value["id"]))

    with st.container(key="document_neighbours"):
        label = document_words.next_to_it(place_of_neighbours(known))
        st.html(f'<h3 class="u-section">{escape(label)}</h3>')
        shown = [_card(one) for one in known.neighbours[:_NEIGHBOURS]]
        cards("neighbours", {"kind": "neighbours", "label": label, "cards": shown}, on_chosen)


def _actions(client: Client, known: DocumentAnswer, title: str) -> None:
    with st.container(horizontal=True, gap="small", key="document_actions"):
        more = result_words.MORE_LIKE_THIS
        st.button(more, type="primary", icon=":material/image_search:", key="more_like", on_click=_more, args=(known.id,))
        if known.modality.has_image:
            st.button(
                result_words.SEARCH_WITH_PICTURE,
                icon=":material/add_photo_alternate:",
                key="with_picture",
                on_click=_with_picture,
                args=(client, known.id, title),
            )
        st.link_button(result_words.ORIGINAL, original(known.id), icon=":material/open_in_new:")
        if st.button(result_words.COPY_LINK, icon=":material/link:", key="copydocument"):  # the page's script copies
            st.toast(result_words.LINK_COPIED, icon=":material/link:")


def _more(document: str) -> None:
    picture.forget_refusal()
    asking.show_document(None)
    asking.change(text="", picture=None, like=(document,), instruction=None)


def _with_picture(client: Client, document: str, title: str) -> None:
    asking.show_document(None)
    picture.take_document(client, document, title)


def _text(known: DocumentAnswer, explanation: Explanation | None) -> None:
    if not known.text and not known.whole_text:
        return
    marked = explanation.marked if explanation is not None else None
    with st.container(key="document_text"):
        body, sentence, passage = marked_html(known, marked)
        st.html(f'<h3 class="u-section">{document_words.TEXT_PART}</h3><div class="u-text" dir="auto" tabindex="0">{body}</div>')
        if sentence or passage:
            st.html(f'<p class="u-muted">{document_words.MARKED if sentence else document_words.PASSAGE}</p>')


def _details(known: DocumentAnswer) -> None:
    rows: list[tuple[str, str, bool]] = [("Source", place_below(known), True)]
    if known.image and known.image != known.path:
        rows.append(("Picture file", known.image.removeprefix(known.root).lstrip("/"), True))
    rows += [(name, in_words(value), False) for name, value in flat(known.metadata).items() if value not in (None, "")][:20]
    if known.picture is not None:
        rows.append(("Size", document_words.size(known.picture.width, known.picture.height, figures.size(known.picture.bytes)), False))
    if known.external_id:
        rows.append(("External id", known.external_id, True))
    rows.append(("Id", known.id, True))
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{f'<code>{escape(value)}</code>' if code else escape(value)}</dd>" for name, value, code in rows
    )
    with st.container(key="document_details"):
        st.html(f'<h3 class="u-section">{document_words.DETAILS}</h3><dl class="u-details">{lines}</dl>')
