"""UniRAG's complements, measured: for each hit that is a text or a picture alone, the nearest of the other kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from evaluation.asking import Wordings
from evaluation.embedding import Embedded, Entries, Entry, Told, embedded
from evaluation.mbeir.pools import Pool
from evaluation.mbeir.reading import InstructionKey
from evaluation.nearest import nearest
from uniir.documents import Document, Modality
from uniir.instructions import Instruction
from uniir.protocols import Encoder, ImageLoader, Steering
from uniir.queries import Query

_LOOKED_AT = 10
_MSCOCO = "9"  # the set whose wordings UniRAG asks with
_OTHER = {Modality.TEXT: Modality.IMAGE, Modality.IMAGE: Modality.TEXT}


class Complementing:
    """Each hit asks the same pool, with MSCOCO's first wording where there is one: of its ten nearest, the first of the other modality.

    What the query itself brought, its text or its picture, completes nothing.
    """

    def __init__(self, wordings: Wordings) -> None:
        self._wordings = {one.query: texts[0] for one, texts in wordings.items() if one.dataset == _MSCOCO and texts and _fits(one)}

    def of(
        self,
        queries: Entries,
        ranked: Sequence[Sequence[str]],
        pool: Pool,
        directory: Path,
        encoder: Encoder,
        images: ImageLoader,
        told: Told,
    ) -> Sequence[Sequence[str | None]]:
        """One did, or None, beside each did of `ranked`. `directory` is the queries' own."""
        single = sorted({did for line in ranked for did in line if pool.modality_of_did(did) in _OTHER})
        if not single:
            return [[None] * len(line) for line in ranked]
        digest = hashlib.sha256("\x1f".join([*single, repr(self._wordings)]).encode()).hexdigest()[:16]
        place = directory.with_name(f"{directory.name}-complements-{digest}")
        asked = embedded(lambda: self._entries(pool, single), encoder, images, place, told)
        near = self._near(asked, pool)
        return [[_first(entry, near.get(did, ()), pool) for did in line] for entry, line in zip(queries(), ranked, strict=True)]

    def _entries(self, pool: Pool, dids: Sequence[str]) -> Iterator[Entry]:
        for did in dids:
            modality = pool.modality_of_did(did)
            document = next(iter(pool.documents([did])), None)
            if document is None or modality is None:
                yield Entry(did, modality or Modality.TEXT, None)
                continue
            target = _OTHER[modality]
            wording = self._wordings.get(modality)
            instruction = None if wording is None else Instruction(f"complement:{did}", modality, target, wording)
            query = Query(text=document.text, image=document.image, instruction=instruction)
            yield Entry(did, modality, query, Steering(document.modality, target))

    def _near(self, asked: Embedded, pool: Pool) -> Mapping[str, Sequence[Document]]:
        """By did the documents of the other modality among its nearest."""
        rows, _ = nearest(asked.vectors, pool.embedded.vectors, _LOOKED_AT)
        found = {}
        for number, line in enumerate(rows.tolist()):
            did = asked.id_of(number)
            modality = pool.modality_of_did(did)
            other = None if modality is None else _OTHER[modality]
            dids = [pool.embedded.id_of(row) for row in line if row >= 0 and pool.modality_of(row) is other]
            found[did] = pool.documents(dids)
        return found


def _fits(key: InstructionKey) -> bool:
    return _OTHER.get(key.query) is key.target


def _first(entry: Entry, documents: Sequence[Document], pool: Pool) -> str | None:
    """The nearest that the query did not bring itself."""
    query = entry.item if isinstance(entry.item, Query) else None
    for one in documents:
        own = query is not None and (
            one.text == query.text if one.image is None else query.image is not None and one.image.path == query.image.path
        )
        if not own:
            return one.external_id
    return None
