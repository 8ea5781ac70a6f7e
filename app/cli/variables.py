"""Environment variables that are named like settings and are none: most likely they are misspelt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_PREFIX = "UNIIR_"
# What is read by others than the settings: this command line, the page's script, compose files, tests.
_OTHERS = frozenset({"DEBUG", "PAGE_SERVICE", "PAGE_KEY", "CPUS", "MEMORY", "CORPUS", "SERVICE_PORT", "SCREENSHOTS"})
_OF_TESTS = ("LIVE_", "PARITY_", "REQUIRE_", "TEST_")


def misspelt(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each, with the names that are near it."""
    asked = {name.upper().removeprefix(_PREFIX): name for name in environment if name.upper().startswith(_PREFIX)}
    unread = {bare for bare in asked if bare not in _OTHERS and not bare.startswith(_OF_TESTS)}
    if not unread:
        return
    from uniir.settings import Settings
    from uniir.spelling import near

    known = {name.upper() for name in Settings.model_fields}
    for bare in sorted(unread - known):
        yield f"{asked[bare]} is no setting and is passed over. {near(bare, known, _PREFIX)}`uniir config` lists the settings."
