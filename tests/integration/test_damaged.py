"""JPEGs damaged inside: named everywhere, and never what stays beside a whole copy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import Image
from skimage import data

ROOT = Path(__file__).resolve().parents[2]
# Each damaged file, and its whole copy in another split or the same one
DAMAGED = {
    "test/a/leak.jpg": "train/a/00.jpg",
    "train/b/leak.jpg": "test/b/03.jpg",
    "train/a/copy.jpg": "train/a/04.jpg",
    "train/a/alone.jpg": None,
}


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def with_hole(content):
    """Returns a JPEG that misses bytes near its end: most of it is seen."""
    start = content.index(b"\xff\xda")
    at = start + (len(content) - start) * 19 // 20
    return content[:at] + content[at + 200 :]


@pytest.fixture(scope="module")
def images(tmp_path_factory, draw):
    """Twenty whole pictures of two classes in two splits, and four damaged ones."""
    root = tmp_path_factory.mktemp("set") / "images"
    photographs = {0: data.astronaut(), 3: data.coffee(), 4: data.chelsea()}
    for number in range(20):
        split, label = ("train", "test")[number % 4 == 3], "ab"[number % 2]
        path = root / split / label / f"{number:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph = photographs.get(number)
        image = draw(number, 240) if photograph is None else Image.fromarray(photograph)
        image.save(path, quality=80)
    (root / "test" / "a").mkdir()
    for name, whole in DAMAGED.items():
        path = root / name
        if whole is None:
            draw(99, 240).save(path, quality=80)
            path.write_bytes(with_hole(path.read_bytes()))
        else:
            path.write_bytes(with_hole((root / whole).read_bytes()))
    return root


@pytest.fixture(scope="module")
def dataset(images):
    dataset = fo.Dataset()
    for path in sorted(images.rglob("*.jpg")):
        split, label, _ = path.relative_to(images).parts
        label = fo.Classification(label=label)
        dataset.add_sample(fo.Sample(str(path), ground_truth=label, tags=[split]))
    options = {"label_field": "ground_truth", "split_by": ["train", "test"]}
    operator("scan")(dataset, progress=False, **options)
    yield dataset
    dataset.delete()


def names(view, images):
    return {
        Path(path).relative_to(images).as_posix() for path in view.values("filepath")
    }


def test_the_damaged_are_a_finding_and_not_what_stays(dataset, images):
    copies = {name for name, whole in DAMAGED.items() if whole}
    show = operator("show")

    assert set(DAMAGED) <= names(show(dataset, "image_issues"), images)
    assert names(show(dataset, "redundant_copies"), images) == copies
    assert names(show(dataset, "leaks_to_remove"), images) == {
        "test/a/leak.jpg",
        "train/b/leak.jpg",
    }
    for sample in dataset:
        name = Path(sample.filepath).relative_to(images).as_posix()
        assert ("damaged" in sample["image_issues"]) == (name in DAMAGED)
        assert bool(sample["damage_reason"]) == (name in DAMAGED)


def test_an_export_leaves_out_the_damaged_and_no_whole_picture(
    dataset, images, tmp_path
):
    # Not the outliers: photographs among drawings
    without = ["redundant_copies", "leaks_to_remove", "image_issues"]
    operator("export")(dataset, str(tmp_path / "clean"), without=without)

    there = {
        path.relative_to(tmp_path / "clean").as_posix()
        for path in (tmp_path / "clean").rglob("*.jpg")
    }
    wholes = names(dataset, images) - set(DAMAGED)
    assert there == wholes


def test_the_damaged_are_tagged_counted_and_reported(dataset, images, tmp_path):
    operator("tag")(dataset, "image_issues", "seen")
    operator("report")(dataset, str(tmp_path / "report"))
    verdict = operator("audit")(dataset, "damaged = 0")

    assert set(DAMAGED) <= names(dataset.match_tags("seen"), images)
    dataset.untag_samples("seen")
    text = (tmp_path / "report" / "report.html").read_text()
    assert all(Path(name).name in text for name in DAMAGED)
    assert dataset.distinct("damage_reason")[0] in text
    assert not verdict.passed
    assert "4" in str(verdict)


@pytest.mark.parametrize("what", ["duplicates", "leaks", "image_issues"])
def test_a_plan_takes_the_damaged_and_its_kept_copy_is_whole(dataset, images, what):
    plan = operator("quarantine")(dataset, what, progress=False).plan
    items = {item.source: item for item in plan.items()}

    assert items and set(items) <= set(DAMAGED)
    if what != "image_issues":
        for name, item in items.items():
            assert item.kept_copy.path.endswith(DAMAGED[name])


def test_a_whole_copy_is_not_taken_for_a_damaged_one(dataset, images):
    plan = operator("quarantine")(dataset, "leaks", split="train", progress=False).plan

    assert {item.source for item in plan.items()} == {"train/b/leak.jpg"}
    assert plan.refused == {"its copy that would stay is damaged inside": 1}


def test_the_command_names_them_in_its_files(images, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli" / "scan_folder.py"), str(images)]
        + ["--out", "found", "--fail-on", "damaged = 0"],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1, done.stderr
    lines = (tmp_path / "found" / "findings.jsonl").read_text().splitlines()
    rows = {row["filepath"]: row for row in map(json.loads, lines)}
    damaged = {
        name for name, row in rows.items() if "damaged" in (row["image_issues"] or ())
    }
    assert damaged == set(DAMAGED)
    assert all(rows[name]["damage_reason"] for name in damaged)
    assert "Corrupt JPEG" not in done.stderr + done.stdout
