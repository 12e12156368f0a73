import os
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F


@pytest.fixture
def decide():
    return foo.get_operator("@winnow/curate/decide")


def test_what_is_kept_stays_out_of_this_and_later_scans(dataset, scan, decide):
    scan(dataset, split_by=["train", "test"])
    pair = dataset.match(F("dup_cluster") == 0)
    ids = pair.values("id")

    decided = decide(dataset.select(ids), "keep")

    assert (decided.count, decided.updated) == (2, True)
    assert dataset.select(ids).values("leak") == [False, False]
    assert dataset.count("dup_cluster") == 2
    scan(dataset, split_by=["train", "test"])
    assert dataset.select(ids).values("dup_cluster") == [None, None]
    scan(dataset, prefix="other")
    assert dataset.select(ids).values("other_dup_cluster") == [None, None]


def test_keep_can_be_taken_back(dataset, scan, decide):
    scan(dataset)
    before = dataset.values("dup_cluster")
    found = dataset.select(dataset.exists("dup_cluster").values("id"))
    decide(found, "keep")
    assert dataset.count("dup_cluster") == 0

    assert decide(found, "keep", undo=True).count == 4

    assert dataset.values("dup_cluster") == before
    assert dataset.exists("winnow_decisions").count() == 0


def near_pair(dataset, folder, draw):
    """Adds a changed copy of the tenth picture; returns the ids of both."""
    path = folder / "near.jpg"
    draw(9).resize((56, 56)).save(path, quality=90)
    dataset.add_sample(
        fo.Sample(str(path), tags=["test"], ground_truth=fo.Classification(label="a"))
    )
    ids = dict(zip(dataset.values("filepath"), dataset.values("id"), strict=True))
    return ids[str(folder / "09.png")], ids[str(path)]


def test_two_that_only_look_alike_are_no_duplicates_any_more(
    dataset, scan, decide, folder, draw
):
    one, other = near_pair(dataset, folder, draw)
    scan(dataset)
    assert len(set(dataset.select([one, other]).values("dup_cluster"))) == 1

    decide(dataset.select(other), "not_duplicate")

    assert dataset.select([one, other]).values("dup_cluster") == [None, None]
    scan(dataset)
    assert dataset.select([one, other]).values("dup_cluster") == [None, None]

    # The pair is stored on one of them, and may be taken back on the other
    decide(dataset.select(one), "not_duplicate", undo=True)
    assert None not in dataset.select([one, other]).values("dup_cluster")


def test_equal_files_cannot_be_parted(dataset, scan, decide):
    scan(dataset)

    with pytest.raises(Exception, match="decide to keep them"):
        decide(dataset.match(F("dup_kind") == "bytes"), "not_duplicate")


def test_a_verified_label_holds_as_long_as_the_label(dataset, scan, decide):
    options = {"label_field": "ground_truth", "min_label_score": 100}
    scan(dataset, **options)
    wrong = dataset.match(F("label_issue")).limit(1).values("id")
    sample = dataset.select(wrong)

    decide(sample, "label_verified")
    assert sample.values("label_issue") == [False]
    scan(dataset, **options)
    assert sample.values("label_issue") == [False]

    old = sample.values("ground_truth.label")[0]
    sample.set_values("ground_truth.label", ["b" if old == "a" else "a"])
    scan(dataset, **options)
    assert sample.values("label_issue") == [True]


def test_decisions_on_deleted_samples_break_nothing(
    dataset, scan, decide, folder, draw
):
    one, other = near_pair(dataset, folder, draw)
    scan(dataset)
    decide(dataset.select(other), "not_duplicate")
    decide(dataset.limit(3), "keep")

    dataset.delete_samples([one, dataset.first().id])
    report = scan(dataset)

    assert report.counts["images"] == 19
    assert decide(dataset.select(other), "not_duplicate", undo=True).count == 1


def test_a_decision_outlives_lost_results(dataset, scan, decide):
    scan(dataset)
    ids = dataset.match(F("dup_cluster") == 0).values("id")
    name = dataset.get_run_info("winnow").config.scan_data
    (Path(os.environ["WINNOW_CACHE"]) / "runs" / name).unlink()

    decided = decide(dataset.select(ids), "keep")

    assert not decided.updated
    assert "from the next scan on" in str(decided)
    scan(dataset)
    assert dataset.select(ids).values("dup_cluster") == [None, None]


def test_a_label_without_labels_cannot_be_verified(dataset, scan, decide):
    scan(dataset)

    with pytest.raises(Exception, match="had no labels"):
        decide(dataset.limit(1), "label_verified")


def test_a_field_of_someone_else_is_left_alone(dataset, scan, decide):
    scan(dataset)
    dataset.add_sample_field("winnow_decisions", fo.StringField)

    with pytest.raises(Exception, match="was not made by Winnow"):
        decide(dataset.limit(1), "keep")


def test_an_unknown_decision_names_those_that_exist(dataset, scan, decide):
    scan(dataset)

    with pytest.raises(Exception, match="keeper, keep, not_duplicate, label_verified"):
        decide(dataset.limit(1), "love")


