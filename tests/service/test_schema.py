"""Requests made up from the schema, sensible and not: the service never breaks, and answers what the schema says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.local.opening import own
from app.service.application import create_app
from tests.folders import lay
from tests.service.houses import SECRET, TREE, settings_of
from tests.worlds import open_fresh_catalog
from uniir.wire import IngestRequest

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

# With the secret any folder of this machine could come up; and while a space is filled, nothing else is changed.
TOO_MUCH = {("post", "/v1/ingest"), ("post", "/v1/backup"), ("post", "/v1/spaces")}


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, SECRET])
def test_no_request_breaks_the_service_or_surprises_the_schema(tmp_path: Path, key: str | None) -> None:
    here = settings_of(tmp_path)
    lay(tmp_path / "corpus", TREE)
    open_fresh_catalog(here.catalog_file).close()
    with own(here, "tests") as service:
        list(service.follow(service.start_ingest(IngestRequest(paths=[str(tmp_path / "corpus")])).id))
        app = create_app(service, here, SECRET)
        schema = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "localhost"})
        headers = {"Host": "localhost"} | ({"Authorization": f"Bearer {key}"} if key else {})
        for found in schema.get_all_operations():
            operation = found.ok()
            if key is not None and (operation.method, operation.path) in TOO_MUCH:
                continue
            attempt(operation, GenerationMode.POSITIVE, headers)
            if operation.body or list(operation.iter_parameters()):  # else there is nothing to be wrong
                attempt(operation, GenerationMode.NEGATIVE, headers)


def attempt(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    """A few dozen made-up requests to one operation."""

    @settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    run()
