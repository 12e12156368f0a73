"""Frames of recordings: found, kept together, thinned, put away and brought back."""

import os
from collections import Counter

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import Image

from tests.panel_events import drawn

FRAMES, STEP, SIDE = 16, 7, 96


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def film(draw, number, frames=FRAMES):
    """Frames of a camera that moves over a large picture, then stands still."""
    ground = draw(1000 + number, side=SIDE + STEP * frames)
    for frame in range(frames):
        left = STEP * min(frame, frames - 4)
        yield ground.crop((left, left, left + SIDE, left + SIDE))


@pytest.fixture
def recorded(tmp_path, draw):
    """Three recordings, a third of whose frames is in test, and numbered pictures."""
    samples = []

    def add(picture, name, label, split):
        path = tmp_path / split / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        picture.save(path)
        samples.append(
            fo.Sample(
                filepath=str(path),
                ground_truth=fo.Classification(label=label),
                tags=[split],
                video=name[:4],
            )
        )

    for number in range(3):
        for frame, picture in enumerate(film(draw, number)):
            split = "test" if frame % 3 == 1 else "train"
            add(picture, f"rec{number}_{frame:05}", "ab"[number == 2], split)
    for number in range(20):
        split = "test" if number % 3 == 1 else "train"
        add(draw(number, side=SIDE), f"photo{number}", "ab"[number % 2], split)
    dataset = fo.Dataset()
    dataset.add_samples(samples)
    yield dataset
    dataset.delete()


@pytest.fixture
def scanned(recorded, scan):
    scan(recorded, label_field="ground_truth", split_by=["train", "test"])
    return recorded


def names(view):
    return sorted(os.path.basename(path) for path in view.values("filepath"))


def test_a_scan_finds_recordings_by_name_and_looks_and_numbered_pictures_are_none(
    scanned,
):
    assert dict(Counter(scanned.values("winnow_sequence"))) == {
        "rec0_#": FRAMES,
        "rec1_#": FRAMES,
        "rec2_#": FRAMES,
        None: 20,
    }
    first = operator("show")(scanned, "sequences").first()
    assert (first.winnow_sequence, first.winnow_place) == ("rec0_#", 0)


def test_the_report_says_how_near_test_frames_are_to_train_frames(recorded, scan):
    report = scan(recorded, split_by=["train", "test"])

    near = report.sequence_steps["test"]["train"]
    assert near == {"images": 22, "frames": 15, "two_steps": 15, "one_step": 15}
    assert report.counts["sequence_leaks"] == 3 * FRAMES
    assert "are one step from a frame there" in str(report)
    assert "Recordings" in operator("report")(
        recorded, os.path.join(fo.config.default_dataset_dir, "report")
    ).markdown.read_text(encoding="utf-8")


def test_recordings_are_scenes_and_their_leaks_are_scene_leaks(scanned):
    for _, group in Counter(
        zip(
            scanned.values("winnow_sequence"),
            scanned.values("scene_group"),
            strict=True,
        )
    ).items():
        assert group in (FRAMES, 20)
    leaking = scanned.match(fo.ViewField("sequence_leak") == True)  # noqa: E712
    for sample in leaking:
        assert sample.scene_leak or sample.leak


def test_a_split_by_recording_closes_the_leak(scanned, scan):
    operator("split")(
        scanned,
        {"train": 0.7, "test": 0.3},
        group_field="winnow_sequence",
        dry_run=False,
    )

    report = scan(scanned, split_by="winnow_split")

    assert report.counts["sequence_leaks"] == 0
    assert report.counts["scene_leaks"] == 0


def test_a_policy_judges_what_was_looked_for(recorded, scan):
    audit = operator("audit")
    scan(recorded)
    assert "no splits were given" in str(audit(recorded, "no sequence leaks"))
    assert "thin was not run" in str(audit(recorded, "no bursts"))

    scan(recorded, split_by=["train", "test"])
    assert not audit(recorded, "no sequence leaks").passed
    operator("thin")(recorded)
    assert audit(recorded, "bursts <= 90 %").passed


