import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import ExecutionContext, Executor

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compare():
    return foo.get_operator("@winnow/curate/compare")


@pytest.fixture
def incoming(tmp_path, folder, draw):
    """A folder: a train copy, a test copy, a near copy, one new, twice, one bad."""
    new = tmp_path / "incoming"
    new.mkdir()
    shutil.copyfile(folder / "03.png", new / "a-train.png")
    draw(12).save(new / "b-test.bmp")
    draw(9).resize((56, 56)).save(new / "c-near.jpg", quality=90)
    draw(100).save(new / "d-new.png")
    draw(100).save(new / "e-again.bmp")
    (new / "f-bad.jpg").write_bytes(b"no image")
    return new


@pytest.fixture
def incoming_dataset(incoming):
    dataset = fo.Dataset()
    dataset.add_samples(
        [fo.Sample(filepath=str(path)) for path in sorted(incoming.iterdir())]
    )
    yield dataset
    dataset.delete()


STATUS = ["known", "known", "known", "new", "repeat", "unreadable"]


def context(dataset, params=None):
    request = {"dataset_name": dataset.name, "params": params or {}}
    return ExecutionContext(request_params=request, executor=Executor())


def form(dataset, params=None):
    operator = foo.get_operator("@winnow/curate/compare")
    ctx = context(dataset, params)
    return operator.resolve_type(ctx, "inputs").type.properties


