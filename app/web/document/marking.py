"""A document's text with the passage that was found and the sentence that fits best marked. Everything is escaped."""

from __future__ import annotations

from html import escape

from uniir.wire import DocumentAnswer

_LONGEST = 20_000  # characters that are shown of a long text, around the passage


def marked_html(known: DocumentAnswer, sentence: tuple[int, int] | None) -> tuple[str, bool, bool]:
    """The text as HTML; whether a sentence is marked in it, and whether the passage is.

    `sentence` is a place in the document's own text, which is a passage of the whole text where there is one.
    """
    own = known.text or ""
    whole, start = own, 0
    passage: tuple[int, int] | None = None
    if known.whole_text and known.passage is not None:
        whole, passage = known.whole_text, known.passage
        start = passage[0]
    if sentence is not None and not 0 <= sentence[0] < sentence[1] <= len(own):
        sentence = None
    place = (start + sentence[0], start + sentence[1]) if sentence is not None else passage
    if place is not None and (place == (0, len(whole)) or place[1] > len(whole)):
        place, sentence = None, None
    first, last = _window(len(whole), place)
    before, after = ("…" if first else ""), ("…" if last < len(whole) else "")
    if place is None:
        return f"{before}{escape(whole[first:last])}{after}", False, False
    begin, end = place
    text = f"{escape(whole[first:begin])}<mark>{escape(whole[begin:end])}</mark>{escape(whole[end:last])}"
    return f"{before}{text}{after}", sentence is not None, sentence is None


def _window(length: int, place: tuple[int, int] | None) -> tuple[int, int]:
    if length <= _LONGEST:
        return 0, length
    begin, end = place or (0, 0)
    first = max(0, min(begin - _LONGEST // 4, length - _LONGEST))
    return first, max(min(length, first + _LONGEST), end)