def test_a_field_names_recordings_without_proof(recorded, scan):
    scan(recorded, sequence_field="video")

    assert set(recorded.values("winnow_sequence")) == {"rec0", "rec1", "rec2", "phot"}
    with pytest.raises(ValueError, match="could name groups"):
        scan(recorded, sequence_field="ground_truth")


def test_thinning_drops_what_stands_still_but_nothing_of_the_test_split(scanned):
    before = {path: os.path.getmtime(path) for path in scanned.values("filepath")}
    report = operator("thin")(scanned)
    gone = operator("show")(scanned, "bursts")

    assert len(gone) == report.images - report.kept > 0
    assert report.images == 3 * FRAMES
    assert {tuple(tags) for tags in gone.values("tags")} == {("train",)}
    # The camera stands still from the twelfth frame on
    assert {f"rec0_{frame:05}.png" for frame in (14, 15)} <= set(names(gone))
    assert all(path for path in before if os.path.getmtime(path) == before[path])
    assert len(scanned) == 3 * FRAMES + 20


def test_a_decision_and_the_only_image_of_a_class_are_kept(scanned, scan):
    operator("thin")(scanned)
    gone = operator("show")(scanned, "bursts")
    decided, other = gone.values("id")[:2]
    operator("decide")(scanned.select(decided), "keep")
    assert scanned[decided].burst_keep

    sample = scanned[other]
    sample.ground_truth.label = "c"
    sample.save()
    scan(scanned, label_field="ground_truth", split_by=["train", "test"])
    operator("thin")(scanned)
    assert scanned[decided].burst_keep
    assert scanned[other].burst_keep


def test_thinning_outlives_moved_thresholds_and_not_a_new_scan(
    scanned, set_thresholds, scan
):
    operator("thin")(scanned)
    kept = scanned.values("burst_keep")

    set_thresholds(scanned, max_outlier_distance=0.5)
    assert scanned.values("burst_keep") == kept

    scan(scanned)
    assert set(scanned.values("burst_keep")) == {None}


def test_so_many_are_kept_as_are_asked_for(scanned):
    report = operator("thin")(scanned, keep=10)
    train = scanned.match_tags("train")

    assert report.kept == 10 == train.values("burst_keep").count(True)
    assert report.images == len(train)
    assert set(scanned.match_tags("test").values("burst_keep")) == {None}


