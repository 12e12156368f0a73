"""The set as a whole: in the scan's report, in a field, as views."""

import json

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from PIL import Image

from .test_show_tag_export import form, operator


@pytest.fixture
def shifted(tmp_path, draw):
    """90 pictures in two splits, of which test is darker; class b is small."""
    samples = []
    for number in range(90):
        split = ("train", "test")[number % 3 == 2]
        path = tmp_path / f"{number:02d}.png"
        picture = draw(number)
        if split == "test":
            picture = Image.fromarray((np.asarray(picture) // 3).astype(np.uint8))
        picture.save(path)
        label = fo.Classification(label="b" if number % 9 == 0 else "a")
        samples.append(fo.Sample(filepath=str(path), ground_truth=label, tags=[split]))
    dataset = fo.Dataset()
    dataset.add_samples(samples)
    yield dataset
    dataset.delete()


@pytest.fixture
def scanned(shifted, scan):
    return shifted, scan(
        shifted, label_field="ground_truth", split_by=["train", "test"]
    )


def test_a_scan_says_what_is_wrong_with_the_set(scanned):
    _, report = scanned

    text = str(report)
    assert "Small classes: 1 class has few images" in text
    assert "Appearance shift: train and test look different" in text
    assert "Shortcuts: Brightness tells" in text
    assert report.counts["appearance_shift"] == 1
    assert "Brightness tells" in report.to_markdown()
    assert report.overview["images"] == [[50, 30], [10, 0]]
    assert json.loads(json.dumps(report.to_dict()))["overview"] == report.overview


def test_each_finding_of_the_set_opens_its_images(scanned):
    dataset, report = scanned
    show = operator("show")

    for finding in report.overview["findings"]:
        view = show(dataset, finding["key"])
        assert len(view) == finding["count"] > 0
        assert len(show(dataset, finding["kind"])) >= len(view)
    small = show(dataset, "imbalance")
    assert set(small.values("ground_truth.label")) == {"b"}
    assert len(show(dataset, "overlapping_classes")) == 0
    choices = form("show", dataset)["what"].view.choices
    assert "imbalance" in [one.value for one in choices]


def test_what_is_wrong_with_the_set_is_no_reason_to_remove_an_image(scanned):
    dataset, _ = scanned

    with pytest.raises(Exception, match="of the set as a whole"):
        foo.get_operator("@winnow/curate/quarantine")(dataset, "shortcuts")


def test_images_put_away_count_no_more(scanned, scan, set_thresholds):
    dataset, report = scanned
    dataset.delete_samples(operator("show")(dataset, "imbalance").values("id"))

    again = set_thresholds(dataset, min_label_score=1)

    assert again.overview["images"][1] == [0, 0]
    assert report.overview["images"][1] == [10, 0]


def test_the_report_shows_the_set_with_images(scanned, tmp_path):
    dataset, _ = scanned

    written = operator("report")(dataset, tmp_path / "out")

    section = json.loads(written.json.read_text())["sections"]["overview"]
    rows = section["tables"]["classes"]["rows"]
    assert rows[1] == {
        "Class": "b",
        "Images train": 10,
        "Images test": 0,
        "Effective train": 10,
        "Effective test": 0,
    }
    assert section["count"] == len(section["galleries"])
    assert len(section["galleries"]["imbalance"]["pairs"]) == 6
    assert "Appearance shift" in written.html.read_text(encoding="utf-8")
    shift = section["galleries"]["appearance shift train / test"]["pairs"]
    splits = [pair["from"]["split"] for pair in shift]
    assert splits.count("train") == splits.count("test") == 3


def test_a_policy_limits_what_is_measured_of_the_set(scanned):
    dataset, _ = scanned
    policy = (
        "no shortcuts, appearance shift AUROC <= 0.6, "
        "smallest class >= 10 effective images, no overlapping classes"
    )

    report = operator("audit")(dataset, policy)

    assert [verdict.passed for verdict in report.verdicts] == [False, False, True, True]


def test_without_splits_a_shift_is_not_looked_for(shifted, scan):
    scan(shifted, label_field="ground_truth")

    report = operator("audit")(
        shifted, "no label shift, appearance shift AUROC <= 1, no shortcuts"
    )

    assert [one.not_looked_for for one in report.verdicts] == [
        "no splits were given",
        "no splits were given",
        "",
    ]


def test_with_neither_labels_nor_splits_no_shortcut_is_looked_for(shifted, scan):
    scan(shifted)

    report = operator("audit")(shifted, "no shortcuts")

    assert [one.not_looked_for for one in report.verdicts] == [
        "neither labels nor splits were given"
    ]
    assert not report.passed