def test_the_app_decides_on_the_selection(dataset, scan):
    scan(dataset)
    ids = dataset.match(F("dup_cluster") == 0).values("id")

    result = foo.execute_operator(
        "@winnow/curate/decide", dataset=dataset, selected=ids, params={"what": "keep"}
    )

    assert result.result["count"] == 2
    dataset.reload()
    assert dataset.select(ids).values("dup_cluster") == [None, None]


def test_the_chosen_copy_stays_and_the_one_in_test_goes(dataset, scan, decide):
    scan(dataset, split_by=["train", "test"])
    before = dataset.values("dup_cluster")
    extra = dataset.match(F("dup_keeper") == False).first()  # noqa: E712
    assert "train" in extra.tags

    decided = decide(dataset.select(extra.id), "keeper")

    assert str(decided) == "1 image chosen as the one to keep."
    assert dataset.values("dup_cluster") == before
    sample = dataset[extra.id]
    assert (sample["dup_keeper"], sample["leak_remove"]) == (True, False)
    assert sample["keeper_reason"] == "chosen by a person"
    other = dataset.match(F("dup_cluster") == sample["dup_cluster"])
    other = other.exclude(extra.id).first()
    assert (other["dup_keeper"], other["leak_remove"]) == (False, True)
    scan(dataset, split_by=["train", "test"])
    assert dataset[extra.id]["dup_keeper"] is True


def test_the_last_choice_of_a_cluster_counts(dataset, scan, decide):
    scan(dataset)
    one, other = dataset.match(F("dup_cluster") == 0).values("id")

    decide(dataset.select(one), "keeper")
    decide(dataset.select(other), "keeper")

    assert dataset.select([one, other]).values("dup_keeper") == [False, True]
    assert dataset.count_values("winnow_decisions") == {"keeper": 1}
    assert decide(dataset.select(other), "keeper", undo=True).count == 1
    assert dataset.count_values("winnow_decisions") == {}
    assert dataset.count("dup_cluster") == 4


def test_a_cluster_has_one_keeper_and_an_image_without_copies_is_none(
    dataset, scan, decide
):
    scan(dataset)

    with pytest.raises(Exception, match="a cluster has one keeper"):
        decide(dataset.match(F("dup_cluster") == 0), "keeper")
    with pytest.raises(Exception, match="None of these images has a copy"):
        decide(dataset.match(F("dup_cluster") == None), "keeper")  # noqa: E711


def test_to_take_back_one_decision_leaves_the_other(dataset, scan, decide):
    scan(dataset)
    sample = dataset.match(F("dup_keeper") == False).limit(1)  # noqa: E712
    sample = dataset.select(sample.values("id"))
    decide(sample, "keeper")
    decide(sample, "keep")

    decide(sample, "keep", undo=True)

    assert sample.values("winnow_decisions") == [["keeper"]]
    assert sample.values("dup_keeper") == [True]


def test_labels_and_images_are_decided_first_and_changed_by_one_plan(
    dataset, scan, decide
):
    scan(dataset, label_field="ground_truth")
    quarantine, retag = (
        foo.get_operator(f"@winnow/curate/{name}") for name in ("quarantine", "retag")
    )
    one, other, third = dataset.match({"dup_cluster": None}).limit(3).values("id")
    was = dict(zip(*dataset.values(["id", "ground_truth.label"]), strict=True))
    new = {"a": "b", "b": "a"}[was[one]]

    decide(dataset.select(one), "relabel", label=new)
    decide(dataset.select([other, third]), "may_go", update=False)
    assert decide(dataset.select(third), "keep").updated

    plan = retag(dataset, "relabel", progress=False)
    assert [why for _, _, why in plan.examples()] == [
        f"you decided that '{was[one]}' is '{new}'"
    ]
    retag(dataset, plan_id=plan.plan_id, expect_count=1, dry_run=False, progress=False)
    assert dataset[one].ground_truth.label == new
    # It is done, and the label counts as verified from now on
    assert retag(dataset, "relabel", progress=False).count == 0
    assert dataset[one].label_issue is not True
    # Who keeps an image does not let it go
    plan = quarantine(dataset, "may_go", progress=False)
    assert plan.count == 1
    assert [why for _, _, why in plan.examples()] == ["you decided that it may go"]

    with pytest.raises(Exception, match="which label"):
        decide(dataset.select(one), "relabel")
    assert decide(dataset.select(one), "relabel", undo=True).count == 1


def test_a_copy_that_may_go_names_the_one_that_stays(dataset, scan, decide):
    scan(dataset)
    copy = dataset.match({"dup_keeper": False, "dup_kind": "bytes"}).first()

    decide(dataset.select(copy.id), "may_go")

    plan = foo.get_operator("@winnow/curate/quarantine")(
        dataset, "may_go", progress=False
    )
    (row,) = plan.rows()
    assert row["reason"].startswith("same content as ")
    assert row["kept_copy"]
