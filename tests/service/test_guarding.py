"""Who may ask: every kind of route against every kind of caller, and requests that were meant for or sent by others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.service.guarding import Rules
from app.service.server import serve
from tests.folders import picture
from tests.service.houses import SECRET, TREE, House, house, require_problem, settings_of
from uniir.errors import UsageError

TOKEN = "a token of the settings"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a token."""
    with house(tmp_path_factory.mktemp("closed"), TREE, token=TOKEN) as one:
        yield one


READING = {
    "search": ("POST", "/v1/search", {"json": {"text": "a"}}),
    "explain": ("POST", "/v1/explain", {"json": {"search": {"text": "a"}, "document": "0" * 13}}),
    "keep a picture": ("POST", "/v1/images", {"files": {"image": ("a.png", picture("red"))}}),
    "a kept picture": ("GET", f"/v1/images/{'0' * 64}", {}),
    "document": ("GET", f"/v1/documents/{'0' * 13}", {}),
    "thumbnail": ("GET", f"/v1/documents/{'0' * 13}/thumbnail", {}),
    "original": ("GET", f"/v1/documents/{'0' * 13}/original", {}),
    "instructions": ("GET", "/v1/instructions", {}),
    "examples": ("GET", "/v1/examples", {}),
    "collections": ("GET", "/v1/collections", {}),
    "failures": ("GET", "/v1/failures", {}),
    "jobs": ("GET", "/v1/ingest", {}),
    "job": ("GET", f"/v1/ingest/{'0' * 13}", {}),
    "events": ("GET", f"/v1/ingest/{'0' * 13}/events", {}),
    "doctor": ("POST", "/v1/doctor", {"json": {}}),
    "spaces": ("GET", "/v1/spaces", {}),
    "ready": ("GET", "/readyz", {}),
    "metrics": ("GET", "/metrics", {}),
    "schema": ("GET", "/openapi.json", {}),
}
OPEN_CHANGES = {
    "cancel": ("POST", f"/v1/ingest/{'0' * 13}/cancel", {}),
    "retry": ("POST", f"/v1/ingest/{'0' * 13}/retry", {}),
    "upload": ("POST", "/v1/ingest/files", {"files": {"files": ("a.exe", b"")}}),
    "ignore": ("POST", "/v1/failures/ignore", {"json": {"paths": ["/nowhere"]}}),
    "new collection": ("POST", "/v1/collections", {"json": {"name": ""}}),
}
GUARDED = {
    "repair": ("POST", "/v1/doctor", {"json": {"repair": True}}),
    "rebuild": ("POST", "/v1/rebuild", {"json": {}}),
    "delete": ("POST", "/v1/delete", {"json": {"ids": ["0" * 13], "dry_run": True}}),
    "an encoder by its path": ("POST", "/v1/collections", {"json": {"name": "x", "encoder": "st:/nowhere"}}),
    "backup": ("POST", "/v1/backup", {"json": {"path": "/nowhere", "dry_run": True}}),
    "restore": ("POST", "/v1/restore", {"json": {"path": "/nowhere"}}),
    "add a space": ("POST", "/v1/spaces", {"json": {"encoder": "no such encoder"}}),
    "promote a space": ("POST", "/v1/spaces/promote", {"json": {}}),
    "go back to a space": ("POST", "/v1/spaces/rollback", {"json": {}}),
    "remove a space": ("POST", "/v1/spaces/remove", {"json": {}}),
    "ingest from anywhere": ("POST", "/v1/ingest", {"json": {"paths": ["/no/such/place"]}}),
}
EVERYTHING = READING | OPEN_CHANGES | GUARDED
WRONG = (None, "Bearer", "Bearer wrong", f"Basic {SECRET}", f"Bearer {SECRET}x", f"Bearer {SECRET[:-1]}", "Bearer \u00e4")


