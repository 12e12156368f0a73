"""The pictures of docs/walkthrough.md: the report of its folder, a section each."""

import importlib
import io
import os
import shutil

import pytest
from PIL import Image

from core.reading.folders import list_images
from tests.e2e.conftest import LONG_NAME, ROOT, SHOTS

_WIDTH, _MARGIN = 1100, 10


@pytest.fixture(scope="module")
def page(fiftyone, images, browser, tmp_path_factory):
    """The report, after the outliers' threshold was moved as on the page."""
    folder = tmp_path_factory.mktemp("scenes")
    for split in ("train", "valid", "test"):
        shutil.copytree(images / split, folder / f"{split}_set")
    (folder / "train_set" / "coffee" / LONG_NAME).unlink()
    fiftyone.operators.list_operators()
    plugin = "fiftyone.plugins.orgs.winnow.curate"
    folders = importlib.import_module(f"{plugin}.operators.adapter.dataset.from_folder")
    listing = list_images(folder)
    data = folders.load_folder(listing)

    def winnow(name):
        return fiftyone.operators.get_operator(f"@winnow/curate/{name}")

    labels, splits = data.label_field, data.split_tags
    winnow("scan")(data.view, label_field=labels, split_by=splits, progress=False)
    winnow("set_thresholds")(data.dataset, max_outlier_distance=0.7, progress=False)
    written = winnow("report")(data.dataset, tmp_path_factory.mktemp("report"))
    context = browser.new_context(viewport={"width": _WIDTH, "height": 1000})
    page = context.new_page()
    page.goto(written.html.as_uri())
    yield page
    context.close()


@pytest.mark.parametrize(
    ("section", "count", "cards"),
    [("duplicates", 56, 6), ("outliers", 4, 4), ("labels", 14, 6), ("leaks", 40, 3)],
)
def test_a_section_of_the_report_for_the_walkthrough(page, section, count, cards):
    found = page.locator(f"section[aria-labeledby='{section}']")
    heading, shown = found.locator("h2"), found.locator("ul.pairs > li")

    top = heading.bounding_box()["y"]
    if found.locator("table").count():  # as long as the classes are many
        top = found.locator("ul.pairs").first.bounding_box()["y"]
    last = shown.nth(cards - 1).bounding_box()
    height = last["y"] + last["height"] - top + _MARGIN
    clip = {"x": 0, "y": top - _MARGIN, "width": _WIDTH, "height": height + _MARGIN}
    png = page.screenshot(full_page=True, clip=clip)

    assert heading.inner_text().split()[-1] == str(count)
    assert shown.count() >= cards
    SHOTS.mkdir(exist_ok=True)
    (SHOTS / f"walkthrough-{section}.png").write_bytes(png)
    if os.environ.get("DOCS"):
        target = ROOT / "docs" / f"walkthrough-{section}.jpg"
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        picture.save(target, quality=82, optimize=True)
