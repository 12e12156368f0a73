"""Each wrong input: one clear sentence, before any work, and nothing changed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest


@pytest.fixture
def refused(dataset, scan):
    """Asserts that a scan is refused in these words and changes nothing."""

    def check(words, samples=None, **options):
        before = set(dataset.get_field_schema()), dataset.list_runs()
        with pytest.raises(ValueError, match=words) as caught:
            scan(dataset if samples is None else samples, **options)
        text = str(caught.value)
        assert text.rstrip().endswith((".", "?", ")")), text
        assert "\n" not in text
        dataset.reload()
        assert (set(dataset.get_field_schema()), dataset.list_runs()) == before
        return text

    return check


def test_an_empty_data_set(refused):
    empty = fo.Dataset()

    refused("no samples to scan", empty)

    empty.delete()


def test_one_image(refused, dataset):
    refused("There is 1 sample to scan", dataset.limit(1))


def test_no_readable_image(refused, dataset, folder):
    for path in folder.iterdir():
        path.write_bytes(b"not an image")

    text = refused("None of the 20 images can be read")

    assert "20 unsupported" in text


def test_a_label_field_that_does_not_exist_lists_the_candidates(refused):
    assert "ground_truth" in refused("no label field 'truth'", label_field="truth")


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("boxes", fo.Detections(), "Detections"),
        ("many", ["a"], "ListField"),
        ("points", fo.Keypoints(), "Keypoints"),
    ],
)
def test_a_label_field_of_the_wrong_type(refused, dataset, field, value, kind):
    dataset.set_values(field, [value] * 20)

    assert "ground_truth" in refused(f"holds {kind}", label_field=field)


def test_a_label_field_of_texts_that_are_no_labels(refused, dataset, scan):
    text = refused("'filepath' says where images are", label_field="filepath")
    assert "StringField" not in text and "ground_truth" in text

    scan(dataset)
    own = refused("'dup_relation' was written by Winnow", label_field="dup_relation")
    assert "StringField" not in own and "ground_truth" in own


def test_paths_name_no_recordings(refused):
    refused("'filepath' is not a field", sequence_field="filepath")


def test_a_label_field_without_a_label(refused, dataset):
    dataset.add_sample_field("empty", fo.StringField)

    refused("No sample has a label in field 'empty'", label_field="empty")


def test_splits_that_overlap(refused, dataset):
    dataset.limit(4).tag_samples("test")

    refused("4 samples carry more than one", split_by=["train", "test"])


def test_a_split_that_is_empty(refused):
    assert "train" in refused("split is empty", split_by=["train", "holdout"])


def test_one_split(refused):
    refused("at least two different", split_by=["train"])


def test_a_split_field_that_does_not_exist(refused):
    assert "list of them" in refused("'train' is not a string field", split_by="train")


def test_a_split_field_with_one_value(refused, dataset):
    dataset.set_values("fold", ["one"] * 20)

    refused("names 1 split", split_by="fold")


def test_a_video_data_set(refused):
    videos = fo.Dataset()
    videos.add_samples([fo.Sample(filepath=f"/tmp/{n}.mp4") for n in range(3)])

    refused("None of the 3 videos can be read \\(3 missing\\)", videos)

    videos.delete()


def test_a_grouped_data_set(refused):
    grouped = fo.Dataset()
    grouped.add_group_field("group", default="left")
    group = fo.Group()
    grouped.add_samples(
        fo.Sample(filepath=f"/tmp/{side}.jpg", group=group.element(side))
        for side in ("left", "right")
    )

    assert "left, right" in refused("grouped data set", grouped)

    grouped.delete()


def test_patches(refused, dataset):
    boxes = [fo.Detection(label="a", bounding_box=[0, 0, 1, 1]) for _ in range(20)]
    dataset.set_values("boxes", [fo.Detections(detections=[box]) for box in boxes])

    refused("parts of samples", dataset.to_patches("boxes"))


def test_a_view_that_holds_samples_twice(refused, dataset):
    refused("some samples twice", dataset.limit(5).concat(dataset.limit(5)))


def test_a_field_name_that_someone_else_took(refused, dataset):
    dataset.set_values("outlier", [True] * 20)

    text = refused("'outlier' already exists")

    assert "prefix='winnow'" in text
    assert dataset.count_values("outlier") == {True: 20}


def test_a_field_of_ours_with_another_type(refused, dataset):
    dataset.add_sample_field(
        "leak", fo.StringField, info={"created_by": "@winnow/curate"}
    )

    refused("'leak' is of type StringField")


@pytest.mark.parametrize("prefix", ["my scan", "_x", "1a"])
def test_a_prefix_that_is_no_name(refused, prefix):
    refused("cannot start a field name", prefix=prefix)


def test_a_split_field_with_a_value_a_sample(refused, dataset):
    dataset.set_values("name", [f"n{number}" for number in range(20)])
    more = fo.Dataset()
    more.add_samples(
        fo.Sample(filepath=f"/tmp/{number}.png", name=f"n{number}")
        for number in range(30)
    )

    refused("too many to be splits", more, split_by="name")

    more.delete()


def test_something_that_is_no_data_set(refused):
    refused("fo.load_dataset", "my-images")


def test_a_second_scan_at_the_same_time_is_refused(dataset, scan):
    def scan_too(progress):
        with pytest.raises(Exception, match="Another Winnow run"):
            scan(dataset)

    scan(dataset, progress=scan_too)

    assert dataset.get_run_info("winnow").config.status == "complete"


def test_a_cache_folder_that_cannot_be_used(dataset, scan, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "file" / "cache"))

    with pytest.raises(Exception, match="WINNOW_CACHE"):
        scan(dataset)

    assert not dataset.has_sample_field("scan_status")


def test_a_model_that_does_not_exist(refused):
    refused("no model 'resnet'", model="resnet")


def test_a_model_path_that_does_not_exist(refused, tmp_path):
    refused("no model file", model=str(tmp_path / "gone.onnx"))


def test_a_file_that_is_not_a_model(dataset, scan, tmp_path):
    (tmp_path / "text.onnx").write_text("hello")

    with pytest.raises(Exception, match="cannot be used"):
        scan(dataset, model=str(tmp_path / "text.onnx"))

    assert not dataset.has_sample_field("scan_status")


def test_embeddings_that_are_missing_or_broken(refused, dataset):
    vectors = [np.ones(4) for _ in range(20)]
    dataset.set_values("vectors", [*vectors[:18], None, None])
    refused("2 of 20 samples have no embedding", embeddings="vectors")

    dataset.set_values("zeros", [np.zeros(4), *vectors[1:]])
    refused("1 embeddings in 'zeros'", embeddings="zeros")

    refused("not a field of embeddings", embeddings="tags")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"neighbors": 20}, "neighbors=20 asks for more"),
        ({"neighbors": 0}, "at least 1"),
        ({"min_copy_similarity": 96}, "did you mean 0.96"),
        ({"min_copy_score": -0.1}, "min_copy_score must be in"),
        ({"min_copy_score": float("nan")}, "min_copy_score must be in"),
        ({"max_outlier_distance": 3}, "max_outlier_distance must be in"),
        ({"min_label_score": 101}, "min_label_score must be in"),
        ({"min_label_score": "50"}, "must be a number"),
        ({"max_megapixels": 0}, "max_megapixels must be in"),
    ],
)
def test_a_setting_out_of_range(refused, setting, words):
    refused(words, **setting)


def test_a_killed_scan_is_not_taken_for_finished_and_the_next_one_is(
    dataset, scan, set_thresholds, tmp_path
):
    """SIGKILL while the fields are being written, in a process of its own."""
    scan(dataset)
    program = f"""
