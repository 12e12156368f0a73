"""Which files an action takes by default, and which it leaves alone."""

import os
import shutil
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import Image

from tests.integration.on_disk import (
    do,
    operator,
    quarantine,
    undo,
)


def test_the_images_to_keep_are_left_alone(scanned):
    (victim,) = scanned.match(fo.ViewField("dup_keeper") == False)  # noqa: E712
    victim.tags.append("keep")
    victim.save()

    by_tag = quarantine(scanned, "duplicates", progress=False)
    by_split = quarantine(
        scanned, "duplicates", protect_tags=[], protect_splits=["test", "train"]
    )
    by_path = quarantine(
        scanned,
        "duplicates",
        protect_tags=[],
        protect_paths=[os.path.dirname(victim.filepath)],
    )

    assert (by_tag.count, by_split.count, by_path.count) == (0, 0, 0)
    assert "protected by the tag 'keep'" in str(by_tag)
    assert "in the protected split" in str(by_split)
    assert "lies in a protected folder" in str(by_path)


def test_what_a_person_decided_to_keep_stays(scanned):
    view = scanned.match_tags("train").limit(2)
    operator("decide")(view.limit(1), "keep")

    plan = quarantine(view, "view", progress=False)

    assert plan.count == 1
    assert "a person decided to keep it" in str(plan)


def test_a_file_that_another_data_set_uses_stays_unless_both_are_changed(scanned):
    (victim,) = scanned.match(fo.ViewField("dup_keeper") == False)  # noqa: E712
    other = fo.Dataset()
    other.add_sample(fo.Sample(filepath=victim.filepath))
    try:
        refused = quarantine(scanned, "duplicates", progress=False)
        do(quarantine, scanned, "duplicates", update_all_references=True)
        other.reload()
        moved_to = other.values("filepath")
        undo(scanned, dry_run=False, progress=False)

        assert refused.count == 0
        assert f"the data set '{other.name}' uses it too" in str(refused)
        assert Path(moved_to[0]).parent.name == "files"
        assert other.values("filepath") == [victim.filepath]
        assert other.count_values("tags") == {}
    finally:
        other.delete()


def test_two_samples_of_one_file_are_one_victim(scanned):
    (victim,) = scanned.match(fo.ViewField("dup_keeper") == False)  # noqa: E712
    scanned.add_sample(fo.Sample(filepath=victim.filepath))

    do(quarantine, scanned, "duplicates")

    paths = scanned.match_tags("quarantined").values("filepath")
    assert len(paths) == 2
    assert len(set(paths)) == 1


def test_the_mask_of_a_sample_is_left_alone(scanned):
    (victim,) = scanned.match(fo.ViewField("dup_keeper") == False)  # noqa: E712
    sample = scanned.first()
    sample["mask"] = fo.Segmentation(mask_path=victim.filepath)
    sample.save()

    plan = quarantine(scanned, "duplicates", progress=False)

    assert plan.count == 0
    assert "mask or thumbnail" in str(plan)


def test_hard_links_paths_outside_and_remote_paths_are_refused(scanned, tmp_path):
    (victim,) = scanned.match(fo.ViewField("dup_keeper") == False)  # noqa: E712
    os.link(victim.filepath, tmp_path / "other name.png")
    outside = tmp_path / "outside.png"
    shutil.copyfile(victim.filepath, outside)
    link = Path(victim.filepath).with_name("link.png")
    link.symlink_to(victim.filepath)
    scanned.add_samples(
        [
            fo.Sample(filepath=path, tags=["odd"])
            for path in (str(outside), "s3://bucket/a.png", str(link))
        ]
    )
    root = str(tmp_path / "data")

    linked = quarantine(scanned, "duplicates", root=root, progress=False)
    odd = quarantine(scanned, "tag", tag="odd", root=root, progress=False)

    assert linked.count == odd.count == 0
    assert "hard links" in str(linked)
    text = str(odd)
    assert "outside of" in text
    assert "not on this machine" in text
    assert "symbolic link" in text


