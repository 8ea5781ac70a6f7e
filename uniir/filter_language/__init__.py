"""Conditions that people write to narrow a search, read into a typed tree. A value never becomes syntax."""

from uniir.filter_language.reading import MAX_LENGTH, read_filter
from uniir.filter_language.tree import Condition, Key
from uniir.filter_language.writing import written

__all__ = ["MAX_LENGTH", "Condition", "Key", "read_filter", "written"]
