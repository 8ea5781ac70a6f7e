"""What the doctor found in a collection, for a person: how it is, and the one thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from uniir.counting import counted
from uniir.wire import FindingAnswer


class Remedy(StrEnum):
    NOTHING = "nothing"
    REPAIR = "repair"
    INGEST = "ingest"
    REBUILD = "rebuild"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word for the badge and a sentence for the card."""

    word: str
    sentence: str
    remedy: Remedy


_REPAIR, _INGEST = "“Repair” adds them again; nothing is lost.", "Ingest the folder again."
_KNOWN: dict[str, tuple[Remedy, str, str]] = {
    "vectors-missing": (Remedy.REPAIR, "{documents} in the catalog but not in the index, so they are not found.", _REPAIR),
    "vectors-stray": (Remedy.REPAIR, "{entries} in the index but not in the catalog.", "“Repair” takes them out; nothing is lost."),
    "words-missing": (Remedy.REPAIR, "{documents} not found by their words.", _REPAIR),
    "thumbnails-missing": (Remedy.REPAIR, "{pictures} without a preview.", "“Repair” makes it from the file."),
    "thumbnails-stray": (Remedy.REPAIR, "{previews} of pictures that no document shows.", "“Repair” removes them."),
    "collections-stray": (Remedy.REPAIR, "{indexes} without a collection.", "“Repair” removes them."),
    "vectors-wrong": (Remedy.REBUILD, "{entries} wrong in the index.", "Fill the index anew: `uniir rebuild`."),
    "metadata-stale": (Remedy.REPAIR, "{documents} in the index with other metadata.", "“Repair” writes it again; nothing is lost."),
    "fields-lacking": (
        Remedy.REBUILD,
        "{keys} declared and not in the index, which filters slower.",
        "Fill the index anew: `uniir rebuild`.",
    ),
    "unfinished": (Remedy.INGEST, "{documents} left half done by an ingest that did not end.", _INGEST),
    "files-gone": (
        Remedy.INGEST,
        "{files} gone, and what they held is still found.",
        "Ingest with “Remove what is gone”, or put them back.",
    ),
    "files-changed": (Remedy.INGEST, "{files} not as they were when they were ingested.", _INGEST),
    "files-new": (Remedy.INGEST, "{files} not ingested yet.", _INGEST),
    "files-unreadable": (Remedy.LOOK, "{places} not readable.", "Mount or mend them, then ingest again."),
}
_ORDER = (Remedy.REPAIR, Remedy.REBUILD, Remedy.INGEST, Remedy.LOOK)
_WORDS = {
    Remedy.NOTHING: "Healthy",
    Remedy.REPAIR: "Needs a repair",
    Remedy.REBUILD: "Needs a rebuild",
    Remedy.INGEST: "Needs an ingest",
    Remedy.LOOK: "Needs a look",
}


def verdict_of(findings: Sequence[FindingAnswer], documents: int) -> Verdict:
    """The verdict on a collection with so many searchable documents."""
    left = [finding for finding in findings if not finding.mended]
    if not left:
        agree = f"Catalog and index agree on all {counted(documents, 'document')}." if documents else "There is nothing in it yet."
        return Verdict(_WORDS[Remedy.NOTHING], agree, Remedy.NOTHING)
    described = sorted((_described(finding) for finding in left), key=lambda one: _ORDER.index(one[0]))
    return Verdict(_WORDS[described[0][0]], " ".join(sentence for _, sentence in described), described[0][0])


def _described(finding: FindingAnswer) -> tuple[Remedy, str]:
    known = _KNOWN.get(finding.check)
    if known is None:
        return Remedy.LOOK, f"{finding.count:,} {finding.message}. Way out: {finding.way_out}."
    remedy, what, then = known
    return remedy, f"{what.format_map(_Counted(finding.count))} {then}"


class _Counted(dict[str, str]):
    """`{documents}` as `1 document is`, `12 documents are`."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, noun: str) -> str:
        singular = "entry" if noun == "entries" else "index" if noun == "indexes" else noun[:-1]
        return f"1 {singular} is" if self._count == 1 else f"{self._count:,} {noun} are"
