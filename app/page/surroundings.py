"""What the page's script must know: it runs in this process, but reaches the service over HTTP like everybody else."""

from __future__ import annotations

from dataclasses import dataclass

SERVICE, KEY = "UNIIR_PAGE_SERVICE", "UNIIR_PAGE_KEY"  # app.web.session reads them


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Address of the service, and the secret or token it wants."""

    service: str
    key: str

    def as_environment(self) -> dict[str, str]:
        return {SERVICE: self.service, KEY: self.key}
