"""Other moments and views of scenes: no copies, told in summary, panel and report."""

import json
from importlib import resources

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import Image

from tests.panel_events import drawn

VIEWS = ((100, 60), (112, 64), (90, 52))
NAMES = ("cup", "on_the_table", "third")


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture
def scanned(tmp_path, draw, scan):
    """Three views of one scene, one of them in test, among other pictures."""
    with (resources.files("skimage.data") / "coffee.png").open("rb") as file:
        photo = Image.open(file).convert("RGB")
    pictures = {
        name: photo.crop((left, top, left + 256, top + 256))
        for name, (left, top) in zip(NAMES, VIEWS, strict=True)
    }
    pictures |= {f"other{number}": draw(number) for number in range(20)}
    samples = []
    for place, (name, picture) in enumerate(pictures.items()):
        path = tmp_path / f"{name}.png"
        picture.save(path)
        tags = ["test" if place % 3 == 2 else "train"]
        samples.append(fo.Sample(str(path), tags=tags))
    dataset = fo.Dataset()
    dataset.add_samples(samples)
    report = scan(dataset, split_by=["train", "test"])
    yield dataset, report
    dataset.delete()


def test_views_of_a_scene_are_no_copies_and_a_leak_of_their_own(scanned):
    dataset, report = scanned

    assert report.counts["duplicates"] == report.counts["leaks"] == 0
    assert report.counts["scenes"] == report.counts["scene_leaks"] == 3
    assert "other moments or views of 1 scene" in str(report)
    found = operator("show")(dataset, "scenes")
    assert found.distinct("scene_size") == [3]
    assert found.distinct("dup_kind") == []


def test_the_panel_shows_scenes_where_there_is_no_copy(scanned):
    dataset, _ = scanned

    page = drawn(dataset, "duplicates")

    assert "3 images are other moments or views of 1 scene, or" in page
    assert all(f"{name}.png" in page for name in NAMES)
    assert "other0.png" not in page


def test_the_panel_says_which_splits_share_scenes(scanned):
    dataset, _ = scanned

    page = drawn(dataset, "leaks")

    assert "None of the images has a copy in another split." in page
    assert "3 images have another moment or view of their scene" in page
    assert "test in train 1" in page and "train in test 2" in page
    assert "Propose a split by scene" in page


def test_without_scenes_the_panel_has_no_card_of_them(dataset, scan):
    scan(dataset, split_by=["train", "test"])

    assert "Same scene.**" not in drawn(dataset, "duplicates")
    assert "Same scene.**" not in drawn(dataset, "leaks")


def test_the_report_lays_two_photographs_of_a_scene_side_by_side(scanned, tmp_path):
    dataset, _ = scanned

    written = operator("report")(dataset, tmp_path / "out")

    section = json.loads(written.json.read_text())["sections"]["scenes"]
    (pair,) = section["galleries"]["scenes"]["pairs"]
    assert (pair["from"]["path"], pair["to"]["path"]) == ("cup.png", "on_the_table.png")
    assert pair["size"] == 3
    rows = section["tables"]["scene_leaks"]["rows"]
    assert {"Images of": "train", "Another moment is in": "test", "Images": 2} in rows
