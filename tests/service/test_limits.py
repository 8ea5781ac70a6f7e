"""Hostile and broken requests: too large, of the wrong kind, to nowhere. Always a problem in words, never a broken service."""

from __future__ import annotations

import io
import logging
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.service.limits import JSON_BYTES
from tests.folders import picture
from tests.service.houses import TREE, House, house, require_problem, until


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that takes one megabyte at a time."""
    with house(tmp_path_factory.mktemp("small"), TREE, upload_megabytes=1) as one:
        one.ingest()
        yield one


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to have this size; the pixels are not there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def said(caplog: pytest.LogCaptureFixture) -> str:
    """What the service wrote into its log; the log of the server below it is not asked for."""
    return "\n".join(record.getMessage() for record in caplog.records if record.name == "uniir.service")


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/v1/search", "/v1/explain", "/v1/ingest", "/v1/collections", "/v1/failures/ignore"])
def test_a_json_body_that_is_too_large_is_refused(full: House, path: str) -> None:
    require_problem(full.client.post(path, content=b" " * (JSON_BYTES + 1), headers=JSON), 413, "too-large")


@pytest.mark.parametrize("path", ["/v1/search", "/v1/explain", "/v1/ingest"])
def test_a_json_body_without_a_length_is_counted_as_it_comes(full: House, path: str) -> None:
    require_problem(full.client.post(path, content=chunks(JSON_BYTES + 2 * 65_536), headers=JSON), 413, "too-large")


@pytest.mark.parametrize(("path", "part"), [("/v1/images", "image"), ("/v1/search", "image"), ("/v1/ingest/files", "files")])
def test_an_upload_that_is_too_large_is_refused(small: House, path: str, part: str) -> None:
    files = {part: ("big.png", b"\0" * (2**20 + 1)), "request": (None, "{}")}
    require_problem(small.post(path, files=files), 413, "too-large")


def test_an_upload_within_the_limit_is_taken(small: House) -> None:
    noise = io.BytesIO()
    Image.effect_noise((700, 700), 100).save(noise, "PNG")
    assert 2**18 < len(noise.getvalue()) < 2**20
    assert small.post("/v1/images", files={"image": ("noise.png", noise.getvalue())}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/explain", "/v1/ingest", "/v1/collections"])
def test_a_form_where_json_belongs_is_no_upload(full: House, path: str) -> None:
    body = b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--x--\r\n"
    answer = full.client.post(path, content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    require_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml", "json", "text/plain; application/json"]
)
@pytest.mark.parametrize("path", ["/v1/search", "/v1/explain", "/v1/ingest", "/v1/images", "/v1/ingest/files", "/v1/doctor"])
def test_another_content_type_is_refused(full: House, path: str, kind: str) -> None:
    require_problem(full.client.post(path, content=b'{"text": "a"}', headers={"Content-Type": kind}), 415, "unsupported-media-type")


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=x", "; boundary=" + "y" * 500])
def test_a_broken_form_is_refused(full: House, boundary: str) -> None:
    for path in ("/v1/search", "/v1/images", "/v1/ingest/files"):
        answer = full.client.post(path, content=b"--x\r\nnonsense", headers={"Content-Type": f"multipart/form-data{boundary}"})
        require_problem(answer, answer.status_code, "invalid-request")
        assert answer.status_code in (400, 422)


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(full: House) -> None:
    problem = require_problem(full.post("/v1/images", files={"image": ("bomb.png", bomb(40_000, 40_000))}), 422, "query-error")
    assert "1,600 megapixels" in problem["detail"]


def test_the_pixel_limit_of_the_settings_holds(tmp_path: Path) -> None:
    with house(tmp_path, pixel_limit=1000) as here:
        require_problem(here.post("/v1/images", files={"image": ("x.png", picture("red", (40, 40)))}), 422, "query-error")
        assert here.post("/v1/images", files={"image": ("x.png", picture("red", (30, 30)))}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/search/", "/docs", "/redoc", "/v2/search", "/../etc/passwd", "/v1/%2e%2e/metrics", "//"])
def test_an_address_of_nothing_is_not_found(full: House, path: str) -> None:
    require_problem(full.client.get(full.address + path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/search"), ("DELETE", "/v1/collections"), ("PUT", "/v1/ingest"), ("TRACE", "/healthz")]
)
def test_another_method_is_refused_with_those_that_are_possible(full: House, method: str, path: str) -> None:
    answer = full.client.request(method, path)
    require_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"]


def test_a_request_keeps_a_plain_id_and_gets_one_for_any_other(full: House) -> None:
    assert full.get("/healthz", headers={"X-Request-Id": "mine-1.2_3"}).headers["x-request-id"] == "mine-1.2_3"
    for bad in ("a b", "x" * 65, "<script>"):
        assert full.get("/healthz", headers={"X-Request-Id": bad}).headers["x-request-id"] != bad


@pytest.mark.parametrize(
    "query", ["collection=%00", "collection=%ff", "collection=" + "x" * 101, "path=%00", "path=%ed%a0%80", "path=" + "x" * 5000]
)
def test_odd_query_strings_are_answered(full: House, query: str) -> None:
    assert full.get(f"/v1/failures?{query}").status_code in (200, 400, 404, 422)


def test_an_error_nobody_foresaw_is_a_problem_and_stands_in_the_log(
    full: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise ZeroDivisionError("secret details")

    monkeypatch.setattr(full.service, "instructions", break_down)
    answer = full.get("/v1/instructions")
    problem = require_problem(answer, 500, "internal")
    assert "secret details" not in answer.text
    assert any(problem["request_id"] in record.getMessage() and record.exc_info for record in caplog.records)


def test_the_log_has_one_line_for_a_request_and_nothing_of_its_query(full: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="uniir.service"):
        full.post("/v1/search", {"text": "a very private question"}, headers={"X-Request-Id": "searching"})
        full.get("/v1/private-address", headers={"X-Request-Id": "nowhere"})
        until(lambda: "request_id=nowhere" in said(caplog))  # the line comes after the answer
    assert said(caplog).count("request_id=searching") == 1
    assert said(caplog).count("request_id=nowhere") == 1
    assert "method=POST route=/v1/search status=200" in said(caplog)
    assert "private" not in said(caplog)


def test_a_caller_who_goes_away_in_the_middle_is_no_failure_of_the_service(full: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "uniir.service")
    with socket.create_connection((full.client.base_url.host, full.client.base_url.port or 0)) as half:
        half.sendall(b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        time.sleep(0.2)
    until(lambda: "status=499" in said(caplog))
    assert "Traceback" not in caplog.text
