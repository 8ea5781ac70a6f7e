"""Searching on the page: by words, by picture however it comes, by both, and with everything that can be set."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.folders import encoded
from tests.web.browsing import Visitor
from tests.web.search_screen import PLACE, SearchScreen
from tests.web.serving import Library

pytestmark = pytest.mark.slow
Visit = Callable[..., Visitor]


@pytest.fixture
def motorcycle(library: Library) -> Path:
    """A photograph of the motorcycle that is in the corpus, taken from a little further right."""
    return library.questions / "motorcycle_right.png"


def test_words_find_what_they_describe(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone).search("old silver coins")
    expect(screen.tiles.first).to_contain_text("coins")
    expect(screen.tiles).to_have_count(12)
    assert [int(found[1]) for found in map(PLACE.match, screen.names) if found] == list(range(1, 13))
    assert {found[2] for found in map(PLACE.match, screen.names) if found} == {"picture", "text", "pair"}
    someone.shot("results-light", whole=True)


def test_an_uploaded_picture_finds_its_like(visitor: Visit, motorcycle: Path) -> None:
    someone = visitor()
    screen = SearchScreen(someone).add_picture(motorcycle)
    screen.button("Search").click()
    screen.wait_for_results()
    expect(screen.tiles.first).to_contain_text("motorcycle")
    someone.shot("results-by-picture")


def test_a_pasted_picture_finds_its_like(visitor: Visit, motorcycle: Path) -> None:
    screen = SearchScreen(visitor())
    expect(screen.field).to_be_visible()
    screen.paste(motorcycle)
    expect(screen.picture).to_be_visible()
    screen.wait_for_results()
    expect(screen.tiles.first).to_contain_text("motorcycle")


def test_words_that_stand_in_the_field_count_when_a_picture_is_pasted(visitor: Visit, motorcycle: Path) -> None:
    screen = SearchScreen(visitor())
    screen.field.fill("after the winter")
    screen.paste(motorcycle)
    expect(screen.page).to_have_url(re.compile("text=after.the.winter&picture=[0-9a-f]{64}"))
    expect(screen.field).to_have_value("after the winter")
    expect(screen.tiles.first).to_contain_text("motorcycle")


def test_a_dropped_picture_finds_its_like(visitor: Visit, motorcycle: Path) -> None:
    screen = SearchScreen(visitor())
    expect(screen.field).to_be_visible()
    screen.drop(motorcycle)
    expect(screen.picture).to_be_visible()
    screen.wait_for_results()
    expect(screen.tiles.first).to_contain_text("motorcycle")


def test_picture_and_words_together(visitor: Visit, motorcycle: Path) -> None:
    someone = visitor()
    screen = SearchScreen(someone).add_picture(motorcycle).search("getting it ready after the winter")
    expect(screen.tiles.first).to_contain_text("motorcycle")
    expect(screen.page).to_have_url(re.compile("picture=[0-9a-f]{64}"))
    someone.shot("results-by-both")


def test_a_removed_picture_no_longer_counts(visitor: Visit, motorcycle: Path) -> None:
    screen = SearchScreen(visitor()).add_picture(motorcycle)
    screen.button("Remove the picture").click()
    expect(screen.picture).to_be_hidden()
    screen.search("the surface of the moon")
    expect(screen.tiles.first).to_contain_text("moon")
    expect(screen.page).not_to_have_url(re.compile("picture="))


def test_nothing_given_is_told_and_not_searched(visitor: Visit) -> None:
    screen = SearchScreen(visitor())
    screen.button("Search").click()
    expect(screen.page.get_by_text("Type something or add a picture.")).to_be_visible()


def test_only_one_kind_of_result(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    screen.choose_kind("Texts")
    expect(screen.page).to_have_url(re.compile("kind=text"))
    screen.expect_only("text")


def test_options_change_the_search_and_go_back_to_normal(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone).search("a picture of something orange")
    with screen.options():
        screen.page.get_by_label("Only paths that start with").fill("photos/")
        screen.page.get_by_label("Not like").fill("flower")
        someone.shot("options")
        screen.page.get_by_label("Not like").press("Enter")
    expect(screen.button("Options · 2")).to_be_visible()
    expect(screen.page).to_have_url(re.compile("path=photos"))
    screen.expect_only("picture")
    with screen.options():
        screen.button("Back to normal").click()
    expect(screen.button("Options")).to_be_visible()
    expect(screen.page).not_to_have_url(re.compile("path="))


def test_a_filter_narrows_and_says_where_it_can_not_be_read(visitor: Visit) -> None:
    screen = SearchScreen(visitor(), "/?text=something+orange&where=modality%3Atext")
    screen.wait_for_results()
    screen.expect_only("text")
    with screen.options():
        field = screen.page.get_by_role("textbox", name="Only what fits this filter")
        expect(field).to_have_value("modality:text")
        field.fill("modality:")
        field.press("Enter")
    expect(screen.page.get_by_text("a value is missing")).to_be_visible()


def test_the_number_of_results_can_be_set(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    with screen.options():
        screen.page.get_by_label("Number of results").fill("5")
        screen.page.get_by_label("Number of results").press("Enter")
    expect(screen.tiles).to_have_count(5)


def test_weights_turn_the_search_to_picture_or_words(visitor: Visit, motorcycle: Path) -> None:
    screen = SearchScreen(visitor()).add_picture(motorcycle).search("a cup of coffee on a table")
    with screen.options():
        screen.slide("Weight of the picture", "Home")
    expect(screen.page).to_have_url(re.compile("picture_weight=0"))
    expect(screen.tiles.first).to_contain_text("coffee")


def test_chips_show_one_kind_of_what_is_there(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    address = screen.page.url
    screen.page.get_by_role("radio", name=re.compile("^Texts")).click()
    screen.expect_only("text")
    assert screen.page.url == address


def test_more_results_come_below_and_the_rest_stays(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a cat")
    expect(screen.tiles).to_have_count(12)
    before = list(screen.names)
    screen.button("Show 24 more").click()
    expect(screen.tiles).to_have_count(36)
    assert list(screen.names)[:12] == before
    assert len(set(screen.names)) == 36


def test_more_like_a_result(visitor: Visit) -> None:
    screen = SearchScreen(visitor()).search("a tabby cat")
    screen.tile("tabby cat").hover()
    screen.tile("tabby cat").get_by_role("button", name="More like this").click()
    expect(screen.page).to_have_url(re.compile("like="))
    screen.wait_for_results()
    expect(screen.tiles.first).to_contain_text(re.compile("cat|chelsea", re.IGNORECASE))


def test_reranking_can_be_switched(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone).search("a cat that sleeps")
    switch = screen.page.get_by_role("switch", name="Rerank")
    expect(switch).to_be_visible()
    was = switch.is_checked()
    screen.page.get_by_text("Rerank", exact=True).first.click()
    expect(screen.page).to_have_url(re.compile("rerank=off" if was else "rerank=on"))
    if not was:
        expect(screen.page.get_by_text(re.compile(r"Top \d+ reranked|Not reranked")).first).to_be_visible()
    someone.shot("reranked")


def test_nothing_found_names_its_limits_and_lifts_them(visitor: Visit) -> None:
    someone = visitor()
    screen = SearchScreen(someone, "/?text=violin+rosin&kind=pair&path=nowhere/")
    expect(screen.page.get_by_text("Nothing found for “violin rosin”")).to_be_visible()
    expect(screen.page.get_by_text("Two limits are on. Lift one, or ask in another way.")).to_be_visible()
    expect(screen.page.get_by_test_id("stSkeleton")).to_have_count(0)
    someone.shot("nothing-found")
    screen.button("Lift both").click()
    screen.wait_for_results()


def test_a_picture_with_too_many_pixels_is_refused(visitor: Visit, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(encoded(Image.new("1", (16_000, 12_000)), "PNG"))
    someone = visitor()
    screen = SearchScreen(someone)
    screen.button("Picture").click()
    screen.page.locator("input[type=file]").set_input_files(bomb)
    expect(screen.page.get_by_text("This picture could not be used.")).to_be_visible()
    expect(screen.page.get_by_text(re.compile("192 megapixels"))).to_be_visible()
    expect(screen.picture).to_be_hidden()
    someone.shot("picture-refused")


def test_a_link_shows_the_same_search_to_somebody_else(visitor: Visit, motorcycle: Path) -> None:
    screen = SearchScreen(visitor()).add_picture(motorcycle).search("after the winter")
    screen.choose_kind("Pairs")
    expect(screen.page).to_have_url(re.compile("kind=pair"))
    screen.expect_only("pair")
    other = SearchScreen(visitor(), screen.page.url.removeprefix(screen.visitor.address)).wait_for_results()
    expect(other.picture).to_be_visible()
    expect(other.field).to_have_value("after the winter")
    assert list(other.names) == list(screen.names)


def test_a_link_with_a_picture_that_is_gone_says_so(visitor: Visit) -> None:
    someone = visitor()
    someone.expects("404 .*/media/picture/0{64}")
    screen = SearchScreen(someone, f"/?text=cat&picture={'0' * 64}")
    expect(screen.page.get_by_text("The picture of this link is no longer kept. Add it again.")).to_be_visible()


def test_two_people_at_once_get_their_own_results(visitor: Visit, library: Library, motorcycle: Path) -> None:
    one, other = SearchScreen(visitor()), SearchScreen(visitor())
    one.add_picture(motorcycle)
    other.add_picture(library.corpus / "photos" / "chelsea.png")
    one.button("Search").click()
    other.button("Search").click()
    one.wait_for_results()
    other.wait_for_results()
    expect(one.tiles.first).to_contain_text("motorcycle")
    expect(other.tiles.first).to_contain_text(re.compile("chelsea|cat", re.IGNORECASE))


def test_the_last_of_two_quick_searches_wins(visitor: Visit) -> None:
    screen = SearchScreen(visitor())
    screen.settle()
    screen.enter("a cup of coffee")
    screen.enter("old silver coins")
    expect(screen.page).to_have_url(re.compile("coins"))
    expect(screen.tiles.first).to_contain_text("coins")
