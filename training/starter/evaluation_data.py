"""The evaluation root as retrieval tasks, and the figures its README gives for other methods."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from evaluation.mbeir.layout import evaluation_sets, global_pool
from evaluation.mbeir.reading import InstructionKey, dataset_of, read_candidates, read_instructions, read_qrels, read_queries
from training.starter.pairs import Parts, RetrievalTask
from uniir.documents import Modality


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """One set and task: over its own pool and over the union of all pools, with the modality that its instruction asks for."""

    local: RetrievalTask
    union: RetrievalTask
    target: Modality
    wordings: tuple[str, ...]


def evaluation_tasks(root: Path) -> list[EvaluationTask]:
    """Every set and task of the test split; pools in order of did, so that ties are broken by id."""
    candidates = {one.did: one for one in read_candidates(global_pool(root, "test"))}
    union = sorted(candidates)
    instructions = read_instructions(root / "instructions" / "query_instructions.tsv")
    tasks = []
    for one in evaluation_sets(root, "test"):
        queries = list(read_queries(one.queries))
        qrels = read_qrels(one.qrels)
        local = sorted(candidate.did for candidate in read_candidates(one.local_pool))
        target = candidates[queries[0].positives[0]].modality

        def over(dids: list[str], one=one, queries=queries, qrels=qrels) -> RetrievalTask:  # type: ignore[no-untyped-def]
            place = {did: number for number, did in enumerate(dids)}
            return RetrievalTask(
                one.name,
                one.task,
                tuple(Parts(query.text, query.image) for query in queries),
                tuple(Parts(candidates[did].text, candidates[did].image) for did in dids),
                tuple(tuple(place[did] for did in sorted(qrels[query.qid])) for query in queries),
            )

        key = InstructionKey(dataset_of(queries[0].qid), queries[0].modality, target)
        tasks.append(EvaluationTask(over(local), over(union), target, instructions[key]))
    return tasks


def published_baselines(readme: Path) -> dict[str, dict[str, str]]:
    """Chance, colour histogram, TF-IDF and BM25 as the data's README gives them, by `set/task`."""
    found = {}
    for line in readme.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 9 and re.fullmatch(r"\d", cells[1]):
            found[f"{cells[0]}/{cells[1]}"] = dict(zip(("chance", "colour histogram", "TF-IDF", "BM25"), cells[5:], strict=True))
    return found
