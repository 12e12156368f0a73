"""Labels are corrected, in the data set and as folders on disk."""

import shutil
from pathlib import Path

import pytest

from tests.integration.on_disk import do, documents, files, retag, undo


@pytest.fixture
def scanned(classes, scan):
    scan(
        classes,
        label_field="ground_truth",
        split_by=["train", "test"],
        min_label_score=0.0,
    )
    return classes


def test_retag_moves_a_file_to_the_folder_of_its_label(scanned):
    before = files(scanned), documents(scanned)
    view = scanned.match_tags("train").limit(1)
    old = view.first().filepath
    (sample_id,) = view.values("id")

    report = do(retag, view, "view", label="new", allow_new_label=True, on_disk=True)

    sample = scanned[sample_id]
    assert report.moves == 1
    assert sample.ground_truth.label == "new"
    assert sample.ground_truth.confidence == 0.5
    assert sample.filepath == old.replace("/a/", "/new/")
    new = Path(sample.filepath)
    assert new.exists()
    undo(scanned, dry_run=False, progress=False)
    assert (files(scanned), documents(scanned)) == before
    assert not new.parent.exists()


def test_retag_takes_the_next_name_where_one_is_taken(scanned):
    view = scanned.match_tags("train").limit(1)
    sample = view.first()
    taken = Path(sample.filepath.replace("/a/", "/b/"))
    if not taken.exists():
        shutil.copyfile(sample.filepath, taken)
    content = taken.read_bytes()

    do(retag, view, "view", label="b", on_disk=True)

    sample.reload()
    assert taken.read_bytes() == content
    assert Path(sample.filepath).name == taken.stem + "-2.png"


def test_retag_without_the_disk_changes_the_label_alone(scanned):
    view = scanned.match_tags("train").limit(1)
    sample = view.first()
    path = sample.filepath

    do(retag, view, "view", label="b")

    sample.reload()
    assert (sample.ground_truth.label, sample.filepath) == ("b", path)


def suggest(sample, label, score):
    sample["label_issue"], sample["label_suggestion"] = True, label
    sample["label_score"] = float(score)
    sample.save()


def test_copies_get_the_same_label_or_keep_theirs(scanned):
    one, other = scanned.exists("dup_cluster").sort_by("filepath")
    suggest(one, "b", 3)

    plan = retag(scanned, "label_issues", progress=False)
    assert plan.count == 0
    assert "a copy of it would keep another label" in str(plan)

    suggest(other, "b", 4)
    assert do(retag, scanned, "label_issues").count == 2
    labels = scanned.select([one.id, other.id]).values("ground_truth.label")
    assert labels == ["b", "b"]


def test_the_worst_labels_come_first(scanned):
    alone = scanned.match({"dup_cluster": None, "ground_truth.label": "a"}).limit(3)
    for sample, score in zip(alone, (7, 2, 5), strict=True):
        suggest(sample, "b", score)

    plan = retag(scanned, "label_issues", progress=False)

    assert [why[-5:-1] for _, _, why in plan.examples()] == [" 2.0", " 5.0", " 7.0"]


def test_retag_takes_the_suggestion_and_settles_the_issue(scanned):
    sample = scanned.match({"dup_cluster": None, "ground_truth.label": "a"}).first()
    sample["label_issue"], sample["label_suggestion"] = True, "b"
    sample["label_score"] = 1.0
    sample.save()

    do(retag, scanned, "label_issues")

    sample.reload()
    assert sample.ground_truth.label == "b"
    # What the new label is worth, the next scan finds out
    assert (sample.label_issue, sample.label_suggestion) == (None, None)
    undo(scanned, dry_run=False, progress=False)
    sample.reload()
    assert sample.ground_truth.label == "a"
    assert sample.label_score is not None


def test_undo_keeps_a_label_that_a_person_gave_since(scanned):
    view = scanned.match_tags("train").limit(1)
    sample = view.first()
    do(retag, view, "view", label="b")
    sample.reload()
    sample.ground_truth.label = "mine"
    sample.save()

    report = undo(scanned, dry_run=False, progress=False)

    sample.reload()
    assert sample.ground_truth.label == "mine"
    assert "was changed since" in str(report)


def test_an_unknown_label_is_refused_and_an_unlabeled_sample_gets_one(scanned):
    sample = scanned.first()
    sample.ground_truth = None
    sample.save()

    with pytest.raises(ValueError, match="No sample is labeled 'bb' yet"):
        retag(scanned.limit(1), "view", label="bb", progress=False)
    do(retag, scanned.limit(1), "view", label="b")

    sample.reload()
    assert sample.ground_truth.label == "b"


def test_labels_in_a_string_field_are_corrected_too(scanned, scan):
    scanned.set_values("kind", scanned.values("ground_truth.label"))
    scan(scanned, label_field="kind", progress=False)

    do(retag, scanned.limit(1), "view", label="b")

    assert scanned.first().kind == "b"
