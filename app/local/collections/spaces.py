"""The spaces of a collection: which there are, which one is searched, and which ones go."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.local.collections.space_answers import document_place, listed, spaces_of
from app.local.jobs.turns import Turns
from app.wiring.owned import OwnedInstallation
from ingest.rebuild import settle
from storage.sql.collections import CollectionRecord
from storage.sql.spaces import Coverage, SpaceRecord, within
from uniir.errors import UsageError
from uniir.spaces import SpaceState
from uniir.wire import PromoteRequest, RemoveSpaceRequest, RollbackRequest, SpacesAnswer

_NAMED = 3
_REASONS = {
    "not-accepted": "of a kind it does not take",
    "picture-gone": "whose picture is gone",
    "picture-changed": "whose picture has changed",
}


class Spaces:
    """Every change waits for its turn; a search sees one space or the other."""

    def __init__(self, everything: OwnedInstallation, turns: Turns) -> None:
        self._everything = everything
        self._installation = everything.installation
        self._turns = turns

    def spaces(self, collection: str | None) -> SpacesAnswer:
        """Raises NotFound."""
        return self._answer(self._installation.collection(collection))

    def promote(self, request: PromoteRequest) -> SpacesAnswer:
        """Raises NotFound, ModelUnavailable, and UsageError where documents would be lost to search."""
        with self._turn(request.collection) as record:
            beside = self._beside(record)
            usual = [one for one in beside if one.state is SpaceState.BUILDING]
            to = _chosen(record, request.space, beside, usual, "promote")
            self._switch(record, to, request.force)
            return self._answer(record)

    def rollback(self, request: RollbackRequest) -> SpacesAnswer:
        """Raises NotFound, ModelUnavailable, and UsageError where documents would be lost to search."""
        with self._turn(request.collection) as record:
            retired = [one for one in self._beside(record) if one.state is SpaceState.RETIRED]
            if not retired:
                raise UsageError(f"No other space of {record.name} was searched before.", "`uniir spaces list` shows what there is.")
            self._switch(record, max(retired, key=lambda one: one.since), request.force)
            return self._answer(record)

    def remove(self, request: RemoveSpaceRequest) -> SpacesAnswer:
        """Raises NotFound, and UsageError for the space that is searched."""
        with self._turn(request.collection) as record:
            leftovers = [one for one in self._installation.spaces.of(record) if one.state is SpaceState.REMOVING]
            if not leftovers or request.space is not None:
                beside = self._beside(record)
                leftovers.append(_chosen(record, request.space, beside, beside, "remove"))
            if request.dry_run:
                going = {one.id for one in leftovers}
                answer = self._answer(record)
                return answer.model_copy(update={"spaces": [one for one in answer.spaces if one.id in going]})
            for space in leftovers:
                self._remove(record, space)
            return self._answer(record)

    @contextmanager
    def _turn(self, collection: str | None) -> Iterator[CollectionRecord]:
        """The collection, which nobody else changes meanwhile."""
        name = self._installation.collection(collection).name
        with self._turns.taken("a change of spaces", name):
            yield self._installation.collection(name)

    def _remove(self, record: CollectionRecord, space: SpaceRecord) -> None:
        """From the first write on nothing else can happen to the space, so whoever dies here is succeeded by the next removal."""
        self._installation.spaces.begin_removal(space)
        self._everything.drop_vectors(within(record, space))
        self._installation.spaces.forget(space)

    def _beside(self, record: CollectionRecord) -> Sequence[SpaceRecord]:
        out_of_reach = (SpaceState.ACTIVE, SpaceState.REMOVING)
        return [one for one in self._installation.spaces.of(record) if one.state not in out_of_reach]

    def _switch(self, record: CollectionRecord, to: SpaceRecord, force: bool) -> None:
        seen = within(record, to)
        self._installation.encoder_of(seen)  # what can't be loaded can't be searched
        writer = self._everything.writer(seen)
        writer.finish_deletes()
        writer.finish()
        self._settle(seen)
        coverage = self._installation.spaces.coverage(record, to)
        self._require_complete(seen, coverage, force)
        self._installation.spaces.switch(record, to, coverage)

    def _settle(self, seen: CollectionRecord) -> None:
        """What a filling that died had in the catalog and not on disk."""
        store = self._everything.store(seen)
        settled = settle(self._installation.library(seen), store)
        self._installation.filling(seen).lose(settled.without_vector)
        if settled.written or settled.removed:
            store.finish()

    def _require_complete(self, seen: CollectionRecord, coverage: Coverage, force: bool) -> None:
        name, encoder = seen.name, seen.space.encoder
        again = f"`uniir spaces add --encoder {shlex.quote(encoder)} --collection {name}`"
        if coverage.missing:
            raise UsageError(
                f"{coverage.missing:,} of {coverage.documents:,} documents of {name} are not encoded for {encoder} yet.",
                f"{again} goes on with them.",
            )
        if coverage.refused and not force:
            raise UsageError(
                f"{encoder} could not take {coverage.refused:,} of {coverage.documents:,} documents of {name}: {self._refused(seen)}.",
                f"`--force` leaves them out of search; {again} tries them again.",
            )

    def _refused(self, seen: CollectionRecord) -> str:
        filling = self._installation.filling(seen)
        kinds = [f"{count:,} {_REASONS.get(code, f'[{code}]')}" for code, count in sorted(filling.refused_by_code().items())]
        named = [document_place(document) for document, _ in filling.refused(_NAMED)]
        return f"{listed(kinds)}, such as {listed(named)}"

    def _answer(self, record: CollectionRecord) -> SpacesAnswer:
        return SpacesAnswer(collection=record.name, spaces=list(spaces_of(self._installation, record)))


def _chosen(
    record: CollectionRecord, wanted: str | None, candidates: Sequence[SpaceRecord], usual: Sequence[SpaceRecord], command: str
) -> SpaceRecord:
    """The space of this number or encoder among the candidates; without one the only usual one."""
    found = usual if wanted is None else [one for one in candidates if wanted in (str(one.id), one.space.encoder)]
    if len(found) == 1:
        return found[0]
    if not candidates:
        raise UsageError(
            f"No other space stands beside the one of {record.name} that is searched.", "`uniir spaces add --encoder NAME` makes one."
        )
    known = listed([f"{one.id} ({one.space.encoder}, {one.state})" for one in candidates])
    what = f"{wanted!r} is none of them, or more than one" if wanted is not None else "It must be said which is meant"
    raise UsageError(f"{what}: beside the space of {record.name} that is searched there is {known}.", f"`uniir spaces {command} NUMBER`.")
