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
ERRORS = ("wrong modality", "wrong domain", "other")


def in_arrows(task: str) -> str:
    """A task's name as a page shows it."""
    return task.replace("->", "→").replace("image,text", "image + text")


def headline_sentence(report: Report) -> str:
    """What came out, in one or two plain sentences."""
    one = report.average.value
    several = len(report.rows) > 1
    sentence = (
        f"{'On average over ' + str(len(report.rows)) + ' data sets and tasks' if several else 'On one data set'}, {100 * one.value:.1f} % "
        f"of queries have a right answer among {_first(report.rows)} (95 % confidence: {100 * one.low:.1f} to {100 * one.high:.1f} %)."
    )
    if report.average.published is not None:
        sentence += f" Published for {report.published_model}: {report.average.published:.1f} %."
    if report.average.before is not None:
        sentence += f" Before the first hits were read again it was {100 * report.average.before:.1f} %."
    return sentence


def _first(rows: Sequence[SetRow]) -> str:
    names = {row.headline for row in rows}
    if names == {"hit@5"}:
        return "the first five hits"
    if names == {"hit@10"}:
        return "the first ten hits"
    told = {"hit@1": "one for sets outside M-BEIR", "hit@10": "ten for Fashion200K and FashionIQ", "map@5 of 5": "mAP@5 for CIRCO"}
    return f"the first hits (five{''.join(f', {words}' for name, words in told.items() if name in names)})"


def read_again(rows: Sequence[SetRow]) -> str:
    """How many hits were read again."""
    most = max((row.rerank.read for row in rows if row.rerank is not None), default=0)
    return f"The best hits of each query were read again, at most {most}." if most else "No hits were read again."


def notes(report: Report) -> Iterator[str]:
    """What was left out or failed, a sentence each."""
    yield from report.left_out
    for row in report.rows:
        counts = {
            "queries that could not be encoded (they count as missed)": row.failed_queries,
            "candidates that could not be encoded (they are never found)": row.failed_candidates,
            "queries without judgments (they are left out)": row.without_judgments,
            "judged queries that the query file has not": row.judged_but_absent,
            "queries whose hits could not be read again (their first order stands)": row.unread,
            "positives that the pool has not (they are never found)": row.positives_absent,
        }
        for meaning, count in counts.items():
            if count:
                yield f"{row.dataset}, task {row.task}: {meaning}: {count:,}."


def measured_with(report: Report) -> Iterator[tuple[str, str]]:
    """Encoder, data, check and versions: names with what they were."""
    yield "encoder", _listed(report.encoder)
    yield "data", f"fingerprint {report.data['fingerprint']} (pools, queries, judgments and instructions; pictures are not read for it)"
    yield "settings", _listed({key: value for key, value in report.settings.items() if value})
    yield "self-retrieval", "; ".join(f"{name} {one.found} of {one.sample}" for name, one in report.gates.items())
    yield "versions", _listed(report.versions)
    yield "made", report.made


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {', '.join(map(str, one)) if isinstance(one, list | tuple) else one}" for key, one in values.items())
