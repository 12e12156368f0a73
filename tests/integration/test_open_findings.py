"""A part of a job in FiftyOne: what the panel and the actions work on."""

import os
import shutil
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from core.findings.schema import FIELDS
from tests.finished_job import finished_job

OTHERWISE = ("dup_cluster", "scene_group", "set_findings", "copy_score")
"""Numbered anew, about the whole set, or of pairs with images that were not loaded."""


@pytest.fixture(scope="module")
def job(tmp_path_factory, draw):
    """82 pictures in two splits: copies within, one across, one in three files; and a
    recording of twelve frames."""
    folder = tmp_path_factory.mktemp("job")
    lines = ["path,split,label"]
    for number in range(64):
        path = folder / f"{number:02d}.png"
        draw(number).save(path)
        split = "test" if number % 4 == 3 else "train"
        lines.append(f"{path},{split},{'ab'[number % 2]}")
    for number, split in ((0, "train"), (1, "test"), (2, "train"), (2, "train")):
        path = folder / f"again {len(lines)}.png"
        shutil.copyfile(folder / f"{number:02d}.png", path)
        lines.append(f"{path},{split},{'ab'[number % 2]}")
    draw(5).resize((50, 50)).save(folder / "small.png")
    lines.append(f"{folder}/small.png,train,b")
    lines.append(f"{folder}/missing.png,train,a")
    scene = draw(500, 600)
    for number in range(12):
        path = folder / f"walk-{number:02d}.png"
        scene.crop((24 * number, 40, 24 * number + 160, 200)).save(path)
        lines.append(f"{path},{'test' if number > 8 else 'train'},a")
    manifest = folder / "m.csv"
    manifest.write_text("\n".join(lines))
    return finished_job(manifest, folder / "out"), folder / "out"


@pytest.fixture
def opened(job):
    made = []

    def call(what, **options):
        result = foo.get_operator("@winnow/curate/open_findings")(
            job[1], what, name=f"opened {what}", progress=False, **options
        )
        made.append(result.dataset)
        return result, fo.load_dataset(result.dataset)

    yield call
    for name in made:
        fo.delete_dataset(name)


def test_duplicates_come_with_all_that_the_job_says_of_them(job, opened):
    found, out = job
    result, dataset = opened("duplicates")

    columns = found.findings.columns
    row_of = {os.fsdecode(path): row for row, path in enumerate(found.names.paths)}
    assert result.shown == result.found == 9
    assert result.images == 82
    path_of = dict(zip(*dataset.values(["id", "filepath"])))
    for spec in FIELDS:
        if spec.name in OTHERWISE:
            continue
        for path, value in zip(*dataset.values(["filepath", spec.name])):
            expected = columns[spec.name][row_of[path]]
            if spec.type == "sample" and value is None:
                continue  # an image that was not loaded
            if spec.type == "sample":
                value, expected = (
                    path_of[value],
                    os.fsdecode(found.names.paths[expected]),
                )
            assert value == expected, (spec.name, path)
    whole = dataset.match({"dup_cluster": {"$ne": None}})
    assert len(whole) == 9
    assert len(whole.distinct("dup_cluster")) == 4


def test_a_limit_keeps_clusters_whole(opened):
    result, dataset = opened("duplicates", limit=5)

    assert (result.count, result.shown, result.found) == (5, 5, 9)
    assert dataset.match({"dup_keeper": True}).count() == 2
    assert "5 of the 9" in result.summary()


def test_files_are_acted_on_and_brought_back(job, opened):
    _, dataset = opened("duplicates")
    quarantine = foo.get_operator("@winnow/curate/quarantine")
    plan = quarantine(dataset, "duplicates")
    assert plan.count == 5
    paths = [
        Path(path) for path in dataset.match({"dup_keeper": False}).values("filepath")
    ]

    quarantine(dataset, plan_id=plan.plan_id, dry_run=False)

    assert not any(path.exists() for path in paths)
    dataset.reload()
    assert dataset.match({"dup_cluster": {"$ne": None}}).count() == 0
    assert (
        dataset.match({"outlier_distance": {"$ne": None}}).count() == len(dataset) - 5
    )

    foo.get_operator("@winnow/curate/undo")(dataset, dry_run=False)

    assert all(path.exists() for path in paths)
    dataset.reload()
    assert dataset.match({"dup_cluster": {"$ne": None}}).count() == 9


def test_leaks_of_a_split_can_be_asked_for(opened):
    result, dataset = opened("leaks", split="test")

    assert result.found == result.shown == 1
    assert dataset.match({"leak": True}).count() == 2
    assert dataset.get_run_info("winnow").config.report["leak_matrix"]["bytes"]


def test_recordings_come_whole_and_in_their_order(job, opened):
    result, dataset = opened("sequences")

    assert result.shown == 12
    frames = dataset.match({"winnow_sequence": {"$ne": None}}).sort_by("winnow_place")
    assert [Path(path).stem for path in frames.values("filepath")] == [
        f"walk-{number:02d}" for number in range(12)
    ]
    assert set(frames.values("scene_size")) == {12}
    assert frames.match({"sequence_leak": True}).count() == 12
    result, dataset = opened("sequence_leaks", limit=12)
    assert (result.found, result.shown) == (12, 12)


def test_findings_of_the_set_can_be_opened_by_kind_and_by_key(job, opened):
    found = job[0].findings
    one = found.overview["findings"][0]
    images = sum(one["key"] in (keys or ()) for keys in found.columns["set_findings"])

    for what in {one["kind"], one["key"]}:
        result, dataset = opened(what)
        assert result.found >= images > 0
        assert len(dataset) >= result.shown == result.found


def test_a_missing_file_is_shown_as_unreadable(opened):
    result, dataset = opened("unreadable")

    assert result.shown == 1
    assert dataset.match({"scan_status": "missing"}).count() == 1


def test_what_cannot_be_opened_is_said_and_nothing_is_made(job, tmp_path):
    operator = foo.get_operator("@winnow/curate/open_findings")
    before = fo.list_datasets()
    for arguments, options, says in (
        ((tmp_path, "duplicates"), {}, "holds no finished job"),
        ((job[1], "nonsense"), {}, "There is no finding 'nonsense'"),
        ((job[1], "leaks"), {"split": "none"}, "found no 'leaks' in split 'none'"),
        ((job[1], "duplicates"), {"limit": 0}, "limit must be from 1"),
        ((job[1], "duplicates"), {"limit": 1}, "more than 1 images"),
    ):
        with pytest.raises(ValueError, match=says):
            operator(*arguments, progress=False, **options)
    assert fo.list_datasets() == before
