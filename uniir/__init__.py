"""uniir: search in collections where pictures and texts live together."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("uniir")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = ["__version__"]
