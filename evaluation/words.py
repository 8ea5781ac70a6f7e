"""Words about an evaluation that every kind of report says alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evaluation.results import Report, SetRow

TASKS: Mapping[int, str] = {
    0: "text -> image",
    1: "text -> text",
    2: "text -> image,text",
    3: "image -> text",
    4: "image -> image",
    5: "image -> image,text",
    6: "image,text -> text",
    7: "image,text -> image",
    8: "image,text -> image,text",
}


def notes(rows: Sequence[SetRow]) -> Iterator[str]:
    """What was left out or failed, a sentence each."""
    for row in rows:
        counts = {
            "queries could not be encoded and count as missed": row.failed_queries,
            "candidates could not be encoded and are never found": row.failed_candidates,
            "queries without judgments are left out": row.without_judgments,
            "judged queries are not in the query file": row.judged_but_absent,
        }
        for meaning, count in counts.items():
            if count:
                yield f"{row.dataset}, task {row.task}: {count:,} {meaning}."


def measured_with(report: Report) -> Iterator[str]:
    """Encoder, data, check and versions."""
    yield f"encoder: {', '.join(f'{key} {value}' for key, value in report.encoder.items())}"
    yield f"data: fingerprint {report.data['fingerprint']} (pools, queries, judgments and instructions; pictures are not read for it)"
    yield f"settings: {', '.join(f'{key} {value}' for key, value in report.settings.items() if value)}"
    yield f"self-retrieval: {'; '.join(f'{name} {one.found} of {one.sample}' for name, one in report.gates.items())}"
    yield f"versions: {', '.join(f'{name} {one}' for name, one in report.versions.items())}"
    yield f"made: {report.made}"