def test_without_recordings_all_images_are_thinned_by_path(tmp_path, draw, scan):
    dataset = fo.Dataset()
    for number, name in enumerate("abcdefgh"):
        path = tmp_path / f"{name}.png"
        draw(number // 2).save(path)
        dataset.add_sample(fo.Sample(filepath=str(path)))
    scan(dataset)

    report = operator("thin")(dataset)

    assert (report.images, report.kept) == (8, 4)
    assert names(operator("show")(dataset, "bursts")) == [
        f"{one}.png" for one in "bdfh"
    ]
    dataset.delete()


@pytest.mark.parametrize(
    "options",
    [{"min_change": 0}, {"min_change": 1}, {"keep": 0}, {"keep": 1.5}, {"prefer": "x"}],
)
def test_what_cannot_be_is_refused_before_anything_is_written(scanned, options):
    with pytest.raises(ValueError):
        operator("thin")(scanned, **options)

    assert set(scanned.values("burst_keep")) == {None}


def test_redundant_frames_are_exported_without_and_put_away_and_brought_back(
    scanned, tmp_path
):
    operator("thin")(scanned)
    gone = names(operator("show")(scanned, "bursts"))

    operator("export")(scanned, str(tmp_path / "out"), without=["bursts"])
    exported = [name for _, _, files in os.walk(tmp_path / "out") for name in files]
    assert not set(gone) & set(exported)
    assert len([name for name in exported if name.endswith("png")]) == 68 - len(gone)

    assert operator("tag")(scanned, "bursts", "thinned").count == len(gone)
    assert names(scanned.match_tags("thinned")) == gone

    quarantine = operator("quarantine")
    plan = quarantine(scanned, "bursts")
    assert plan.plan.needs_count
    how = ("shows no more than ", "differs in a part from ")
    assert all(row["reason"].startswith(how) for row in plan.rows())
    assert all("rec" in row["reason"] for row in plan.rows())
    done = quarantine(
        scanned, plan_id=plan.plan_id, expect_count=len(gone), dry_run=False
    )
    assert done.count == len(gone)
    left = {
        file.name
        for split in ("train", "test")
        for file in (tmp_path / split).iterdir()
    }
    assert not left & set(gone)
    assert len(left) == 68 - len(gone)
    operator("undo")(scanned, dry_run=False)
    assert names(operator("show")(scanned, "bursts")) == gone


def test_a_burst_is_told_by_the_times_of_its_camera(tmp_path, draw, scan):
    dataset = fo.Dataset()
    pictures = [*film(draw, 5, 8), *(draw(number, side=SIDE) for number in range(8))]
    for number, picture in enumerate(pictures):
        exif = Image.Exif()
        exif[0x0110] = "Camera"
        exif.get_ifd(0x8769)[0x9003] = (
            f"2024:05:01 12:{0 if number < 8 else 30:02}:{number % 8:02}"
        )
        path = tmp_path / f"{'zyxwvutsrqponmlk'[number]}.jpg"
        picture.save(path, exif=exif, quality=95)
        dataset.add_sample(fo.Sample(filepath=str(path)))
    scan(dataset)

    burst = dataset.exists("winnow_sequence").sort_by("winnow_place")
    assert names(burst) == [f"{one}.jpg" for one in "stuvwxyz"]
    assert set(burst.values("winnow_sequence")) == {"burst of 2024-05-01 12:00:00"}
    dataset.delete()


def test_the_panel_offers_to_split_by_recording_and_to_put_away_what_repeats(scanned):
    assert "winnow_sequence" in drawn(scanned, "leaks")
    assert "redundant frames" not in drawn(scanned, "leaks")

    gone = operator("thin")(scanned)

    text = f"Quarantine {gone.images - gone.kept} redundant frames"
    assert text in drawn(scanned, "leaks")


@pytest.fixture
def watched(tmp_path, draw, scan):
    """A fixed camera, before which something small stands in frames 4 to 7."""
    dataset = fo.Dataset()
    for frame in range(12):
        picture = draw(1000, side=SIDE)
        if 4 <= frame < 8:
            picture.paste((200, 60, 60), (40, 40, 48, 48))
        path = tmp_path / f"cam_{frame:03}.png"
        picture.putpixel((0, 0), (frame, 0, 0))
        picture.save(path)
        dataset.add_sample(fo.Sample(filepath=str(path)))
    scan(dataset)
    yield dataset
    dataset.delete()


def test_frames_that_differ_in_a_part_are_told_and_kept_where_that_is_asked_for(
    watched,
):
    report = operator("thin")(watched)
    reasons = [
        row["reason"] for row in operator("quarantine")(watched, "bursts").rows()
    ]

    assert (report.kept, report.in_part) == (1, 4)
    assert "keep_parts=True keeps them" in str(report)
    assert sum("differs in a part from" in one for one in reasons) == 4

    report = operator("thin")(watched, keep_parts=True)

    assert (report.kept, report.in_part) == (3, 0)
    kept = watched.match(fo.ViewField("burst_keep"))
    assert names(kept) == ["cam_000.png", "cam_004.png", "cam_008.png"]
    with pytest.raises(ValueError, match="Leave out one of them"):
        operator("thin")(watched, keep=2, keep_parts=True)
