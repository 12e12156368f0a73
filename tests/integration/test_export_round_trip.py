"""An export, scanned as a folder, has what the data set had, and nothing else."""

import hashlib
import importlib
import random
import shutil
from collections import Counter
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from core.reading.folders import list_images

pytestmark = pytest.mark.filterwarnings("ignore:Folders with another name")


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


LABELS = ["cat", "Cat", "test", "a/b", None]


@pytest.fixture(params=[0, 1, 2])
def made(request, tmp_path, draw):
    """Pictures of any label and split, some without, some twice and some damaged.

    Files of all folders have the same few names.
    """
    random_ = random.Random(request.param)
    split_names = ["train", "test", None] if request.param else [None]
    dataset, seen = fo.Dataset(), []
    for number in range(40):
        folder = tmp_path / "images" / str(number)
        folder.mkdir(parents=True)
        path = folder / f"{number % 3}.png"
        again = seen and random_.random() < 0.35
        if again and random_.random() < 0.5:
            shutil.copyfile(random_.choice(seen), path)
        elif again:
            draw(random_.randrange(number)).save(path, compress_level=1)
        else:
            draw(number).save(path)
            seen.append(path)
        if random_.random() < 0.1:
            path.write_bytes(path.read_bytes()[:300])
        label, split = random_.choice(LABELS), random_.choice(split_names)
        dataset.add_sample(
            fo.Sample(
                str(path),
                ground_truth=None if label is None else fo.Classification(label=label),
                tags=[] if split is None else [split],
            )
        )
    operator("scan")(
        dataset,
        label_field="ground_truth",
        split_by=["train", "test"] if request.param else None,
        progress=False,
    )
    yield dataset
    dataset.delete()


@pytest.fixture
def scan_folder():
    """Scans a folder as the command does."""
    folders = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.dataset.from_folder"
    )
    made = []

    def scan(folder):
        listing = list_images(folder)
        data = folders.load_folder(listing)
        made.append(data.dataset)
        operator("scan")(
            data.view,
            label_field=data.label_field,
            split_by=data.split_tags,
            progress=False,
        )
        return data.dataset

    yield scan
    for dataset in made:
        dataset.delete()


def found(dataset):
    """What is said of each file, by its content; thresholds of the set left out."""
    said = Counter()
    clusters = {}
    for sample in dataset:
        digest = hashlib.sha256(Path(sample.filepath).read_bytes()).hexdigest()[:8]
        damage = {"dark", "bright", "blurry", "low_information"}
        issues = damage.intersection(sample["image_issues"] or ())
        split = next((tag for tag in sample.tags if tag in ("train", "test")), None)
        said[(digest, split, sample["scan_status"], *sorted(issues))] += 1
        for name in ("leak", "leak_conflict", "leak_remove"):
            said[digest, name] += bool(sample[name])
        if sample["dup_cluster"] is not None:
            members = clusters.setdefault(sample["dup_cluster"], [])
            members.append((digest, sample["dup_conflict"]))
    said.update(("cluster", *sorted(members)) for members in clusters.values())
    return said


def test_all_that_is_exported_is_found_again_and_no_more(made, tmp_path, scan_folder):
    operator("export")(made, str(tmp_path / "all"), without=[])

    again = scan_folder(tmp_path / "all")

    assert found(again) == found(made)
    labels = made.count_values("ground_truth.label")
    assert sorted(again.count_values("ground_truth.label").values()) == sorted(
        labels.values()
    )


def test_what_was_left_out_is_not_found_again(made, tmp_path, scan_folder):
    view = operator("export")(made, str(tmp_path / "clean")).view
    usual = {sample: found(made.select(sample)) for sample in view.values("id")}

    again = scan_folder(tmp_path / "clean")

    counts = again.get_run_info("winnow").config.report["counts"]
    for name in ("removable", "conflicts", "leaks", "unreadable", "dark", "blurry"):
        assert counts[name] == 0, name
    statuses = {key[:3] for said in usual.values() for key in said if len(key) > 2}
    assert statuses >= {key[:3] for key in found(again) if len(key) > 2}


def test_after_a_quarantine_the_clean_set_has_no_copy(made, tmp_path, scan_folder):
    plan = operator("quarantine")(
        made, "duplicates", include_conflicts=True, progress=False
    )
    operator("quarantine")(
        made,
        plan_id=plan.plan_id,
        expect_count=plan.count,
        dry_run=False,
        progress=False,
    )

    view = operator("export")(made, str(tmp_path / "clean")).view

    assert plan.count
    assert not view.match_tags("quarantined").count()
    again = scan_folder(tmp_path / "clean")
    assert again.get_run_info("winnow").config.report["counts"]["duplicates"] == 0
