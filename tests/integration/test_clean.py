"""One recommended plan: what may go by proof, and what needs a person."""

from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest


@pytest.fixture
def clean():
    return foo.get_operator("@winnow/curate/clean")


@pytest.fixture
def scanned(dataset, scan, folder, draw):
    """Exact copies of one label and of two, a changed copy, and a damaged file."""
    (folder / "05.png").write_bytes(b"")
    draw(9).resize((56, 56)).save(folder / "near.jpg", quality=90)
    copy = folder / "copy.png"
    copy.write_bytes((folder / "03.png").read_bytes())
    label = dataset.match({"filepath": str(folder / "03.png")}).first().ground_truth
    for path, name in ((copy, label.label), (folder / "near.jpg", "a")):
        truth = fo.Classification(label=name)
        dataset.add_sample(fo.Sample(str(path), tags=["test"], ground_truth=truth))
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    return dataset


def test_only_what_is_proven_goes_and_comes_back(clean, scanned):
    before = {path: Path(path).read_bytes() for path in scanned.values("filepath")}

    plan = clean(scanned, progress=False)

    reasons = {Path(row["file"]).name: row["reason"] for row in plan.rows()}
    # 00.png and 19.png, 01.png and 18.bmp carry two labels: a person decides
    assert set(reasons) <= {"03.png", "copy.png", "05.png"} and len(reasons) == 2
    assert "05.png" in reasons
    # A file is named as the plan names it, from the images' folder on
    exact = {"same content as 03.png", "same content as copy.png"}
    assert exact & set(reasons.values())
    assert "its copies have different labels" in str(plan)

    done = clean(scanned, plan_id=plan.plan_id, dry_run=False, progress=False)
    assert done.count == 2
    assert clean(scanned, progress=False).count == 0
    undo = foo.get_operator("@winnow/curate/undo")
    undo(scanned, dry_run=False, progress=False)
    assert {path: Path(path).read_bytes() for path in before} == before


def test_the_rest_is_listed_with_the_minutes_of_a_review(clean, scanned):
    plan = clean(scanned, progress=False)

    found = {one.finding: one.count for one in plan.reviews}
    assert found["duplicates"] == 3
    assert found.get("label_issues", 0) == scanned.match({"label_issue": True}).count()
    assert plan.minutes >= 1
    assert "Needs your eyes: 3 clusters of copies, about 1 minute" in str(plan)
    assert plan.to_dict()["minutes"] == plan.minutes


def test_one_question_is_told_as_one_and_a_scene_is_one_question(clean, scanned):
    first, *others = scanned.match({"scan_status": "ok"}).values("id")
    scanned.set_field("scene_leak", False).save()
    scanned.set_field("outlier", False).save()
    scanned.select(first).set_field("outlier", True).save()
    parted = scanned.select(others[:3])
    parted.set_field("scene_leak", True).set_field("scene_group", 7).save()

    told = str(clean(scanned, progress=False))

    assert "Needs your eyes: 1 outlier, about 1 minute" in told
    assert "Needs your eyes: 1 scene in two splits, about 1 minute" in told


def test_where_nothing_is_proven_the_plan_is_empty(clean, dataset, scan):
    scan(dataset.skip(3).limit(3))

    assert clean(dataset, progress=False).count == 0
