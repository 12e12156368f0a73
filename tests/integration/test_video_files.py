"""A video is a file: moved, retagged, put away, exported and compared."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from core.reading.folders import list_images
from tests.films import film, films_of, write_film
from tests.integration.on_disk import (
    do,
    documents,
    files,
    move,
    quarantine,
    retag,
    undo,
)

ROOT = Path(__file__).resolve().parents[2]
SPLITS = ["train", "test"]


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture(scope="module")
def made(tmp_path_factory, draw):
    """A film, its half in test, its equal; another with a clip of it; a third."""
    root = tmp_path_factory.mktemp("films") / "data"
    sea, sky = shot(draw, 1), shot(draw, 2)
    write_film(root / "train" / "sea" / "film.mp4", sea)
    write_film(root / "test" / "sea" / "half.avi", sea[:60])
    shutil.copyfile(
        root / "train" / "sea" / "film.mp4", root / "train" / "sea" / "again.mp4"
    )
    write_film(root / "train" / "sky" / "long.mp4", sky)
    write_film(root / "train" / "sky" / "clip.avi", sky[25:110])
    write_film(root / "train" / "sky" / "other.mp4", shot(draw, 3))
    return root


@pytest.fixture
def videos(made, tmp_path, monkeypatch):
    # No ffmpeg, whatever this machine has
    monkeypatch.setenv("PATH", "")
    folder = tmp_path / "data"
    shutil.copytree(made, folder)
    dataset = films_of(folder)
    for sample in dataset.iter_samples(autosave=True):
        sample["kind"] = fo.Classification(label=Path(sample.filepath).parent.name)
    operator("scan")(dataset, label_field="kind", split_by=SPLITS, progress=False)
    yield dataset
    dataset.delete()


def shot(draw, number, count=125):
    """Returns frames of a camera that moves slowly; some are sampled at one phase."""
    return film(draw, number, count, step=2)


def names(paths):
    return sorted(Path(path).name for path in paths)


def test_videos_are_moved_and_come_back(videos):
    before = files(videos), documents(videos)
    view = videos.match_tags("train").limit(2)
    old = view.values("filepath")

    done = do(move, view, "view", output_dir="aside")

    assert done.count == 2
    assert not any(map(os.path.exists, old))
    assert all(map(os.path.exists, view.values("filepath")))
    undo(videos, dry_run=False, progress=False)
    assert (files(videos), documents(videos)) == before


def test_a_label_moves_a_video_to_the_folder_of_its_class(videos):
    before = files(videos), documents(videos)
    view = videos.match({"filepath": {"$regex": "other.mp4"}})
    (sample,) = view

    do(retag, view, "view", label="sea", on_disk=True)

    sample.reload()
    assert sample.kind.label == "sea"
    assert Path(sample.filepath).parts[-3:] == ("train", "sea", "other.mp4")
    assert Path(sample.filepath).exists()
    undo(videos, dry_run=False, progress=False)
    assert (files(videos), documents(videos)) == before


def test_copies_are_put_away_but_not_what_shows_more_than_the_kept_one(videos):
    before = files(videos), documents(videos)

    done = do(quarantine, videos, "duplicates")

    gone = names(path for path in before[0] if not os.path.exists(path))
    # The film and its equal show what half.avi, kept for its split, does not
    assert gone == ["clip.avi"]
    assert done.count == 1
    undo(videos, dry_run=False, progress=False)
    assert (files(videos), documents(videos)) == before


def test_bad_and_stranger_videos_are_put_away_with_the_caps_of_files(videos):
    plan = quarantine(videos.limit(2), "view", progress=False)

    assert plan.plan.needs_count
    with pytest.raises(Exception, match="expect_count"):
        quarantine(videos, plan_id=plan.plan_id, dry_run=False, progress=False)


def test_what_is_exported_is_a_folder_of_videos(videos, tmp_path):
    out = tmp_path / "clean"

    exported = operator("export")(videos, str(out), progress=False)

    assert "videos exported" in str(exported)
    listing = list_images(out)
    assert listing.of_videos
    assert set(listing.splits) == set(SPLITS)
    found = {Path(one.path).name: one for one in listing.images}
    assert "clip.avi" not in found
    assert found["long.mp4"].label == "sky"
    for source in videos.values("filepath"):
        if Path(source).name in found:
            copy = Path(found[Path(source).name].path)
            assert copy.read_bytes() == Path(source).read_bytes()


def test_what_is_exported_for_fiftyone_has_its_stretches(videos, tmp_path):
    operator("export")(videos, str(tmp_path / "out"), format="fiftyone", progress=False)

    again = fo.Dataset.from_dir(
        str(tmp_path / "out"), dataset_type=fo.types.FiftyOneDataset, progress=False
    )

    assert again.media_type == "video"
    assert "copy" in again.distinct("winnow_segments.detections.label")
    again.delete()


def test_a_policy_and_a_report_speak_of_videos(videos, tmp_path):
    audit = operator("audit")(videos, "no leaks, no unreadable")
    operator("report")(videos, str(tmp_path / "report"), progress=False)

    assert not audit.passed
    text = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "6 videos" in text
    for word in ("half.avi", "Stretches of videos"):
        assert word in text
    assert (tmp_path / "report" / "report.html").stat().st_size > 20_000


@pytest.fixture
def incoming(tmp_path, made, draw):
    """An equal one, an excerpt, one that shows more, two that are new, a bad one."""
    new = tmp_path / "incoming"
    new.mkdir()
    shutil.copyfile(made / "train" / "sky" / "other.mp4", new / "a-equal.mp4")
    write_film(new / "b-excerpt.avi", shot(draw, 2)[12:72])
    write_film(new / "c-more.avi", shot(draw, 2, 250))
    write_film(new / "d-new.mp4", shot(draw, 7))
    write_film(new / "e-again.avi", shot(draw, 7))
    (new / "f-text.mp4").write_text("no video")
    write_film(new / "g-tested.avi", shot(draw, 1)[:50])
    return new


def answers(report):
    return {Path(one.filepath).name[0]: one for one in report.images}


def test_new_videos_are_compared_with_what_is_there(videos, incoming):
    report = operator("compare")(str(incoming), videos, progress=False)

    found = answers(report)
    assert {name: (one.status, one.kind) for name, one in found.items()} == {
        "a": ("known", "bytes"),
        "b": ("known", "near"),
        "c": ("new", None),
        "d": ("new", None),
        "e": ("repeat", "near"),
        "f": ("unreadable", None),
        "g": ("known", "near"),
    }
    # It shows all that is there, and as much again
    assert Path(found["c"].resembles).name in ("clip.avi", "long.mp4")
    assert f"{videos.name}/test" in found["g"].copies_in
    assert [name for name, one in found.items() if one.leak] == ["g"]
    assert "Of 7 videos in incoming: 2 new, 3 in" in str(report)
    assert "share a stretch with a video that is there" in str(report)


def test_a_data_set_of_videos_gets_fields_of_the_comparison(videos, incoming):
    new = films_of(incoming.parent / "incoming")

    operator("compare")(new, videos, progress=False)

    status = dict(
        zip(names(new.values("filepath")), new.values("ingest_status"), strict=True)
    )
    assert status["b-excerpt.avi"] == "known"
    assert set(new.distinct("ingest_resembles")) <= set(videos.values("filepath"))
    new.delete()


def test_videos_are_not_compared_with_images(videos, dataset):
    with pytest.raises(ValueError, match="cannot be compared. Compare images with"):
        operator("compare")(videos, dataset, progress=False)
    with pytest.raises(ValueError, match="min_shared must be in"):
        operator("compare")(videos, videos.name, min_shared=2, progress=False)


def test_two_folders_of_videos_are_compared_by_one_command(made, incoming, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "cli" / "compare_folders.py"),
            str(incoming),
            "--against",
            str(made),
            "--out",
            str(tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "7 videos in" in done.stdout
    assert "Of 7 videos in incoming: 2 new, 3 in data already" in done.stdout
    assert len((tmp_path / "out" / "compare.jsonl").read_text().splitlines()) == 7