def test_an_empty_selection_does_nothing_and_says_so(scanned):
    earlier = do(quarantine, scanned.limit(1), "view")
    plan = quarantine(scanned.limit(0), "view", progress=False)

    assert plan.count == 0
    assert str(plan) == "Nothing would be changed."
    done = quarantine(
        scanned, plan_id=plan.plan_id, expect_count=0, dry_run=False, progress=False
    )
    assert (done.count, done.undo_call) == (0, None)
    assert str(done) == "Nothing was changed: the plan was empty."
    # An undo of nothing is not one of the action before
    with pytest.raises(Exception, match="There is no action"):
        undo(scanned, done.key, dry_run=False, progress=False)
    assert undo(scanned, progress=False).key == earlier.key


def test_no_view_is_not_everything(scanned):
    with pytest.raises(ValueError, match="whole data set"):
        quarantine(scanned, "view", progress=False)


def test_no_class_and_no_split_is_emptied(scanned):
    test = quarantine(scanned.match_tags("test"), "view", progress=False)
    everything = quarantine(scanned.view(), "view", progress=False)

    assert test.count == everything.count == 0
    assert "nothing would be left of split test" in str(test)
    assert "nothing would be left of data set" in str(everything)


def test_a_large_share_needs_the_number_repeated(scanned):
    plan = quarantine(scanned.match_tags("train").limit(8), "view", progress=False)

    with pytest.raises(Exception, match="expect_count=8"):
        quarantine(scanned, plan_id=plan.plan_id, dry_run=False)
    with pytest.raises(Exception, match="has 8 items"):
        quarantine(scanned, plan_id=plan.plan_id, expect_count=7, dry_run=False)
    assert scanned.match_tags("quarantined").count() == 0


def test_leaks_go_from_the_side_that_was_chosen(scanned):
    either = quarantine(scanned, "leaks", progress=False)
    train = quarantine(scanned, "leaks", split="train", progress=False)
    test = quarantine(scanned, "leaks", split="test", progress=False)

    assert dict(train.splits) == {"train": 1}
    assert dict(test.splits) == {"test": 1}
    # The image in the test split should stay
    assert dict(either.splits) == {"train": 1}
    assert next(train.items()).kept_copy.path.endswith("again.png")
    with pytest.raises(ValueError, match="There is no split 'dev'"):
        quarantine(scanned, "leaks", split="dev", progress=False)


def test_copies_with_different_labels_are_left_to_a_person(scanned, scan):
    again = scanned.match(fo.ViewField("filepath").ends_with("again.png")).first()
    again.ground_truth.label = "b"
    again.save()

    plan = quarantine(scanned, "duplicates", progress=False)
    anyway = quarantine(scanned, "duplicates", include_conflicts=True, progress=False)

    assert (plan.count, anyway.count) == (0, 1)
    assert "different labels" in str(plan)


def test_an_unreadable_file_can_be_put_away(scanned, scan):
    broken = Path(scanned.first().filepath).with_name("broken.png")
    broken.touch()
    unknown = broken.with_name("unknown.png")
    unknown.write_bytes(b"no picture")
    for path in (broken, unknown):
        scanned.add_sample(fo.Sample(filepath=str(path)))
    scan(scanned, progress=False)

    report = do(quarantine, scanned, "unreadable")

    assert report.count == 1
    assert not broken.exists()
    assert unknown.exists()
    assert do(quarantine, scanned, "not_read").count == 1
    assert not unknown.exists()


def test_healthy_files_that_are_not_read_never_go_with_the_unreadable(
    scanned, scan, tmp_path
):
    large = Path(scanned.first().filepath).with_name("large.png")
    Image.new("RGB", (1200, 1000), (9, 90, 200)).save(large)
    scanned.add_sample(fo.Sample(filepath=str(large)))
    report = scan(scanned, max_megapixels=1, progress=False)

    assert "too large 1" in str(report)
    assert quarantine(scanned, "unreadable", progress=False).count == 0
    show = foo.get_operator("@winnow/curate/show")
    assert show(scanned, "unreadable").count() == 0
    assert show(scanned, "not_read").values("filepath") == [str(large)]
    export = foo.get_operator("@winnow/curate/export")
    view = export(scanned, str(tmp_path / "clean"), format="images").view
    assert str(large) in view.values("filepath")


