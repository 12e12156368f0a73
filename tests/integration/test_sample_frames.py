"""Videos become a data set of the frames that differ."""

import os
from pathlib import Path

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest

RATE, HELD = 10, 15


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture
def write(draw):
    """Writes a video that shows some pictures, each for 1.5 seconds."""

    def write(path, numbers):
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(
            str(path), cv2.VideoWriter_fourcc(*"MJPG"), RATE, (96, 96)
        )
        for number in numbers:
            for _ in range(HELD):
                writer.write(np.asarray(draw(number, side=96)))
        writer.release()
        return path

    return write


@pytest.fixture
def videos(tmp_path, write):
    """Two videos of one name, in train and test, that share a picture."""
    dataset = fo.Dataset()
    for split, numbers in (("train", (0, 1, 2)), ("test", (3, 1, 4))):
        path = write(tmp_path / split / "film.avi", numbers)
        sample = fo.Sample(filepath=str(path), tags=[split], place=f"at {split}")
        sample.frames[1] = fo.Frame(
            boxes=fo.Detections(
                detections=[fo.Detection(label="a", bounding_box=[0, 0, 0.5, 0.5])]
            )
        )
        dataset.add_sample(sample)
    yield dataset
    dataset.delete()


@pytest.fixture
def sampled(videos, tmp_path, monkeypatch):
    # No ffmpeg, whatever this machine has
    monkeypatch.setenv("PATH", "")
    report = operator("sample_frames")(videos, str(tmp_path / "frames"), progress=False)
    yield report
    report.dataset.delete()


def test_each_picture_that_is_shown_is_one_frame_with_its_time(sampled, videos):
    frames = sampled.dataset.sort_by([("tags", -1), ("frame_number", 1)])

    assert (sampled.frames, len(frames)) == (6, 6)
    assert [Path(one).name for one in frames.values("filepath")] == [
        f"{name}_{number:06}.jpg"
        for name in ("film-2", "film")
        for number in (1, 1 + HELD, 1 + 2 * HELD)
    ]
    assert frames.values("timestamp") == [0, 1.5, 3, 0, 1.5, 3]
    assert frames.first().media_type == "image"
    assert set(frames.values("video_id")) == set(videos.values("id"))
    assert all(os.path.getsize(one) for one in frames.values("filepath"))


def test_tags_and_labels_of_video_and_frame_are_copied(sampled):
    first = sampled.dataset.match({"frame_number": 1, "tags": "train"}).first()

    assert first.tags == ["train"]
    assert first.place == "at train"
    assert [one.label for one in first.boxes.detections] == ["a"]
    later = sampled.dataset.match({"frame_number": 1 + HELD}).first()
    assert later.boxes is None


def test_a_scan_finds_what_videos_of_two_splits_share(sampled, scan):
    report = scan(
        sampled.dataset, split_by=["train", "test"], sequence_field="video_id"
    )

    assert report.counts["leaks"] == 2
    assert report.counts["sequence_groups"] == 2
    assert report.counts["sequence_leaks"] == 0


def test_a_bad_video_costs_itself_alone_and_has_its_reason(videos, tmp_path, write):
    whole = write(tmp_path / "whole.avi", (5, 6, 7, 8)).read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.avi").write_text("no video")
    videos.add_samples(
        fo.Sample(filepath=str(tmp_path / name))
        for name in ("cut.avi", "text.avi", "gone.avi")
    )

    report = operator("sample_frames")(videos, str(tmp_path / "frames"), progress=False)

    status = {Path(row["filepath"]).name: row["status"] for row in report.rows()}
    assert status == {
        "film.avi": "ok",
        "cut.avi": "truncated",
        "text.avi": "unsupported",
        "gone.avi": "missing",
    }
    assert "cut.avi: truncated, it breaks off after" in str(report)
    assert report.frames > 6
    report.dataset.delete()


def test_nothing_is_written_where_it_cannot_work(videos, tmp_path, dataset):
    sample = operator("sample_frames")
    out = tmp_path / "frames"
    for wrong in ({"every": 0}, {"every": 61}, {"min_change": 1}):
        with pytest.raises(ValueError, match="every|min_change"):
            sample(videos, str(out), **wrong)
    with pytest.raises(ValueError, match="already"):
        sample(videos, str(out), name=dataset.name)
    with pytest.raises(ValueError, match="not an empty folder"):
        sample(videos, str(tmp_path))
    with pytest.raises(ValueError, match="frames are of videos"):
        sample(dataset, str(out))
    with pytest.raises(ValueError, match="sample_frames writes the frames"):
        operator("thin")(videos)
    assert not out.exists()


def test_videos_without_a_frame_make_no_data_set(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    videos = fo.Dataset()
    videos.add_sample(fo.Sample(filepath=str(tmp_path / "text.mp4")))

    with pytest.raises(ValueError, match="Not one frame"):
        operator("sample_frames")(videos, str(tmp_path / "frames"), progress=False)

    assert not fo.dataset_exists(f"{videos.name}-frames")
    videos.delete()
