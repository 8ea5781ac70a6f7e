"""Everything an ingest has to look at, scope by scope, manifests opened up into their lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.compare import Compared, Verdict, compare, has_entries, judge, judge_obstacle
from ingest.manifests import ManifestLine, RefusedLine, manifest_pictures, picture_of, picture_unchanged, read_manifest
from ingest.walk import Found, Obstacle, Scope, walk
from uniir.documents import Json
from uniir.errors import InputFailure
from uniir.ledger import Failure, Ledger, SourceKey, SourceKind, SourceRecord


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be made equal to what."""

    scopes: Sequence[Scope]
    exclude: Sequence[str] = ()
    prune: bool = False
    retry: bool = False  # try quarantined inputs again although they have not changed

    def as_json(self) -> Json:
        """For the catalog's table of runs; the doctor walks the same again."""
        return [
            {
                "root": scope.root,
                "prefix": scope.prefix,
                "names": None if scope.names is None else [*sorted(scope.names)],
                "exclude": [*self.exclude],
            }
            for scope in self.scopes
        ]


def walked_before(runs: Sequence[Json]) -> Sequence[Request]:
    """What earlier runs walked, from `Request.as_json`, newest first: each scope with the exclusions of its last run."""
    requests: dict[Scope, Request] = {}
    for run in runs:
        for stored in run if isinstance(run, list) else ():
            if not isinstance(stored, dict):
                continue
            names, exclude = stored.get("names"), stored.get("exclude")
            scope = Scope(str(stored["root"]), str(stored["prefix"]), frozenset(map(str, names)) if isinstance(names, list) else None)
            requests.setdefault(scope, Request([scope], [str(one) for one in exclude] if isinstance(exclude, list) else ()))
    return list(requests.values())


def outermost(requests: Sequence[Request]) -> Sequence[Request]:
    """Those that no newer one covers."""
    kept: list[Request] = []
    for request in requests:
        if not any(_covers(newer.scopes[0], request.scopes[0]) for newer in kept):
            kept.append(request)
    return kept


def _covers(outer: Scope, inner: Scope) -> bool:
    """By place, since a root may have been taken up into one above it in the meantime."""
    outside, inside = _place(outer), _place(inner)
    if outer.names is None:
        return inside.startswith(outside)
    return inside == outside and inner.names is not None and inner.names <= outer.names


def _place(scope: Scope) -> str:
    return os.path.join(scope.root, scope.prefix, "")


