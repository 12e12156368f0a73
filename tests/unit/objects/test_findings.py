import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.models.registry import load_embedder
from core.objects.collect import (
    ObjectData,
    ObjectInput,
    collect_object_data,
    without_objects,
)
from core.objects.findings import ATTRIBUTES, find_objects
from core.objects.settings import ObjectSettings
from core.objects.units import picture_sizes
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput
from core.scan.stored_scan import load_record, save_record

# Each scans pictures and the objects in them
pytestmark = pytest.mark.slow

SIDE, CELL = 240, 80
CLASSES = ["ring", "stripes"]


def drawing(label, random, ground):
    """A ring or stripes, of 64 pixels, on a picture of its own."""
    picture = Image.blend(ground, Image.new("RGB", (64, 64), "white"), 0.5)
    pen = ImageDraw.Draw(picture)
    color = tuple(random.integers(0, 90, 3).tolist())
    if label == 0:
        edge = int(random.integers(4, 12))
        pen.ellipse((edge, edge, 63 - edge, 63 - edge), outline=color, width=8)
    else:
        step = int(random.integers(10, 16))
        for x in range(int(random.integers(0, 8)), 64, step):
            pen.rectangle((x, 0, x + 4, 63), fill=color)
    return picture


@pytest.fixture(scope="module")
def scene(tmp_path_factory, draw):
    """Thirty pictures of four objects; object 5 has a wrong label.

    Object 9 (picture 2, train) is pasted again as object 102 (picture 25, test).
    """
    folder = tmp_path_factory.mktemp("objects")
    random = np.random.default_rng(3)
    boxes, labels, files, drawings = [], [], [], []
    for number in range(30):
        picture = draw(number, side=SIDE)
        for place in range(4):
            label = int(random.integers(2))
            ground = draw(1000 + len(drawings), side=64)
            art = (
                drawings[9] if len(drawings) == 102 else drawing(label, random, ground)
            )
            if len(drawings) == 102:
                label = labels[9]
            drawings.append(art)
            left, top = 20 + place % 2 * 120, 20 + place // 2 * 120
            picture.paste(art, (left, top))
            boxes.append([left / SIDE, top / SIDE, 64 / SIDE, 64 / SIDE])
            labels.append(label)
            files.append(number)
        picture.save(folder / f"{number:02d}.png")
    labels[5] = 1 - labels[5]
    paths = [os.fsencode(path) for path in sorted(folder.iterdir())]
    splits = (np.arange(30) >= 20).astype(np.int32)
    pictures = collect_scan_data(
        ScanInput(paths, splits=splits, split_names=["train", "test"]),
        load_embedder(),
        folder=folder / "cache",
    )
    return pictures, paths, np.array(files), np.array(boxes), np.array(labels)


@pytest.fixture(scope="module")
def find(scene):
    pictures, paths, files, boxes, labels = scene
    cache = Path(os.fsdecode(paths[0])).parent / "cache"

    def run(
        extra=None, order=None, group=None, gone=None, copies=(), wrong=(), **options
    ):
        file, box, label = files, boxes, labels.copy()
        label[list(wrong)] = 1 - label[list(wrong)]
        if extra is not None:
            file = np.append(files, extra[0])
            box = np.concatenate([boxes, [extra[1]]])
            label = np.append(labels, extra[2])
        order = np.arange(len(file)) if order is None else order
        given = ObjectInput(
            [str(number) for number in order],
            file[order],
            box[order],
            label[order].astype(np.int32),
            CLASSES,
            np.zeros(len(file), np.int64),
            np.zeros(len(file), bool),
        )
        options = ObjectSettings(**options)
        scanned, names = pictures, list(paths)
        for one, other in copies:
            names[one] = names[other]
            same = scanned.samples.unique_file.copy()
            same[one] = same[other]
            scanned = replace(
                scanned, samples=replace(scanned.samples, unique_file=same)
            )
        data = collect_object_data(
            scanned,
            names,
            given,
            np.reshape(np.array(copies, np.int64), (-1, 2)),
            load_embedder(),
            folder=cache,
            options=options,
        )
        if gone is not None:
            data = without_objects(data, np.isin(np.arange(len(file)), gone))
        save_record(data, cache / "objects.npz")
        data = load_record(ObjectData, cache / "objects.npz")
        group = np.arange(30) if group is None else group
        return find_objects(data, picture_sizes(pictures), group, options=options)

    return run


def test_an_object_with_a_wrong_label_is_named_with_the_right_one(find, scene):
    found = find()

    scores = np.array(found.columns["label_score"])
    assert scores.argmin() == 5
    right = CLASSES[1 - scene[4][5]]
    assert found.columns["label_suggestion"][5] == right
    assert found.counts["object_label_issues"] <= 4


def test_one_object_in_two_pictures_is_a_copy_and_leaks(find):
    found = find()

    cluster = found.columns["dup_cluster"]
    assert cluster[9] is not None and cluster[9] == cluster[102]
    assert found.columns["leak"][9] and found.columns["leak_splits"][9] == ["test"]
    assert found.columns["leak_splits"][102] == ["train"]


