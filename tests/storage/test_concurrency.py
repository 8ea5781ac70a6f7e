"""Several hands on one catalog at once: what two make at the same moment is made once, and nobody fails for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import insert, text, update

from storage.sql.collections import SqlCollections
from storage.sql.databases.dialects import DatabaseTime
from storage.sql.databases.engines import Engines, open_catalog
from storage.sql.databases.postgres import END_THE_DEAD
from storage.sql.jobs.jobs import Origin, SqlJobs
from storage.sql.jobs.presence import Presence
from storage.sql.jobs.turns import SqlTurns
from storage.sql.ledger import SqlLedger
from storage.sql.schema import processes, turns
from uniir.documents import Document, Modality, Source
from uniir.errors import StoreUnavailable
from uniir.ids import new_id
from uniir.ledger import SourceDraft, SourceKey, SourceKind
from uniir.spaces import VectorSpace
from uniir.wire import JobState

_SPACE = VectorSpace("arithmetic", "1", "none", "float32", 8)
_HANDS = 6
_T = TypeVar("_T")


def at_once(work: Callable[[int], _T]) -> Sequence[_T]:
    """What every hand got; all begin together."""
    barrier = threading.Barrier(_HANDS)

    def begin(hand: int) -> _T:
        barrier.wait(60)
        return work(hand)

    with ThreadPoolExecutor(_HANDS) as hands:
        return list(hands.map(begin, range(_HANDS)))


def ledger(engines: Engines, name: str) -> SqlLedger:
    return SqlLedger(engines, SqlCollections(engines).get_or_create(name, _SPACE))


def test_a_collection_that_all_make_at_once_is_one(catalog: str) -> None:
    engines = open_catalog(catalog)
    for name in ("one", "two", "three"):
        made = at_once(lambda _, name=name: SqlCollections(engines).get_or_create(name, _SPACE))  # type: ignore[misc]
        assert len(set(made)) == 1
    assert [record.name for record in SqlCollections(engines).all()] == ["one", "three", "two"]
    engines.close()


def test_an_id_that_several_have_drawn_goes_to_one_and_the_others_get_another(catalog: str) -> None:
    engines = open_catalog(catalog)
    ledgers = [ledger(engines, f"c{hand}") for hand in range(_HANDS)]
    drawn = [new_id() for _ in range(20)]

    def record(hand: int) -> list[int]:
        key = SourceKey("/corpus", "a.txt")
        texts = tuple(Document(id=one, modality=Modality.TEXT, text=f"text {one}", source=Source(key.root, key.path)) for one in drawn)
        recording = ledgers[hand].record([SourceDraft(key, SourceKind.TEXT, "s", "h", texts)])
        return [document.id for document in recording.pending]

    given = at_once(record)
    assert all(len(ids) == len(drawn) for ids in given)
    assert len({one for ids in given for one in ids}) == _HANDS * len(drawn)
    engines.close()


def test_every_job_is_taken_by_one_process(postgres: str) -> None:
    engines = open_catalog(postgres)
    processes = [Presence(engines) for _ in range(_HANDS)]
    tables = [SqlJobs(engines, presence) for presence in processes]
    for presence in processes:
        presence.enter()
    asked = [tables[0].add(f"c{number}", {}, Origin.SERVICE).id for number in range(30)]

    def work(hand: int) -> list[int]:
        mine = []
        while (job := tables[hand].reserve(anybodys=True)) is not None:
            assert tables[hand].start(job.id)
            mine.append(job.id)
            tables[hand].finish(job.id, JobState.DONE)
        return mine

    done = [job for jobs in at_once(work) for job in jobs]
    assert sorted(done) == sorted(asked)
    for presence in processes:
        presence.leave()
    engines.close()


def test_a_job_for_a_collection_that_is_being_changed_is_passed_over(postgres: str) -> None:
    engines = open_catalog(postgres)
    one, other = Presence(engines), Presence(engines)
    turns, table, elsewhere = SqlTurns(engines, one), SqlJobs(engines, other), SqlJobs(engines, one)
    other.enter()
    first, second = (table.add(name, {}, Origin.SERVICE) for name in ("busy", "free"))
    assert turns.take("busy", "the doctor") is None
    assert table.reserve(anybodys=True) == second
    assert table.start(second.id)
    assert table.reserve(anybodys=True) is None
    elsewhere.cancel(second.id)
    assert table.tell(second.id, {}) is True, "its process is told"
    elsewhere.finish(second.id, JobState.DONE)
    found = elsewhere.find(second.id)
    assert found is not None
    assert found.state is JobState.RUNNING, "nobody else says how it ended"
    turns.free("busy")
    assert table.reserve(anybodys=True) == first
    other.leave()
    again = elsewhere.reserve(anybodys=True)
    assert again == first, "the one that was running is cancelled, not begun again"
    elsewhere.abandon()
    found = elsewhere.find(second.id)
    assert found is not None
    assert found.state is JobState.CANCELLED
    one.leave()
    engines.close()


def test_a_transaction_that_a_dead_process_left_in_the_middle_of_a_batch_is_ended_by_the_living(postgres: str) -> None:
    """Between two statements of a batch the server waits for its client with neither of its own time limits running."""
    dead, alive = open_catalog(postgres), open_catalog(postgres)
    silent, living = Presence(dead, lease_seconds=1.0), Presence(alive, lease_seconds=1.0)
    with dead.writing() as connection:
        connection.execute(insert(turns).values(collection="photos", holder="nobody", what="an ingest"))
    lent = dead.writer.raw_connection()  # kept, or the next beat is given the same
    batch = lent.driver_connection
    assert isinstance(batch, psycopg.Connection)
    batch.pgconn.enter_pipeline_mode()
    for statement in (b"BEGIN", b"UPDATE turns SET what = 'a change without end'"):
        batch.pgconn.send_query_params(statement, None)
        batch.pgconn.send_flush_request()
        answer = batch.pgconn.get_result()
        assert answer is not None
        assert answer.status == psycopg.pq.ExecStatus.COMMAND_OK
        assert batch.pgconn.get_result() is None
    silent.enter()  # not before the transaction, which must have begun within the lease
    silent.close()
    living.enter()
    with alive.writing() as connection:
        assert connection.execute(update(turns).values(what="the next")).rowcount == 1
    lent.invalidate()
    living.leave()
    dead.close()
    alive.close()


def test_who_slept_itself_ends_nobody(postgres: str) -> None:
    """A machine that was asleep wakes with the leases of all its processes run out, and they all live."""
    one, other = open_catalog(postgres), open_catalog(postgres)

    def ended() -> int:
        with other.glancing() as connection:
            return len(connection.execute(text(END_THE_DEAD), {"own": other.name}).all())

    def meanwhile() -> None:
        with other.writing() as connection:
            for engines in (one, other):
                connection.execute(insert(processes).values(id=engines.name, said="asleep", until=DatabaseTime()))
        assert ended() == 0
        with other.writing() as connection:
            connection.execute(update(processes).where(processes.c.id == other.name).values(until=DatabaseTime() + 600))
        assert ended() == 1

    transaction = one.writing()
    transaction.__enter__().execute(text("SELECT 1"))
    meanwhile()
    with pytest.raises(StoreUnavailable, match="terminating connection"):
        transaction.__exit__(None, None, None)
    one.close()
    other.close()
