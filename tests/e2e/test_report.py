"""The report in a real browser: bright, dark, narrow and on paper; and its forms."""

import importlib
import io
import os

import pytest
from PIL import Image

from core.reading.folders import list_images
from tests.e2e.conftest import ROOT, SHOTS, App

WHITE = "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def scanned(fiftyone, images):
    fiftyone.operators.list_operators()
    plugin = "fiftyone.plugins.orgs.winnow.curate"
    folders = importlib.import_module(f"{plugin}.operators.adapter.dataset.from_folder")
    data = folders.load_folder(list_images(images))
    data.dataset.name = "photos"
    scan = fiftyone.operators.get_operator("@winnow/curate/scan")
    scan(
        data.view,
        label_field="ground_truth",
        split_by=["train", "valid", "test"],
        progress=False,
    )
    return data.dataset


@pytest.fixture(scope="module")
def report(fiftyone, scanned, tmp_path_factory):
    write = fiftyone.operators.get_operator("@winnow/curate/report")
    return write(scanned, tmp_path_factory.mktemp("report")).html


@pytest.fixture
def opened(browser, report):
    """Opens the report: ``opened(width=400, theme="dark")``."""
    contexts = []

    def open_report(*, width=1280, height=1240, theme="light", media="screen"):
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=theme
            )
        )
        page = contexts[-1].new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.emulate_media(media=media, color_scheme=theme)
        page.goto(report.as_uri())
        return page

    yield open_report
    for context in contexts:
        context.close()


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_all_pictures_show_and_nothing_sticks_out(opened, width):
    page = opened(width=width)

    pictures = page.evaluate("[...document.images].map(one => one.naturalWidth)")
    assert len(pictures) > 100 and all(pictures)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []


def test_a_click_or_the_space_bar_enlarges_a_pair_and_takes_it_back(opened):
    page = opened()
    picture = page.locator("ul.pairs img").first
    small = picture.bounding_box()

    picture.click()
    large = picture.bounding_box()
    assert large["height"] > 4 * small["height"]
    assert page.locator(".zoom:checked + .pictures img").count() == 2
    _keep(page, "_report-enlarged")
    page.keyboard.press("Space")
    assert picture.bounding_box()["height"] == small["height"]


def test_it_is_dark_where_a_person_likes_it_dark_and_white_on_paper(opened):
    dark, paper = opened(theme="dark"), opened(theme="dark", media="print")

    assert sum(map(int, background(dark)[4:-1].split(", "))) < 100
    assert background(paper) == WHITE
    assert len(paper.pdf(format="A4")) > 100_000
    _keep(dark, "_report-dark")


def test_a_picture_of_it_for_the_documentation(opened):
    page = opened()

    _keep(page, "report")

    assert page.get_by_text("At a glance").is_visible()


def test_the_app_shows_what_a_policy_says(browser, server, scanned):
    app = App(browser, server, scanned.name)
    app.grid_shows(354)
    # By its key: where a panel is open the button may lie behind it
    browse = app.page.locator("[data-cy='operators-browser'] input")
    for _ in range(10):
        app.page.keyboard.press("`")
        app.page.wait_for_timeout(3000)
        if browse.is_visible():
            break
    browse.fill("policy")
    app.page.get_by_text("Winnow: compare with a policy").first.click()
    form = app.page.locator("[data-cy='operators-prompt-modal']")

    app.sees("fails", form)
    app.shot("_audit")
    form.get_by_role("button", name="Compare", exact=True).click()
    form.get_by_role("button", name="Close").wait_for()
    app.sees("no leaks: 40 of 354 images", form)
    app.page.context.close()


def test_the_report_opens_from_the_app_s_own_address(browser, server, report):
    page = browser.new_page()
    page.goto(f"{server}/media?filepath={report}")

    assert page.title() == "photos: what Winnow found"
    page.close()


def _keep(page, name):
    page.wait_for_timeout(300)
    png = page.screenshot()
    SHOTS.mkdir(exist_ok=True)
    (SHOTS / f"{name}.png").write_bytes(png)
    if os.environ.get("DOCS") and not name.startswith("_"):
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        picture.save(ROOT / "docs" / f"{name}.jpg", quality=82, optimize=True)