def ask(one: House, what: str, authorization: str | None = None, **headers: str) -> httpx.Response:
    method, path, options = EVERYTHING[what]
    if authorization is not None:
        headers["Authorization"] = authorization
    sent = {name: value.encode() for name, value in headers.items()}
    return one.client.request(method, path, headers=sent, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("what", READING | OPEN_CHANGES)
def test_without_a_token_loopback_reads_and_ingests(full: House, what: str) -> None:
    assert ask(full, what).status_code not in (401, 403)


@pytest.mark.parametrize(("what", "authorization"), list(itertools.product(GUARDED, WRONG)))
def test_what_changes_more_wants_the_secret(full: House, what: str, authorization: str | None) -> None:
    answer = ask(full, what, authorization)
    require_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("what", GUARDED)
def test_the_secret_opens_everything(full: House, what: str) -> None:
    assert ask(full, what, f"Bearer {SECRET}").status_code not in (401, 403)


@pytest.mark.parametrize(("what", "authorization"), list(itertools.product(EVERYTHING, (None, "Bearer wrong"))))
def test_with_a_token_nothing_is_open(closed: House, what: str, authorization: str | None) -> None:
    require_problem(ask(closed, what, authorization), 401, "unauthorized")


@pytest.mark.parametrize(("what", "key"), list(itertools.product(EVERYTHING, (TOKEN, SECRET))))
def test_the_token_opens_everything_and_so_does_the_secret(closed: House, what: str, key: str) -> None:
    assert ask(closed, what, f"Bearer {key}").status_code not in (401, 403)


def test_whether_it_lives_is_told_to_everybody(closed: House) -> None:
    assert closed.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1"])
def test_a_request_meant_for_another_host_is_refused(full: House, host: str) -> None:
    require_problem(ask(full, "collections", Host=host), 403, "forbidden")


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "LOCALHOST:8765", "[::1]:8765"])
def test_every_name_of_this_machine_for_itself_is_right(full: House, host: str) -> None:
    assert ask(full, "collections", Host=host).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1", "http://localhost:3000", "file://"])
@pytest.mark.parametrize("what", ["search", "upload", "retry", "new collection"])
def test_another_sites_page_can_send_nothing(full: House, what: str, origin: str) -> None:
    require_problem(ask(full, what, Origin=origin), 403, "forbidden")
    require_problem(ask(full, what, **{"Sec-Fetch-Site": "cross-site"}), 403, "forbidden")


def test_a_page_of_its_own_may_send(full: House) -> None:
    assert ask(full, "search", Origin=full.address, **{"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_a_page_elsewhere_is_not_allowed_to_read(full: House) -> None:
    answer = ask(full, "collections", Origin="http://evil.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/etc", "relative", "", "{corpus}/../outside", "{corpus}/link", "{corpus}\0", "~", "{corpus}x"])
def test_only_allowed_folders_are_read_for_everybody(tmp_path: Path, path: str) -> None:
    with house(tmp_path, {"in.txt": "inside"}) as here:
        (tmp_path / "outside").mkdir()
        (tmp_path / "corpusx").mkdir()
        (here.corpus / "link").symlink_to(tmp_path / "outside")
        answer = here.post("/v1/ingest", {"paths": [str(here.corpus), path.replace("{corpus}", str(here.corpus))]})
        assert answer.status_code in (400, 401), answer.text
        require_problem(answer, answer.status_code, "usage-error" if answer.status_code == 400 else "unauthorized")
        assert here.get("/v1/ingest").json()["jobs"] == []


def test_a_folder_below_an_allowed_one_is_read_for_everybody(tmp_path: Path) -> None:
    with house(tmp_path, {"deep": {"in.txt": "inside"}}) as here:
        assert here.post("/v1/ingest", {"paths": [str(here.corpus / "deep")]}).status_code == 202


def test_weights_that_an_ingest_names_by_their_path_are_not_read_for_everybody(tmp_path: Path) -> None:
    with house(tmp_path, {"in.txt": "inside"}) as here:
        answer = here.post("/v1/ingest", {"paths": [str(here.corpus)], "collection": "new", "encoder": "st:/nowhere"})
        require_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com", ""])
@pytest.mark.parametrize("token", [None, ""])
def test_nobody_listens_to_a_network_without_a_token(tmp_path: Path, host: str, token: str | None) -> None:
    settings = settings_of(tmp_path, host=host, token=token)
    with pytest.raises(UsageError, match="token"):
        serve(settings, print)
    with pytest.raises(UsageError, match="token"):
        Rules.of(settings, SECRET)
    assert not settings.data_dir.exists()


def test_who_speaks_for_visitors_can_ask_to_be_held_to_the_allowed_folders(tmp_path: Path) -> None:
    with house(tmp_path, {"in.txt": "inside"}) as here:
        (tmp_path / "outside").mkdir()
        asked = {"paths": [str(tmp_path / "outside")], "within_roots": True}
        require_problem(here.post("/v1/ingest", asked, headers=here.key), 401, "unauthorized")
        assert here.post("/v1/ingest", asked | {"within_roots": False}, headers=here.key).status_code == 202