def test_the_file_that_is_named_is_the_one_that_is_equal(classes, scan, draw):
    """A copy of a changed copy: a twin of what goes is no reason to go."""
    root = Path(classes.first().filepath).parent
    picture = draw(400, 256)
    paths = [root / name for name in ("large.png", "r0.png", "r0 again.png", "r0.bmp")]
    small = picture.resize((200, 200))
    picture.save(paths[0])
    small.save(paths[1])
    paths[2].write_bytes(paths[1].read_bytes())
    small.save(paths[3])
    label = fo.Classification(label="a")
    for path in paths:
        classes.add_sample(fo.Sample(str(path), ground_truth=label, tags=["train"]))
    scan(classes, label_field="ground_truth", progress=False)
    ours = classes.match({"filepath": {"$in": [str(path) for path in paths]}})
    assert len(set(ours.values("dup_cluster"))) == 1

    def named(**options):
        plan = quarantine(ours, "duplicates", progress=False, **options).plan
        return {
            Path(item.source).name: (item.why, Path(item.kept_copy.path).name)
            for item in plan.items()
        }

    everything = named()
    assert set(everything) == {"r0.png", "r0 again.png", "r0.bmp"}
    for why, kept_copy in everything.values():
        assert kept_copy == "large.png"
        assert why.startswith("near copy of ") and "large.png" in why
    # Of those, one stays: that is what its twins equal
    some = named(kinds=["bytes", "pixels"])
    assert len(some) == 2
    (stays,) = set(everything) - set(some)
    for name, (why, kept_copy) in some.items():
        assert kept_copy == stays
        twins = {name, stays} == {"r0.png", "r0 again.png"}
        assert why.startswith(f"same {'content' if twins else 'picture'} as ")
        assert why.endswith(f"/{stays}")


def test_a_file_of_which_only_the_first_picture_was_compared_stays(
    classes, scan, draw, tmp_path
):
    folder = tmp_path / "data" / "train" / "a"
    for name, last in (("one.tif", 101), ("other.tif", 102), ("same.tif", 101)):
        pages = [draw(100), draw(last)]
        pages[0].save(folder / name, save_all=True, append_images=pages[1:])
    same = folder / "same.tif"
    same.write_bytes(same.read_bytes() + b"\0")
    classes.add_samples(
        [fo.Sample(str(path), tags=["train"]) for path in folder.glob("*.tif")]
    )
    scan(classes, split_by=["train", "test"], progress=False)

    plan = quarantine(classes, "duplicates", progress=False)

    why = "only the first of its 2 pictures was compared"
    assert sum(n for said, n in plan.skipped.items() if why in said) == 1
    # The copy of again.png, and the one whose pictures are all equal
    assert plan.count == 2
    relations = set(classes.values("dup_relation")) - {None}
    assert relations == {"first of 2 pictures equal"}


def test_a_plan_names_the_file_that_is_really_the_equal_one(tmp_path, scan, draw):
    folder = tmp_path / "pictures"
    folder.mkdir()
    draw(1, 96).save(folder / "whole.png")
    draw(1, 96).resize((70, 70)).save(folder / "small.png")
    for name in ("whole", "small"):
        shutil.copyfile(folder / f"{name}.png", folder / f"{name}_again.png")
    dataset = fo.Dataset.from_images_dir(str(folder))
    scan(dataset)

    def reasons(**options):
        plan = quarantine(dataset, "duplicates", progress=False, **options)
        return {
            Path(item.source).stem: (item.why, Path(item.kept_copy.path).read_bytes())
            for item in plan.items()
        }

    # The small ones are no more than near to the one that stays
    every = reasons()
    kept = next(name for name in ("whole", "whole_again") if name not in every)
    for name in ("small", "small_again"):
        assert every[name][0].startswith("near copy of ")
        assert f"{kept}.png" in every[name][0]

    # Where one of them stays, the other is its equal, whatever the cluster keeps
    exact = reasons(kinds=["bytes", "pixels"])
    assert len(exact) == 2
    for name, (why, stays) in exact.items():
        assert why.startswith("same content as ")
        assert f"{name.split('_')[0]}" in why
        assert stays == (folder / f"{name}.png").read_bytes()
    dataset.delete()