def test_a_folder_is_compared_with_a_data_set(
    compare, incoming, dataset, folder, tmp_path
):
    report = compare(str(incoming), dataset, output_dir=str(tmp_path / "out"))

    assert [image.status for image in report.images] == STATUS
    assert [image.kind for image in report.images] == [
        "bytes", "pixels", "near", None, "pixels", None,
    ]  # fmt: skip
    assert report.images[0].copy_of == str(folder / "03.png")
    assert report.images[4].copy_of == "d-new.png"
    assert report.found == {
        f"{dataset.name}/train": {"bytes": 1, "near": 1},
        f"{dataset.name}/test": {"pixels": 1},
    }
    assert [image.leak for image in report.images] == [False, True] + [False] * 4
    lines = (tmp_path / "out" / "compare.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == STATUS
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["counts"] == report.counts


def test_a_data_set_gets_fields_and_what_exists_is_left_alone(
    compare, incoming_dataset, dataset
):
    before = set(dataset.get_field_schema())

    compare(incoming_dataset, [dataset])

    assert incoming_dataset.values("ingest_status") == STATUS
    assert incoming_dataset.values("ingest_reason")[-1] == "unsupported"
    assert incoming_dataset.match(F("ingest_leak")).count() == 1
    assert set(dataset.get_field_schema()) == before


def test_the_comparison_finds_what_a_scan_calls_leaks(compare, dataset, scan, draw):
    folder = Path(dataset.first().filepath).parent
    for number in range(10):
        path = folder / f"near{number}.jpg"
        draw(number).resize((60, 58)).save(path, quality=60)
        dataset.add_sample(fo.Sample(str(path), tags=["test"]))
    scan(dataset, split_by=["train", "test"])
    leaking = dataset.match_tags("test").match(F("leak")).values("filepath")

    report = compare(dataset.match_tags("test"), dataset.match_tags("train"))

    # Some drawings are too plain to tell: leaks for both, and known to neither
    found = [image.filepath for image in report.images if image.copy_of or image.leak]
    assert sorted(found) == sorted(leaking)
    assert report.counts["too_plain"] == sum(bool(x.resembles) for x in report.images)
    assert len(found) >= 11


def test_a_second_run_replaces_the_first(compare, incoming_dataset, dataset):
    compare(incoming_dataset, dataset)
    compare(incoming_dataset.limit(1), dataset)

    assert incoming_dataset.values("ingest_status") == ["known"] + [None] * 5


def test_fields_of_someone_else_stop_it_before_any_work(
    compare, incoming_dataset, dataset
):
    incoming_dataset.add_sample_field("ingest_status", fo.StringField)

    with pytest.raises(Exception, match="'ingest_status' already exists"):
        compare(incoming_dataset, dataset)

    assert compare(incoming_dataset, dataset, prefix="second").counts["known"] == 3


def test_a_benchmark_of_one_split_is_a_test_all_the_same(compare, incoming, dataset):
    dataset.untag_samples("train")

    report = compare(str(incoming), dataset)

    assert [image.leak for image in report.images][1] is True
    assert f"{dataset.name}/test" in report.found


def test_two_folders_are_compared_without_a_data_set(compare, incoming, folder):
    before = fo.list_datasets()

    report = compare(str(incoming), str(folder), write=False)

    assert report.counts["known"] == 3
    assert fo.list_datasets() == before


def test_two_sets_of_one_name_are_told_apart(compare, incoming, folder, tmp_path):
    other = tmp_path / "other" / folder.name
    other.mkdir(parents=True)
    shutil.copyfile(folder / "03.png", other / "again.png")

    report = compare(str(incoming), [str(folder), str(other)])

    assert report.against == {"images": 20, "images (2)": 1}
    assert report.images[0].copies_in == ("images", "images (2)")
    assert report.found["images (2)"] == {"bytes": 1}


def test_one_new_image_is_enough(compare, incoming, dataset):
    for path in sorted(incoming.iterdir())[1:]:
        path.unlink()

    assert compare(str(incoming), dataset).counts["images"] == 1


@pytest.mark.parametrize(
    ("new", "against", "says"),
    [
        ("nobody", "this", "neither a FiftyOne data set nor a folder"),
        ("this", "this", "nothing to compare with"),
        ("this", [], "nothing to compare with"),
    ],
)
def test_what_cannot_be_compared_is_a_sentence(compare, dataset, new, against, says):
    sides = [dataset if side == "this" else side for side in (new, against)]

    with pytest.raises(Exception, match=says):
        compare(*sides)


def test_the_app_compares_this_data_set_or_a_folder(
    incoming, incoming_dataset, dataset
):
    dataset.persistent = incoming_dataset.persistent = True
    assert dataset.name in form(incoming_dataset)["against"].view.values()
    operator = foo.get_operator("@winnow/curate/compare")

    def card(dataset, params):
        messages = [m.body for m in operator.execute(context(dataset, params))]
        (card,) = [m for m in messages if m.operator_uri == "show_output"]
        return card.params["results"]["text"]

    assert ": 1 new" in card(incoming_dataset, {"against": [dataset.name]})
    folder = {"absolute_path": str(incoming)}
    assert "| b-test.bmp |" in card(dataset, {"way": "folder", "new": folder})


def test_the_command_compares_and_can_fail(incoming, dataset, tmp_path):
    dataset.persistent = True
    command = [sys.executable, str(ROOT / "cli" / "compare_folders.py")]
    env = {**os.environ, "AGAINST": dataset.name, "OUT": str(tmp_path / "out")}

    def run(**more):
        return subprocess.run(
            command, env={**env, **more}, capture_output=True, text=True
        )

    done = run(IMAGES=str(incoming))
    assert done.returncode == 0, done.stderr
    assert ": 1 new, 3 in" in done.stdout and "same bytes" in done.stdout
    assert (tmp_path / "out" / "compare.jsonl").exists()
    failed = run(IMAGES=str(incoming), FAIL_ON="leaks")
    assert failed.returncode == 1
    assert "FAIL_ON: leaks: 1 of 6 images" in failed.stderr
    limits = "known <= 50 %, unreadable <= 20 %, repeats < 2"
    passed = run(IMAGES=str(incoming), FAIL_ON=limits)
    assert passed.returncode == 0, passed.stderr
    mistyped = run(IMAGES=str(incoming), FAIL_ON="knwon")
    assert mistyped.returncode == 2
    assert "A policy does not know 'knwon'. Did you mean 'known'?" in mistyped.stderr
    assert "Starting FiftyOne" not in mistyped.stdout
    assert run(IMAGES="").returncode == 2
    wrong = run(IMAGES=str(incoming), AGAINST="nobody")
    assert wrong.returncode == 2
    assert "neither a FiftyOne data set nor a folder" in wrong.stderr