def test_objects_of_pictures_that_are_copies_say_nothing_new(find):
    group = np.arange(30)
    group[25] = group[2]

    found = find(group=group)

    assert found.columns["dup_cluster"][9] is None
    assert not found.columns["leak"][102]


def test_a_second_box_on_one_object_is_found(find, scene):
    second = scene[3][7] + [0.004, 0, 0, 0]

    found = find(extra=(1, second, scene[4][7]))

    assert found.columns["box_issues"][120] == ["duplicate"]
    assert found.columns["box_issues"][7] is None
    assert found.columns["dup_cluster"][120] is None
    assert found.counts["bad_boxes"] == 1


def test_a_broken_box_costs_itself_alone(find):
    whole = find()

    found = find(extra=(3, [np.nan, 0, 0.1, 0.1], 0))

    assert found.columns["object_status"][120] == "degenerate"
    assert found.columns["label_score"][120] is None
    assert found.columns["label_score"][:120] == whole.columns["label_score"]


def test_the_order_of_objects_changes_nothing(find):
    order = np.random.default_rng(0).permutation(120)

    one, other = find(), find(order=order)

    for name in ("label_score", "outlier_distance", "object_status", "leak"):
        values = [one.columns[name][row] for row in order]
        assert other.columns[name] == values, name


def test_objects_that_cannot_be_cut_out_are_told_without_a_comparison(find):
    found = find(min_object_side=100)

    assert set(found.columns["object_status"]) == {"tiny"}
    assert found.counts["objects_compared"] == 0
    assert set(found.columns["label_score"]) == {None}


def test_each_attribute_has_a_column(find):
    assert set(find().columns) == {spec.name for spec in ATTRIBUTES}


def test_thresholds_of_objects_are_their_own(find):
    found = find(min_object_label_score=99.0, max_object_outlier_distance=2.0)

    assert found.counts["object_label_issues"] > 10
    assert found.counts["object_outliers"] == 0
    assert found.thresholds["min_object_label_score"] == 99
    assert replace(ObjectSettings(), object_margin=0.1).object_margin == 0.1


def test_objects_that_are_gone_say_nothing_and_are_nobodys_copy(find):
    found = find(gone=[102])

    assert found.columns["object_status"][102] == "unread"
    assert found.columns["label_score"][102] is None
    assert found.columns["dup_cluster"][9] is None


def test_equal_crops_are_equal_in_their_pixels(find, scene):
    found = find(extra=(1, scene[3][7], scene[4][7]))

    assert "bytes" not in found.columns["dup_kind"]


def test_copies_that_are_annotated_differently_disagree(find, scene):
    # Picture 1 shows what picture 0 does, and their boxes are at the same places
    labels = scene[4]
    found = find(copies=[(1, 0)], group=np.array([0, 0, *range(2, 30)]))

    kinds = found.columns["copy_agreement"]
    assert set(kinds[8:]) == {None}
    differ = [labels[row] != labels[row + 4] for row in range(4)]
    assert [kind == "other label" for kind in kinds[:4]] == differ
    assert found.columns["copy_label"][4] == (CLASSES[labels[0]] if differ[0] else None)
    assert found.counts["box_disagreements"] == 2 * sum(differ) > 0
    assert found.pictures["box_conflict"] == [True, True] + [None] * 28
    assert sum(found.pictures["objects_flagged"]) >= 2 * sum(differ)

    apart = find(copies=[(1, 0)])

    assert set(apart.columns["copy_agreement"]) == {None}
    assert apart.pictures["objects_missing"] == [None] * 30


def test_a_second_box_is_not_missing_in_the_copy(find, scene):
    second = scene[3][1] + [0, 0, 0.005, 0]
    group = np.array([0, 0, *range(2, 30)])

    found = find(copies=[(1, 0)], group=group, extra=(0, second, scene[4][1]))

    assert found.columns["box_issues"][120] == ["duplicate"]
    assert found.columns["copy_agreement"][120] is None
    assert found.pictures["objects_missing"][:2] == [0, 0]


def test_labels_of_classes_with_few_objects_are_no_issues(find):
    # All but 19 of the stripes are gone
    stripes = np.flatnonzero(np.array(find().columns["label_score"]) >= 0)
    found = find(min_object_label_score=100.0)
    assert found.counts["objects_judged"] == len(stripes) == 120

    few = find(min_object_label_score=100.0, gone=list(range(0, 90)))

    # Thirty are left, and at most one class has twenty
    assert few.counts["objects_judged"] < 30
    assert few.counts["object_label_issues"] <= few.counts["objects_judged"]


def test_what_a_good_part_of_a_class_looks_like_is_no_issue(find, scene):
    rings = np.setdiff1d(np.flatnonzero(scene[4] == 0), [5])
    few, many = rings[:4].tolist(), rings[:12].tolist()

    found = find(wrong=few, min_object_label_score=50.0)

    assert all(found.columns["label_issue"][row] for row in few)

    found = find(wrong=many, min_object_label_score=50.0)

    doubted = [row for row in many if found.columns["label_score"][row] < 50]
    assert len(doubted) >= 10
    assert {found.columns["label_suggestion"][row] for row in doubted} == {"ring"}
    assert not any(found.columns["label_issue"][row] for row in doubted)
