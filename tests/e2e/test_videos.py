"""The story of a person who looks at scanned videos in the App."""

import shutil

import pytest

from tests.e2e.conftest import A_SCAN, opened_panel
from tests.films import film, films_of, write_film

needs_ffmpeg = pytest.mark.skipif(
    shutil.which("ffprobe") is None, reason="the App plays videos only with ffmpeg"
)


@pytest.fixture(scope="module")
def films(fiftyone, server, tmp_path_factory, draw):
    """A film and its equal in train, its half in test; another, black for a while."""
    import fiftyone.operators as foo

    root = tmp_path_factory.mktemp("films")
    first, second = film(draw, 1, step=2), film(draw, 2, step=2)
    write_film(root / "train" / "film.webm", first)
    shutil.copyfile(root / "train" / "film.webm", root / "train" / "again.webm")
    write_film(root / "test" / "half.webm", first[:60])
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
    with opened_panel(browser, server, films) as app:
        yield app


def test_the_tabs_speak_of_videos_and_show_them_as_strips(page):
    page.sees("videos scanned on")
    page.shot("_videos-overview")
    page.tab("Leaks")
    page.sees("videos have a copy in another split")
    page.shot("_videos-leaks")
    page.tab("Duplicates")
    page.sees("partly the same")
    page.shot("_videos-duplicates")
    strip = page.panel.locator("img").first
    assert strip.evaluate("img => img.complete && img.naturalWidth > img.naturalHeight")


@needs_ffmpeg
def test_a_video_is_opened_and_plays(page):
    page.open_picture()
    # On a busy machine the App takes most of a minute to load a video
    page.page.wait_for_function(_SHOWS, arg="0:00.00 / 0:02.40", timeout=A_SCAN)
    page.shot("_videos-opened")
    page.page.keyboard.press("Space")

    # Played to its end, the time stands at it or begins anew: it has moved once
    page.page.wait_for_function(
        f"() => !({_SHOWS})('0:00.00 / 0:02.40')", timeout=A_SCAN
    )

    page.shot("_videos-playing")
    page.close_picture()


def test_each_stretch_is_a_clip_in_the_grid(page):
    page.tab("Bad files")
    page.sees("Stretches of videos")
    page.press("Show videos with bad stretches")
    page.grid_shows(1)
    page.press("Show each stretch as a clip")
    page.grid_shows(4)
    page.shot("_videos-clips")


_SHOWS = "text => document.querySelector('#modal')?.innerText.includes(text)"
