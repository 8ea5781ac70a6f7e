"""Kills a process while it ingests, deletes, encodes for another space, promotes, rolls back and removes; then looks whether all is well:
catalog = index = corpus in every space, every vector that of its document, nothing missing, nothing twice, no finding of the doctor's.

    python -m bench.kills [--quick] [--json] [--seed N] [--runs N] [--store exact|milvus|servers]

`servers` are a Milvus server and Postgres, which the benchmark starts itself.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from app.local.opening import own
from app.local.service import LocalService
from app.wiring.owned import OwnedInstallation
from app.wiring.sessions import installed
from bench.pair import pair
from bench.report import Number, Options, argument_parser, report
from storage.sql.spaces import within
from uniir.errors import UsageError
from uniir.settings import Settings, load_settings
from uniir.wire import (
    DeleteRequest,
    DoctorRequest,
    IngestRequest,
    JobAnswer,
    JobState,
    PromoteRequest,
    RemoveSpaceRequest,
    RollbackRequest,
    SpaceRequest,
)

_RUNS, _QUICK_RUNS = 200, 12
_IN_A_ROW = 8  # kills of one data directory
_FILES = 60
_SECONDS = {"exact": 1.5, "milvus": 1.5, "servers": 6.0}  # at most, before a kill
_ENCODERS = ("arithmetic", "arithmetic-32")
_FIELDS = {"tag": "text", "year": "number", "labels": "texts"}


@dataclass(frozen=True, slots=True)
class House:
    """A corpus with a data directory beside it. `stores` are the settings that say where rows and vectors are."""

    place: Path
    stores: Mapping[str, object]
    seconds: float

    @property
    def corpus(self) -> Path:
        return self.place / "corpus"

    @property
    def settings(self) -> Settings:
        usual = {"encoder": _ENCODERS[0], "workers": 2, "threads": 1, "wait_seconds": 5, "metadata_fields": _FIELDS}
        return load_settings(data_dir=self.place / "data", **(usual | dict(self.stores)))


@dataclass(frozen=True, slots=True)
class Kill:
    """What was at work when it came, and what was wrong afterwards; nothing, mostly."""

    during: str
    wrong: str


def kills(house: House, times: int, seed: int) -> Iterator[Kill]:
    """So many kills of one data directory, one after another, each looked at."""
    chance = random.Random(seed)
    house.corpus.mkdir(parents=True, exist_ok=True)
    for number in range(times):
        during = _killed(house, seed * 1000 + number, chance.uniform(0.0, house.seconds))
        yield Kill(during, _looked_at(house))


def _killed(house: House, seed: int, after: float) -> str:
    """What a process was doing when it was killed so many seconds after it began."""
    said = house.place / "doing"
    said.unlink(missing_ok=True)
    process = _forked(lambda: _live(house, random.Random(seed), said), house.place / "life")
    while not said.exists():
        if os.waitpid(process, os.WNOHANG)[0]:
            return "nothing: it ended by itself"
        time.sleep(0.005)
    time.sleep(after)
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return said.read_text() or "between two"


def _live(house: House, chance: random.Random, said: Path) -> None:
    """One thing after another, until somebody ends it."""
    with own(house.settings, "a life") as service:
        while True:
            doing = chance.choice(("ingest", "ingest", "delete", "encode", "encode", "promote", "roll back", "remove"))
            unfinished = said.with_suffix(".new")
            unfinished.write_text(doing)
            unfinished.replace(said)
            with suppress(UsageError):  # nothing to promote, say
                _do(doing, house, service, chance)


def _do(doing: str, house: House, service: LocalService, chance: random.Random) -> None:
    match doing:
        case "ingest":
            _change(house.corpus, chance)
            _ended(service, service.start_ingest(IngestRequest(paths=[str(house.corpus)], prune=True)))
        case "delete":
            service.delete(DeleteRequest(paths=[str(chance.choice(sorted(house.corpus.glob("[0-9]*.[jt][px]*"))))]))
        case "encode":
            _ended(service, service.add_space(SpaceRequest(encoder=chance.choice(_ENCODERS))))
        case "promote" | "roll back":
            for encoder in _ENCODERS:  # or it would be refused, mostly
                _ended(service, service.add_space(SpaceRequest(encoder=encoder)))
            if doing == "promote":
                service.promote_space(PromoteRequest())
            else:
                service.rollback_space(RollbackRequest())
        case _:
            service.remove_space(RemoveSpaceRequest())


def _change(corpus: Path, chance: random.Random) -> None:
    """Files come, change, move and go; and what is said beside pictures."""
    for _ in range(chance.randint(1, 30)):
        file = corpus / f"{chance.randrange(_FILES):02}{chance.choice(('.txt', '.jpg'))}"
        if file.suffix == ".jpg" and file.exists() and chance.random() < 0.4:
            told = {"tag": chance.choice("abc"), "year": chance.randrange(2020, 2024), "labels": chance.sample("abc", 2)}
            _put(file.with_suffix(".json"), json.dumps(told).encode())
        elif file.exists() and chance.random() < 0.3:
            file.unlink()
        elif file.exists() and chance.random() < 0.2:
            file.rename(file.with_name(f"{chance.randrange(_FILES):02}{file.suffix}"))
        elif file.suffix == ".txt":
            _put(file, " ".join(f"word{chance.randrange(100)}" for _ in range(20)).encode())
        else:
            colours = np.array([chance.randrange(256) for _ in range(48)], np.uint8).reshape(4, 4, 3)
            picture = io.BytesIO()
            Image.fromarray(colours).resize((320, 240), Image.Resampling.NEAREST).save(picture, "JPEG")
            _put(file, picture.getvalue())


def _put(file: Path, content: bytes) -> None:
    """Whole or not at all: half a picture would be in quarantine, and rightly so."""
    unfinished = file.with_name(f".{file.name}")
    unfinished.write_bytes(content)
    unfinished.replace(file)


def _looked_at(house: House) -> str:
    """What is wrong after everything was run again."""
    found = house.place / "found"
    found.unlink(missing_ok=True)
    os.waitpid(_forked(lambda: found.write_text(_resume_and_compare(house)), house.place / "look"), 0)
    return found.read_text() if found.exists() else "nobody could look: " + (house.place / "look").read_text()[-2000:]


def _resume_and_compare(house: House) -> str:
    wrong = []
    with own(house.settings, "a look") as service:
        if not service.collections().collections and not any(house.corpus.iterdir()):
            return ""
        jobs = [service.start_ingest(IngestRequest(paths=[str(house.corpus)], prune=True))]
        jobs = [_ended(service, job) for job in jobs]
        spaces = service.spaces().spaces
        jobs += [_ended(service, service.add_space(SpaceRequest(encoder=one.encoder))) for one in spaces if one.state != "removing"]
        wrong += [f"{one.state}: {one.problem}" for one in jobs if one.state is not JobState.DONE]
        service.doctor(DoctorRequest(repair=any(one.state == "removing" for one in spaces)))
        wrong += [f"{one.check}: {one.count} {one.message}" for one in service.doctor(DoctorRequest()).findings]
        wrong += [f"{one.encoder} has {one.indexed} of {one.documents}" for one in service.spaces().spaces if one.indexed != one.documents]
    with installed(house.settings) as everything:
        wrong += _compare(everything, house)
    return "; ".join(wrong)


def _compare(everything: OwnedInstallation, house: House) -> Iterator[str]:
    """Documents against files, and every vector in the catalog and the index against what the encoder makes of its document."""
    installation = everything.installation
    record = installation.collection(None)
    files = {str(file) for file in house.corpus.iterdir() if _is_source(file)}
    for space in installation.spaces.of(record):
        seen = within(record, space)
        library, encoder = installation.library(seen), installation.encoder_of(seen)
        ids = [int(one) for page in library.indexed_ids() for one in page]
        documents = list(library.documents(ids).values())
        places = Counter(str(document.source.file) for document in documents)
        if set(places) != files or max(places.values(), default=1) > 1:
            yield f"{space.space.encoder}: documents are not the files: {sorted(set(places) ^ files)[:3]}"
        if sorted(int(one) for block in everything.store(seen).scan() for one in block) != sorted(ids):
            yield f"{space.space.encoder}: the index is not the catalog"
        other_metadata = everything.store(seen).otherwise(library.stored_vectors_of(ids))
        if other_metadata:
            yield f"{space.space.encoder} ({space.state}): the index has other metadata of {list(other_metadata[:3])}"
        kept = library.vectors(ids)
        rows = encoder.encode(encoder.prepare(documents, installation.images)).astype(np.float16)
        other = [document for document, row in zip(documents, rows, strict=True) if not np.array_equal(kept[document.id], row)]
        if other:
            yield f"{space.space.encoder} ({space.state}): vectors are not those of {[str(document.source.file) for document in other[:3]]}"


def _is_source(file: Path) -> bool:
    """Hidden files are none, nor what was said beside a picture; a text beside a picture of its name is a part of that one."""
    return file.suffix in (".jpg", ".txt") and file.name[0] != "." and not (file.suffix == ".txt" and file.with_suffix(".jpg").exists())


def _ended(service: LocalService, job: JobAnswer) -> JobAnswer:
    *_, last = service.follow(job.id)
    return last


def _forked(work: Callable[[], object], trouble: Path) -> int:
    """A process of its own that has everything loaded already; what it raises is written to a file."""
    process = os.fork()
    if process:
        return process
    try:
        work()
    except BaseException:
        trouble.write_text(traceback.format_exc())
    finally:
        os._exit(0)


@contextmanager
def _houses(store: str) -> Iterator[Callable[[], House]]:
    with tempfile.TemporaryDirectory(prefix="uniir-kills-") as place, ExitStack() as servers:
        stores: Callable[[], Mapping[str, object]] = lambda: {"vector_store": store}  # noqa: E731
        if store == "servers":
            stores = servers.enter_context(pair()).installation
        numbers = count()
        yield lambda: House(Path(place) / str(next(numbers)), stores(), _SECONDS[store])


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--store", choices=tuple(_SECONDS), default="exact")
    given = parser.parse_args()
    runs = given.runs or (_QUICK_RUNS if given.quick else _RUNS)
    done: list[Kill] = []
    with _houses(given.store) as next_house:
        while len(done) < runs:
            house = next_house()
            for kill in kills(house, min(_IN_A_ROW, runs - len(done)), given.seed * 100 + len(done)):
                done.append(kill)
                if kill.wrong:
                    print(f"seed {given.seed}, kill {len(done)} during {kill.during}: {kill.wrong}", file=sys.stderr)
            shutil.rmtree(house.place)
    wrong = [kill for kill in done if kill.wrong]
    during = json.dumps(dict(Counter(kill.during for kill in done).most_common()))
    figures = {"kills": len(done), "seed": given.seed, "store": given.store, "killed during": during}
    report(
        "kills", Options(given.quick, given.json), [Number("kills after which something was wrong", len(wrong), "0", not wrong, figures)]
    )
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
