"""Documents by id: facts, thumbnails that need not be sent twice, originals that can never become a page."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.folders import picture, rewrite
from tests.service.houses import TREE, House, require_problem


def test_a_document_tells_what_is_known_of_it(full: House) -> None:
    document = full.get(f"/v1/documents/{full.ids()['boat.png']}").json()
    assert document["modality"] == "image,text"
    assert document["text"] == "a blue boat"
    assert document["picture"]["width"] == 640
    assert document["root"] == str(full.corpus)


@pytest.mark.parametrize(("size", "longest"), [(None, 256), (256, 256), (1024, 640)])
def test_a_thumbnail_has_the_size_that_was_asked_for(full: House, size: int | None, longest: int) -> None:
    answer = full.get(f"/v1/documents/{full.ids()['boat.png']}/thumbnail", params={"size": size} if size else {})
    assert answer.headers["content-type"] == "image/jpeg"
    assert max(Image.open(io.BytesIO(answer.content)).size) == longest


def test_a_thumbnail_that_is_known_is_not_sent_again(full: House) -> None:
    path = f"/v1/documents/{full.ids()['red.png']}/thumbnail"
    first = full.get(path)
    again = full.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert full.get(path, headers={"If-None-Match": '"another"'}).content == first.content


def test_a_changed_picture_has_another_tag(fresh: type[House]) -> None:
    here = fresh({"red.png": picture("red", kind="PNG")})
    here.ingest()
    path = f"/v1/documents/{here.ids()['red.png']}/thumbnail"
    before = here.get(path)
    rewrite(here.corpus / "red.png", picture("green", kind="PNG"))
    here.ingest()
    after = here.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.content != before.content


@pytest.mark.parametrize(
    ("name", "media_type", "disposition"),
    [("red.png", "image/png", "inline"), ("cat.md", "text/plain", "inline"), ("page.txt", "text/plain", "inline")],
)
def test_an_original_is_shown_as_what_it_is_and_never_as_a_page(full: House, name: str, media_type: str, disposition: str) -> None:
    answer = full.get(f"/v1/documents/{full.ids()[name]}/original")
    content = TREE[name]
    assert answer.content == (content.encode() if isinstance(content, str) else content)
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["content-disposition"].startswith(disposition)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_an_original_of_another_kind_is_saved_and_not_shown(fresh: type[House]) -> None:
    here = fresh({"lines.jsonl": '{"did": "1", "txt": "<script>alert(1)</script>", "modality": "text"}\n'})
    here.ingest()
    answer = here.get(f"/v1/documents/{here.ids()['lines.jsonl']}/original")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_name_in_any_script_can_be_saved(fresh: type[House]) -> None:
    here = fresh({'r\u00e9d "\u8d64".png': picture("red", kind="PNG")})
    here.ingest()
    (name,) = here.ids()
    assert "r%C3%A9d" in here.get(f"/v1/documents/{here.ids()[name]}/original").headers["content-disposition"]


def test_an_original_that_is_gone_is_not_found(fresh: type[House]) -> None:
    here = fresh({"red.png": picture("red", kind="PNG")})
    here.ingest()
    document = here.ids()["red.png"]
    (here.corpus / "red.png").unlink()
    require_problem(here.get(f"/v1/documents/{document}/original"), 404, "not-found")
    assert here.get(f"/v1/documents/{document}/thumbnail").status_code == 200


def test_a_text_has_no_thumbnail(full: House) -> None:
    require_problem(full.get(f"/v1/documents/{full.ids()['cat.md']}/thumbnail"), 404, "not-found")


@pytest.mark.parametrize("rest", ["", "/thumbnail", "/original"])
@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ("0000000000000", 404, "not-found"),
        ("ZZZZZZZZZZZZZ", 400, "usage-error"),
        ("short", 422, "invalid-request"),
        ("%00", 422, "invalid-request"),
        ("%ed%a0%80", 422, "invalid-request"),
        ("..%2f..%2f..%2fetc%2fpasswd", 404, "not-found"),
        ("/etc/passwd", 404, "not-found"),
        ("%2e%2e/%2e%2e/catalog.sqlite", 404, "not-found"),
    ],
)
def test_nothing_but_an_id_leads_to_a_document(full: House, document: str, rest: str, status: int, code: str) -> None:
    require_problem(full.get(f"/v1/documents/{document}{rest}"), status, code)


@pytest.mark.parametrize("size", ["0", "257", "x", "-1", "1e3", "1024 or 1"])
def test_only_two_sizes_are_made(full: House, size: str) -> None:
    path = f"/v1/documents/{full.ids()['red.png']}/thumbnail"
    require_problem(full.get(path, params={"size": size}), 422, "invalid-request")


@pytest.mark.parametrize("name", ["..%2f" * 8 + "etc%2fpasswd", "0" * 63, "G" * 64, "%00" * 64])
def test_a_kept_picture_is_found_by_its_hash_only(full: House, name: str) -> None:
    assert full.get(f"/v1/images/{name}").status_code in (404, 422)


def test_a_hash_that_is_not_kept_is_not_found(full: House) -> None:
    require_problem(full.get(f"/v1/images/{'0' * 64}"), 404, "not-found")
