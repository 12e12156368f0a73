"""A data set of videos: scanned, shown, put away and back, without any ffmpeg."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone.core.media import MediaTypeError

from core.reading.thumbnails import thumbnail
from core.storage.cache import cache_folder
from tests.films import RATE, SIDE, film, films_of, write_film
from tests.panel_events import sender

ROOT = Path(__file__).resolve().parents[2]


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture(scope="module")
def root(tmp_path_factory, draw):
    """A film in train, its first half in test; another one, black for two seconds."""
    root = tmp_path_factory.mktemp("films")

    first, second = film(draw, 1), film(draw, 2)
    write_film(root / "train" / "film.mp4", first)
    write_film(root / "test" / "half.avi", first[:60])
    black = [np.zeros_like(second[0])] * 50
    write_film(root / "train" / "black.mp4", [*second[:40], *black, *second[90:]])
    write_film(root / "test" / "other.mp4", film(draw, 3))
    shutil.copyfile(root / "test" / "other.mp4", root / "test" / "again.mp4")
    (root / "test" / "text.mp4").write_text("no video at all")
    return root


@pytest.fixture
def videos(root, tmp_path, monkeypatch):
    # No ffmpeg, whatever this machine has
    monkeypatch.setenv("PATH", "")
    folder = tmp_path / "films"
    shutil.copytree(root, folder)
    dataset = films_of(folder)
    yield dataset
    dataset.delete()


@pytest.fixture
def scanned(videos):
    report = operator("scan")(videos, split_by=["train", "test"], progress=False)
    return videos, report


def by_name(dataset, field):
    paths, values = dataset.values(["filepath", field])
    return {Path(path).stem: value for path, value in zip(paths, values, strict=True)}


def test_a_scan_finds_copies_leaks_stretches_and_bad_files(scanned):
    videos, report = scanned
    cluster, status = by_name(videos, "dup_cluster"), by_name(videos, "scan_status")

    assert videos.media_type == "video"
    assert cluster["film"] == cluster["half"] is not None
    assert by_name(videos, "dup_kind")["again"] == "bytes"
    # The half stays, since it is in test; so the film shows what no other does
    assert by_name(videos, "dup_keeper")["half"] is True
    assert by_name(videos, "dup_relation")["film"].startswith("partly the same")
    assert operator("show")(videos, "redundant_copies").count() == 1
    assert by_name(videos, "leak")["half"] is True
    assert status["text"] == "unsupported"
    assert by_name(videos, "video_issues")["black"] == ["black"]
    assert "Winnow scanned 6 videos" in str(report)
    assert "Bad stretches" in str(report)
    assert "only where ffmpeg is installed" in str(report)
    assert report.counts["videos_not_played"] == 5


def test_a_threshold_that_changes_nothing_writes_no_video_again(scanned):
    videos, _ = scanned
    before = videos.values(["last_modified_at", "winnow_segments.detections.id"])

    operator("set_thresholds")(videos, min_shared=0.3)

    after = videos.values(["last_modified_at", "winnow_segments.detections.id"])
    assert after == before
    ids = [one for some in before[1] for one in some or ()]
    assert len(set(ids)) == len(ids) > 2


def test_stretches_are_temporal_detections_and_their_view_is_of_clips(scanned):
    videos, _ = scanned
    (black,) = [
        one
        for one in by_name(videos, "winnow_segments")["black"].detections
        if one.label == "black"
    ]
    copy = next(
        one
        for one in by_name(videos, "winnow_segments")["half"].detections
        if one.label == "copy"
    )

    assert abs(black.support[0] - 41) <= 13
    assert abs(black.support[1] - 90) <= 13
    assert copy["of"] == by_name(videos, "id")["film"]
    clips = operator("show")(videos, "segments")
    assert clips.media_type == "video"
    assert {"black", "copy"} <= set(clips.values("winnow_segments.label"))
    assert operator("show")(videos, "video_issues").count() == 1


def test_metadata_is_written_without_ffprobe(scanned):
    videos, _ = scanned
    found = by_name(videos, "metadata")["film"]

    assert (found.total_frame_count, found.frame_rate) == (125, RATE)
    assert (found.frame_width, found.frame_height) == (SIDE, SIDE)
    assert round(found.duration, 1) == 5.0


def test_a_threshold_is_moved_and_nothing_is_read(scanned):
    videos, _ = scanned
    shutil.rmtree(Path(videos.first().filepath).parents[1])

    report = operator("set_thresholds")(videos, min_shared=1.0)

    assert report.thresholds["min_shared"] == 1.0
    assert "min_copy_score" not in report.thresholds


def test_a_copy_is_put_away_and_comes_back(scanned):
    videos, _ = scanned
    before = {path: Path(path).read_bytes() for path in videos.values("filepath")}
    # FiftyOne makes a data set for this view, whose samples have the same files
    assert operator("show")(videos, "segments").count()

    planned = operator("quarantine")(videos, what="duplicates", kinds=["bytes"])
    done = operator("quarantine")(videos, plan_id=planned.plan_id, dry_run=False)

    assert done.planned == 1
    assert sum(Path(path).exists() for path in before) == len(before) - 1
    operator("undo")(videos, dry_run=False)
    assert {path: Path(path).read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"embeddings": "vectors"}, "embeddings= is of images"),
        ({"objects": "boxes"}, "objects= is of images"),
        ({"preset": "fastdup"}, "preset= is of images"),
        ({"every": 0}, "every must be in"),
        ({"min_shared": 2}, "min_shared must be in"),
    ],
)
def test_what_is_of_images_alone_is_refused_and_nothing_changes(videos, options, text):
    with pytest.raises(Exception, match=text):
        operator("scan")(videos, progress=False, **options)

    assert "dup_cluster" not in videos.get_field_schema()


def test_clips_and_groups_of_videos_are_refused_with_what_to_do(scanned):
    videos, _ = scanned
    grouped = fo.Dataset()
    grouped.add_group_field("group", default="left")
    group = fo.Group()
    grouped.add_samples(
        fo.Sample(filepath=path, group=group.element(side))
        for side, path in zip(
            ("left", "right"), (videos.first().filepath, "a.jpg"), strict=True
        )
    )

    with pytest.raises(Exception, match="scans whole images and videos"):
        operator("scan")(operator("show")(videos, "segments"))
    with pytest.raises(Exception, match="is a grouped data set. Scan one slice"):
        operator("scan")(grouped)
    mixed = grouped.select_group_slices(_allow_mixed=True)
    with pytest.raises(Exception, match=r"one after the other: .*media_type='video'"):
        operator("scan")(mixed)
    grouped.delete()


def test_fiftyone_holds_no_images_and_videos_in_one_data_set(scanned):
    videos, _ = scanned
    images = fo.Dataset()
    images.add_sample(fo.Sample(filepath="a.jpg"))

    with pytest.raises(MediaTypeError):
        images.add_sample(fo.Sample(filepath=videos.first().filepath))
    images.delete()


def test_what_works_on_images_alone_says_so(scanned):
    videos, _ = scanned

    with pytest.raises(Exception, match="holds videos, and this works on images"):
        operator("thin")(videos)


def test_the_folder_command_scans_a_folder_of_videos(root, tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli" / "scan_folder.py"), str(root)],
        cwd=tmp_path,
        env={**os.environ, "OUT": str(tmp_path / "out")},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "6 videos in" in done.stdout
    assert "Winnow scanned 6 videos" in done.stdout
    lines = [
        json.loads(line)
        for line in (tmp_path / "out" / "findings.jsonl").read_text().splitlines()
    ]
    half = next(one for one in lines if one["filepath"] == "test/half.avi")
    assert "train/film.mp4" in [one["of"] for one in half["winnow_segments"]]


@pytest.fixture
def event(scanned):
    return sender(scanned[0])


def test_the_panel_shows_videos_as_strips_and_their_stretches_as_clips(event, scanned):
    videos, _ = scanned
    event("on_load")
    told = {
        tab: event("choose_tab", tab=tab).texts
        for tab in ("duplicates", "leaks", "bad_files")
    }

    assert "Stretches of videos" in told["bad_files"]
    assert "black 1" in told["bad_files"]
    strip = thumbnail(
        by_name(videos, "filepath")["film"], cache_folder() / "thumbnails"
    )
    height, width = cv2.imread(str(strip)).shape[:2]
    assert width == 4 * height
    clips = event("show", what="segments").view(videos)
    assert clips.count() > 1
    assert clips.first().support[0] >= 1


def test_frames_of_scanned_videos_are_images_that_can_be_scanned(scanned, tmp_path):
    videos, _ = scanned

    report = operator("sample_frames")(videos, str(tmp_path / "frames"), progress=False)
    operator("scan")(report.dataset, sequence_field="video_id", progress=False)

    assert "video_issues" not in report.dataset.get_field_schema()
    report.dataset.delete()


def test_what_works_on_files_works_on_videos(scanned, tmp_path):
    videos, _ = scanned

    written = operator("report")(videos, str(tmp_path / "report"))
    exported = operator("export")(videos, str(tmp_path / "clean"), format="images")
    merged = operator("merge")(videos)
    rated = operator("audit")(videos, policy="no leaks")
    vectors = operator("register_embeddings")(videos)

    text = (tmp_path / "report" / "report.md").read_text()
    assert "Stretches of videos" in text
    assert "| half.avi | copy |" in text.replace("test/", "")
    assert str(written)
    kept = {path.name for path in (tmp_path / "clean").rglob("*.*")}
    assert "other.mp4" in kept or "again.mp4" in kept
    assert {"other.mp4", "again.mp4"} - kept
    assert str(exported)
    assert not [one for one in merged.conflicts if one.field == "winnow_segments"]
    assert not rated.passed
    assert "5 embeddings" in str(vectors)
