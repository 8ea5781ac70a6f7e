"""The page's port: who is let in, where a request goes, what never reaches a browser."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.page.compressing import Compressing
from app.page.dispatching import Dispatcher
from app.page.entry import Door
from app.page.forwarding import Forwarder
from app.page.surroundings import Surroundings, Whereabouts
from app.service.guarding import Rules
from app.service.server import ServerThread
from app.service.sockets import listen
from tests.folders import picture
from tests.service.houses import SECRET, TREE, House, house
from uniir.settings import Settings

TOKEN = "an open sesame"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house"), TREE) as one:
        one.ingest()
        yield one


@pytest.fixture
def open_page(full: House) -> Iterator[httpx.Client]:
    yield from served(full, token=None)


@pytest.fixture
def closed_page(full: House) -> Iterator[httpx.Client]:
    yield from served(full, token=TOKEN)


def served(house: House, token: str | None) -> Iterator[httpx.Client]:
    """A page at a port of its own in front of the house; plain words stand where Streamlit would answer."""
    settings = house.settings.model_copy(update={"token": SecretStr(token) if token else None})
    whereabouts = Whereabouts(Surroundings(house.address, SECRET))
    with listening_at(settings, whereabouts) as address, httpx.Client(base_url=address) as client:
        yield client


@contextmanager
def listening_at(settings: Settings, whereabouts: Whereabouts) -> Iterator[str]:
    words, pictures = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("the page"))]), Forwarder(whereabouts)
    page = Dispatcher(words, words, pictures, None, Rules.of(settings, SECRET), Door(settings), whereabouts, pictures.close)
    listening = listen("127.0.0.1", 0)
    server = ServerThread(lambda _: page, listening.sockets, lifespan="on")
    server.start()
    try:
        yield listening.address
    finally:
        server.stop()
        listening.close()


def test_pictures_of_documents_come_from_the_page_and_nothing_in_them_can_become_one(open_page: httpx.Client, full: House) -> None:
    boat = full.ids()["boat.png"]
    for size in ("256", "1024", "original"):
        answer = open_page.get(f"/media/document/{boat}/{size}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


def test_a_pasted_picture_is_kept_by_the_service_and_shown_again(open_page: httpx.Client) -> None:
    kept = open_page.post("/media/picture", files={"image": ("red.png", picture("red", kind="PNG"))}).json()
    assert open_page.get(f"/media/picture/{kept['id']}").headers["content-type"] == "image/jpeg"


def test_what_is_no_picture_comes_back_as_problem_details(open_page: httpx.Client) -> None:
    answer = open_page.post("/media/picture", files={"image": ("red.png", b"no picture")})
    assert answer.status_code == 422
    assert answer.json()["code"] == "query-error"


@pytest.mark.parametrize(
    "path",
    ["/media/document/../../etc/passwd", "/media/document/0000000000000/256", "/media/document/0000000000001/512", "/media/picture/xyz"],
)
def test_only_pictures_are_behind_their_addresses(open_page: httpx.Client, path: str) -> None:
    answer = open_page.get(path)
    assert answer.status_code in {404, 422} or answer.text == "the page"
    assert SECRET not in answer.text


def test_another_name_for_this_machine_is_refused(open_page: httpx.Client) -> None:
    assert open_page.get("/", headers={"Host": "evil.example"}).status_code == 403


def test_another_site_can_leave_no_picture(open_page: httpx.Client) -> None:
    files = {"image": ("red.png", picture("red", kind="PNG"))}
    assert open_page.post("/media/picture", files=files, headers={"Origin": "http://evil.example"}).status_code == 403


def test_the_service_in_another_process_is_not_offered_at_the_page_s_port(open_page: httpx.Client) -> None:
    assert open_page.get("/v1/collections").status_code == 404


def test_a_service_that_is_away_is_said_to_be(full: House) -> None:
    with listening_at(full.settings, Whereabouts(Surroundings("http://127.0.0.1:9", SECRET))) as address:
        assert httpx.get(f"{address}/media/document/0000000000001/256").status_code == 503


def test_a_service_that_wants_no_key_is_asked_without_one(full: House) -> None:
    boat = full.ids()["boat.png"]
    with listening_at(full.settings, Whereabouts(Surroundings(full.address, ""))) as address:
        assert httpx.get(f"{address}/media/document/{boat}/256").status_code == 200


def test_behind_a_token_nothing_is_shown_without_it(closed_page: httpx.Client, full: House) -> None:
    boat = full.ids()["boat.png"]
    assert closed_page.get(f"/media/document/{boat}/256").status_code == 401
    assert closed_page.get("/_stcore/host-config").status_code == 401
    asked = closed_page.get("/?text=pear", headers=HTML)
    assert "This page wants its token" in asked.text
    assert 'name="to" value="/?text=pear"' in asked.text
    assert "the page" not in asked.text


def test_the_token_opens_the_page_and_leads_on_to_where_one_was_going(closed_page: httpx.Client, full: House) -> None:
    boat = full.ids()["boat.png"]
    answer = closed_page.post("/enter", data={"token": TOKEN, "to": "/?text=pear"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?text=pear")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert TOKEN not in cookie
    assert closed_page.get("/").text == "the page"
    assert closed_page.get(f"/media/document/{boat}/256").status_code == 200


def test_a_wrong_token_is_asked_for_again(closed_page: httpx.Client) -> None:
    answer = closed_page.post("/enter", data={"token": "guess", "to": "/"})
    assert "That is not the token." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_the_form_leads_to_no_other_site(closed_page: httpx.Client, target: str) -> None:
    assert closed_page.post("/enter", data={"token": TOKEN, "to": target}).headers["location"] == "/"


def test_what_is_in_the_form_is_text(closed_page: httpx.Client) -> None:
    asked = closed_page.get('/?text="><script>alert(1)</script>', headers=HTML)
    assert "<script>" not in asked.text


def test_a_program_may_bring_the_token_in_a_header(closed_page: httpx.Client) -> None:
    assert closed_page.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).text == "the page"


def test_the_page_s_own_file_is_streamlit_s_with_our_name() -> None:
    from app.page.index import Index

    async def answer() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Index()), base_url="http://page") as client:
            return (await client.get("/")).text

    import anyio

    page = anyio.run(answer)
    assert "<title>uniir</title>" in page
    assert "BACKEND_BASE_URL" in page, "Streamlit's file has changed; see app/page/index.py"
    assert re.search(r'modulepreload" crossorigin href="\./static/js/TextInput\.', page), "Streamlit's scripts have other names now"


@pytest.mark.parametrize("path", ["/nothing", "/nothing/here?text=pear", "/search/"])
def test_an_address_that_no_screen_has_says_so_and_leads_back(open_page: httpx.Client, path: str) -> None:
    answer = open_page.get(path, headers=HTML)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert 'href="/"' in answer.text


def test_the_pages_own_files_are_no_misspelt_addresses(open_page: httpx.Client) -> None:
    assert open_page.get("/static/js/index.js", headers=HTML).text == "the page"


@pytest.mark.parametrize(("client", "coding"), [("192.0.2.7", "gzip"), ("127.0.0.1", None), ("::1", None)])
def test_scripts_are_compressed_for_other_machines_only(client: str, coding: str | None) -> None:
    script = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("let pear = 1;" * 1000))])
    transport = httpx.ASGITransport(Compressing(script), client=(client, 4711))

    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as http:
            return await http.get("/static/js/index.js")

    answer = asyncio.run(asked())
    assert answer.headers.get("content-encoding") == coding
    assert answer.text == "let pear = 1;" * 1000
