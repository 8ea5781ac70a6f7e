"""What the page's script must know: it runs in this process, but reaches the service over HTTP like everybody else."""

from __future__ import annotations

import os
from dataclasses import dataclass

SERVICE, KEY = "UNIIR_PAGE_SERVICE", "UNIIR_PAGE_KEY"  # app.web.session reads them


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Address of the service, and the secret or token it wants."""

    service: str
    key: str


class Whereabouts:
    """Where the service is now: an owner that was started again has another secret, and often another address."""

    def __init__(self, now: Surroundings) -> None:
        self.now = now
        self.move(now)

    def move(self, now: Surroundings) -> None:
        """Tells the page's script as well."""
        self.now = now
        os.environ.update({SERVICE: now.service, KEY: now.key})
