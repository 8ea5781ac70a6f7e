"""Every error a person can meet, with what happened and the way out.

UniirError                 exit 1   our fault, or something nobody foresaw
|- UsageError              exit 2   a wrong option, id, path or file given by the user
|  |- SettingsError        exit 2   a setting that can't be used
|  |- QueryError           exit 2   a query that can't be answered as asked
|  |- SpaceMismatch        exit 2   vectors of two spaces would have met
|  |- NotFound             exit 2   no document, collection, job or picture of that name
|  |- NotAllowed           exit 2   a service wants its secret or token for this
|  `- TooLarge             exit 2   more bytes than a service takes
|- Unavailable             exit 4   a store, a model or a service is not reachable
|  |- DirectoryInUse       exit 4   another process owns the data directory, or its owner is busy with something else
|  |- StoreUnavailable     exit 4   the vector store or the catalog does not answer
|  |- ModelUnavailable     exit 4   weights or libraries of a model are not here
|  `- ServiceUnavailable   exit 4   no service answers at that address
`- Interrupted             exit 130 stopped by the user; what was done is kept

InputFailure               one input that can't be used: data for the quarantine, never the end of a run
"""

from __future__ import annotations

from dataclasses import dataclass


class UniirError(Exception):
    """What happened, on what, and the way out."""

    exit_code = 1

    def __init__(self, what: str, way_out: str = "") -> None:
        super().__init__(f"{what} {way_out}".strip())
        self.what = what
        self.way_out = way_out


class UsageError(UniirError):
    exit_code = 2


class SettingsError(UsageError):
    pass


class QueryError(UsageError):
    pass


class SpaceMismatch(UsageError):
    pass


class NotFound(UsageError):
    pass


class NotAllowed(UsageError):
    pass


class TooLarge(UsageError):
    pass


class Unavailable(UniirError):
    exit_code = 4


class DirectoryInUse(Unavailable):
    pass


class StoreUnavailable(Unavailable):
    pass


class ModelUnavailable(Unavailable):
    pass


class ServiceUnavailable(Unavailable):
    pass


class Interrupted(UniirError):
    exit_code = 130


class InputFailure(Exception):
    """One input that can't be used: a short code for programs, a sentence for people."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ItemFailure:
    """An InputFailure as data: which item of a batch, and why."""

    position: int
    code: str
    reason: str
