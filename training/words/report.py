"""What words beside meaning are worth, as a page and as data."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from evaluation.metrics.resampling import Interval
from search.fusion import DEPTH, NEARLY_ALL, RANK_CONSTANT
from training.words.measure import WAYS, Effect
from training.words.rereading import Together

_SIDES = {
    "known": (
        "Things searched by their names",
        "Pictures of all pools under the file names that the data tells; asked for by these names, without a target. A search by meaning",
        "can't know them, and this is what words are for.",
    ),
    "mixed": ("All pools together, without a target", "Pictures, texts and pairs in one list. Candidates have no names here.", ""),
    "union": (
        "All pools together",
        "Searched with a target. Pictures without names can't be found by words, so nothing changes there.",
        "",
    ),
    "local": ("Each task's own pool", "Searched with a target.", ""),
}


@dataclass(frozen=True, slots=True)
class Ranking:
    """nDCG@10 of words alone, in percent, by what made the order."""

    name: str
    by: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """Effects by side; `rankings` are empty where no Postgres was named. `together` is by side too."""

    sides: Mapping[str, Sequence[Effect]]
    rankings: Sequence[Ranking]
    together: Mapping[str, Sequence[Together]]


def write_report(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.date.today().isoformat()
    data: dict[str, object] = {"date": date, "nearly_all": NEARLY_ALL, "rank_constant": RANK_CONSTANT, "depth": DEPTH}
    data |= {"sides": {side: [asdict(one) for one in effects] for side, effects in report.sides.items()}}
    data |= {"together": {side: [asdict(one) for one in found] for side, found in report.together.items()}}
    data |= {"rankings": [asdict(one) for one in report.rankings]}
    (folder / "words.json").write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    (folder / "words.md").write_text("\n".join(_page(report, date)) + "\n", "utf-8")


def _page(report: Report, date: str) -> list[str]:
    lines = [
        "# Words beside meaning: results",
        "",
        f"Made by `python -m training.words` on {date} with the starter encoder. nDCG@10 in percent, relevance yes or no.",
        "Differences are to the order by meaning alone, with bounds of 95 % (bootstrap over queries); bold: beyond chance.",
        "",
        f"Both rankings count 1 / ({RANK_CONSTANT} + place) down to place {DEPTH}. A document without text that no word matches keeps its",
        "place, and one that matches by its name goes before all that counts less. Two columns are otherwise: *plain* takes absence from",
        "the lexical list as it is, *imputed* lets a document without text count its place by meaning twice, which is the mean over the",
        "rankings that could have seen it.",
        f"*Nearly all words*: only documents that hold {NEARLY_ALL:.0%} of the query or more, by the rarity of its words. *Touched* is the",
        "share of queries for which there is such a document; *words alone* is what BM25 finds by itself.",
        "",
        "Hence the defaults: queries of words alone bring forward documents with nearly all their words. That helps where things are",
        "searched by name, and elsewhere it hardly changes anything. Any word (`--words`) pays where passages answer questions (xquad)",
        "and costs elsewhere, so it is only done when asked for. Beside a picture words are off: they seldom describe what is looked for.",
    ]
    for side, (title, *remarks) in _SIDES.items():
        header = ["set/task", "query -> target", "queries", "without", *WAYS, "touched", "words alone"]
        lines += ["", f"## {title}", "", *filter(None, remarks), "", _row(header), _row(["---"] * len(header))]
        lines += [_row(_cells(one)) for one in report.sides[side]]
    lines += _together(report)
    if report.rankings:
        header = ["set/task", *report.rankings[0].by]
        remark = "Words alone over all pools together, on the same rows in both databases. `ts_rank` does not know how rare a word is."
        lines += ["", "## How the databases rank", "", remark, "", _row(header), _row(["---"] * len(header))]
        lines += [_row([one.name, *(f"{value:.2f}" for value in one.by.values())]) for one in report.rankings]
    return lines


def _together(report: Report) -> list[str]:
    header = ["pool", "set/task", "queries", "neither", *report.together["local"][0].ways]
    lines = [
        "",
        "## Together with the text reranker",
        "",
        "Texts searched by texts, where nearly all words count and the first 20 are read again unless somebody says otherwise. Both",
        "together are reading again alone, since what reads again compares words itself; so neither stands in the other's way, and both",
        "stay on. What any word (`--words`) costs by itself, reading again nearly makes good.",
        "",
        _row(header),
        _row(["---"] * len(header)),
    ]
    for side, pool in (("local", "its own"), ("union", "all")):
        for one in report.together[side]:
            lines.append(_row([pool, one.name, f"{one.queries}", f"{one.neither:.2f}", *map(_difference, one.ways.values())]))
    return lines


def _cells(one: Effect) -> list[str]:
    ways = [_difference(value) for value in one.ways.values()]
    return [
        one.name,
        f"{one.query} -> {one.target}",
        f"{one.queries}",
        f"{one.without:.2f}",
        *ways,
        f"{one.touched:.0f} %",
        f"{one.words_alone:.2f}",
    ]


def _difference(one: Interval) -> str:
    value, low, high = (100 * part for part in (one.value, one.low, one.high))
    mark = "**" if low > 0 or high < 0 else ""
    return f"{mark}{value:+.2f}{mark} ({low:+.2f} to {high:+.2f})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