import os, signal
import fiftyone as fo, fiftyone.operators as foo
def die(progress):
    if progress.stage == "Writing fields":
        os.kill(os.getpid(), signal.SIGKILL)
foo.get_operator("@winnow/curate/scan")(fo.load_dataset({dataset.name!r}), progress=die)
"""
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert killed.returncode == -signal.SIGKILL

    dataset.reload()
    assert dataset.get_run_info("winnow").config.status == "writing"
    with pytest.raises(Exception, match="cut short"):
        set_thresholds(dataset)

    scan(dataset)
    assert dataset.get_run_info("winnow").config.status == "complete"
    set_thresholds(dataset)


def test_ctrl_c_ends_the_folder_command_and_the_next_run_goes_on(
    folder, tmp_path, draw
):
    for number in range(100, 400):
        draw(number).save(folder / f"{number}.png")
    root = Path(__file__).resolve().parents[2]
    environment = dict(os.environ, WINNOW_CACHE=str(tmp_path / "cache"))
    command = [sys.executable, str(root / "cli" / "scan_folder.py"), str(folder)]
    command += ["--out", str(tmp_path / "out")]
    running = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        # Who starts the tests in the background may have them ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (tmp_path / "cache").exists() and running.poll() is None:
        time.sleep(0.02)

    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)

    assert running.returncode == 130
    assert b"the next scan continues from there" in errors
    assert b"Traceback" not in errors
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
