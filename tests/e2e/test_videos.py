"""The story of a person who looks at a scanned set of videos in the App."""

import shutil

import pytest

from tests.e2e.conftest import App
from tests.films import film, films_of, write_film


@pytest.fixture(scope="module")
def films(fiftyone, server, tmp_path_factory, draw):
    """A film in train, its half in test, its equal, a third and a damaged file."""
    import fiftyone.operators as foo

    root = tmp_path_factory.mktemp("films")
    first = film(draw, 1, step=2)
    write_film(root / "train" / "film.webm", first)
    shutil.copyfile(root / "train" / "film.webm", root / "train" / "again.webm")
    write_film(root / "test" / "half.webm", first[:60])
    second = film(draw, 2, step=2)
    black = [0 * second[0]] * 50
    write_film(root / "train" / "black.webm", [*second[:40], *black, *second[90:]])
    dataset = films_of(root)
    dataset.name, dataset.persistent = "my-films", True
    scan = foo.get_operator("@winnow/curate/scan")
    scan(dataset, split_by=["train", "test"], progress=False)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def page(browser, server, films):
    app = App(browser, server, films.name)
    app.open_panel()
    yield app
    app.page.context.close()


def test_the_tabs_speak_of_videos_and_show_them_as_strips(page):
    page.sees("videos scanned on")
    page.shot("_videos-overview")
    for tab, words in (
        ("Duplicates", "near copy"),
        ("Leaks", "Show in grid"),
        ("Bad files", "Stretches of videos"),
    ):
        page.tab(tab)
        page.sees(words)
        page.shot(f"_videos-{tab.lower().replace(' ', '-')}")
    page.tab("Duplicates")
    strip = page.panel.locator("img").first
    assert strip.evaluate("img => img.complete && img.naturalWidth > img.naturalHeight")


def test_stretches_are_clips_in_the_grid(page):
    page.tab("Bad files")
    page.press("Show in grid")
    page.grid_shows(4)
    page.shot("_videos-clips")


def test_a_video_is_opened_and_plays(page, films):
    page.page.goto(page.page.url.split("?")[0])
    page.grid_shows(len(films))
    page.page.locator("[data-cy='looker']").first.click()
    modal = page.page.locator("[data-cy='modal']")
    modal.wait_for()
    page.page.wait_for_timeout(3000)
    page.page.keyboard.press("Space")
    page.page.wait_for_timeout(1500)
    page.page.keyboard.press("Space")
    page.shot("_videos-playing")

    times = page.page.evaluate(
        "[...document.querySelectorAll('video')].map(video => video.currentTime)"
    )
    page.page.keyboard.press("Escape")
    assert max(times, default=0) > 0.2
