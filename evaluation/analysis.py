"""What the first hits are: of the wanted modality, and where they are wrong, in which way (as in table 5 of the UniIR paper)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evaluation.mbeir.pools import Pool
from evaluation.mbeir.reading import dataset_of
from uniir.documents import Modality

_DOMAINS: Mapping[str, str] = {
    "0": "news",
    "1": "fashion",
    "2": "wiki",
    "3": "news",
    "4": "common",
    "5": "wiki",
    "6": "wiki",
    "7": "fashion",
    "8": "common",
    "9": "common",
}


@dataclass(frozen=True, slots=True)
class FirstHits:
    """Counts of queries; the three kinds of error add up to `wrong`. `modality_accuracy` is a share of all queries."""

    modality_accuracy: float
    wrong: int
    wrong_modality: int
    wrong_domain: int
    other: int


def together(parts: Sequence[tuple[int, FirstHits]]) -> FirstHits:
    """Those of several sets, each with its number of queries."""
    queries = sum(count for count, _ in parts)
    return FirstHits(
        sum(count * one.modality_accuracy for count, one in parts) / queries,
        *(sum(getattr(one, name) for _, one in parts) for name in ("wrong", "wrong_modality", "wrong_domain", "other")),
    )


def domain_of(identifier: str) -> str:
    """The domain of a qid or did; a data set that M-BEIR does not know is a domain of its own."""
    dataset = dataset_of(identifier)
    return _DOMAINS.get(dataset, f"data set {dataset}")


def first_hits(
    qids: Sequence[str],
    firsts: Sequence[str | None],
    positives: Sequence[Collection[str]],
    targets: Sequence[Collection[Modality]],
    pool: Pool,
) -> FirstHits:
    """`firsts` are dids, None for nothing found, which counts as an error of the kind `other`."""
    fitting = wrong = modality = domain = 0
    for qid, did, wanted, kinds in zip(qids, firsts, positives, targets, strict=True):
        kind = None if did is None else pool.modality_of_did(did)
        fits = kind in kinds
        fitting += fits
        if did in wanted:
            continue
        wrong += 1
        if kind is not None and not fits:
            modality += 1
        elif did is not None and domain_of(did) != domain_of(qid):
            domain += 1
    return FirstHits(fitting / len(qids), wrong, modality, domain, wrong - modality - domain)