class Changes:
    """Walks the scopes of one request; can be walked several times, since nothing is changed by looking."""

    def __init__(self, request: Request, ledger: Ledger) -> None:
        self._request = request
        self._ledger = ledger
        self._manifests: dict[Scope, list[tuple[SourceKey, Found]]] = {}

    def __iter__(self) -> Iterator[Compared]:
        for scope in self._request.scopes:
            known = self._ledger.failures(scope.root)
            failures = {} if self._request.retry else known
            for compared in self._compare(scope, failures):
                if isinstance(compared.found, Found) and compared.found.kind is SourceKind.MANIFEST:
                    yield from self._open_manifest(compared, compared.found, known, failures)
                    continue
                yield compared
                if compared.record is not None and compared.record.kind is SourceKind.MANIFEST:  # gone, and its lines with it
                    for record in self._ledger.records(compared.key.root, compared.key.path):
                        yield Compared(compared.verdict, record.key, record=record)

    def standing_failures(self) -> Iterator[SourceKey]:
        """Every input of the scopes that is in quarantine now."""
        for scope in self._request.scopes:
            yield from (key for key in self._ledger.failures(scope.root) if scope.holds(key.path))

    def _compare(self, scope: Scope, failures: Mapping[SourceKey, Failure]) -> Iterator[Compared]:
        claimed = self._claimed(scope)
        found = walk(scope, self._request.exclude, claimed)
        entries = self._ledger.entries(scope.root, scope.prefix)
        if scope.names is not None:
            items = list(found)
            paths = {item.path for item in items} | {scope.prefix + name for name in scope.names}
            found = iter(items)
            entries = (entry for entry in entries if entry.key.path in paths)
        return compare(scope.root, found, entries, failures, claimed, self._spared())

    def manifests(self, scope: Scope) -> Sequence[tuple[SourceKey, Found]]:
        """The manifests of a scope, looked for once."""
        if scope not in self._manifests:
            self._manifests[scope] = [
                (SourceKey(scope.root, item.path), item)
                for item in walk(scope, self._request.exclude)
                if isinstance(item, Found) and item.kind is SourceKind.MANIFEST
            ]
        return self._manifests[scope]

    def _spared(self) -> Sequence[str]:
        """Directories that were ingested by name and are missing or empty now: an unmounted disk looks the same."""
        named = {_place(scope) for scope in self._request.scopes} | {os.path.join(root, "") for root in self._ledger.roots()}
        named |= {_place(scope) for request in walked_before(self._ledger.walked()) for scope in request.scopes}
        return [directory for directory in sorted(named) if not has_entries(directory)]

    def _claimed(self, scope: Scope) -> frozenset[str]:
        """Pictures that are parts of manifests' documents and therefore none of their own, wherever the manifest lies."""
        claimed: set[str] = set()
        found = dict(self.manifests(scope))
        for manifest in self._ledger.manifests(scope.root):
            on_disk = found.get(manifest.key)
            if on_disk is not None and on_disk.signature == manifest.signature:
                found.pop(manifest.key)
            elif on_disk is not None or scope.holds(manifest.key.path):
                continue  # changed: its lines speak below; or gone
            claimed.update(self._pictures_of_known_lines(manifest.key))
        for key in found:
            try:
                claimed.update(manifest_pictures(key.file))
            except InputFailure:  # it goes into quarantine when its turn comes, and its documents stay
                claimed.update(self._pictures_of_known_lines(key))
        return frozenset(os.path.relpath(picture, scope.root) for picture in claimed)

    def _pictures_of_known_lines(self, manifest: SourceKey) -> Iterator[str]:
        refused = {key: one for key, one in self._ledger.failures(manifest.root).items() if key.path == manifest.path and key.locator}
        # a refused line names the picture of its failure, whatever its document has kept
        records = (record for record in self._ledger.records(manifest.root, manifest.path) if record.key not in refused)
        signatures = [*(record.signature for record in records), *(failure.signature for failure in refused.values())]
        yield from (picture for signature in signatures if (picture := picture_of(signature)))

    def _open_manifest(
        self, manifest: Compared, found: Found, known: Mapping[SourceKey, Failure], failures: Mapping[SourceKey, Failure]
    ) -> Iterator[Compared]:
        """The manifest itself, unless it is as it was, then its lines."""
        if manifest.verdict in (Verdict.QUARANTINED, Verdict.IGNORED):
            yield manifest
            return
        refused = {key: one for key, one in known.items() if key.path == manifest.key.path and key.locator}
        if manifest.verdict is Verdict.UNCHANGED and not (self._request.retry and refused):
            records = list(self._ledger.records(manifest.key.root, manifest.key.path))
            signatures = [record.signature for record in records] + [failure.signature for failure in refused.values()]
            if all(map(picture_unchanged, signatures)):
                yield from (Compared(Verdict.UNCHANGED, record.key, record=record) for record in records)
                yield from (Compared(Verdict.IGNORED if one.ignored else Verdict.QUARANTINED, key) for key, one in refused.items())
                return
        verdict = Verdict.NEW if manifest.record is None else Verdict.CHANGED
        try:
            lines = self._lines(manifest.key, failures)
            first = next(lines, None)  # a file that is no manifest says so here
            yield Compared(verdict, manifest.key, found, manifest.record)
            yield from (line for line in (first,) if line is not None)
            yield from lines
        except InputFailure as failure:
            yield Compared(
                Verdict.OBSTACLE,
                manifest.key,
                record=manifest.record,
                obstacle=Obstacle(manifest.key.path, failure.code, failure.reason, found.signature),
            )

    def _lines(self, manifest: SourceKey, failures: Mapping[SourceKey, Failure]) -> Iterator[Compared]:
        left: dict[str, SourceRecord] = {record.key.locator: record for record in self._ledger.records(manifest.root, manifest.path)}
        for line in read_manifest(manifest.file):
            key = SourceKey(manifest.root, manifest.path, line.locator)
            record = left.pop(line.locator, None)
            match line:
                case ManifestLine():
                    yield Compared(judge(key, line.signature, record, failures.get(key)), key, line, record)
                case RefusedLine():
                    obstacle = Obstacle(manifest.path, line.code, line.reason, line.signature)
                    yield Compared(judge_obstacle(obstacle, failures.get(key)), key, record=record, obstacle=obstacle)
        yield from (Compared(Verdict.GONE, record.key, record=record) for record in left.values())
