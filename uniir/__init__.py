"""uniir: search in collections where pictures and texts live together."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uniir.client import Client

try:
    __version__ = version("uniir")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__", "connect"]


def connect(address: str, token: str | None = None) -> Client:
    """A client of the service at this address, such as http://127.0.0.1:8765. Raises UsageError for what is no address."""
    from uniir.client import Client  # only who connects pays for loading it

    return Client(address, token)
