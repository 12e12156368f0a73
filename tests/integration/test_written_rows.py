"""Thresholds that move write the samples that change, and no others."""

import importlib
import os
import time
from pathlib import Path

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import pytest

ADAPTER = "fiftyone.plugins.orgs.winnow.curate.operators.adapter"

OURS = ["outlier", "outlier_distance", "dup_cluster", "scan_status", "label_score"]


def modified(dataset):
    return dict(zip(*dataset.values(["id", "last_modified_at"]), strict=True))


def stored_rows(dataset):
    name = dataset.get_run_info("winnow").config.scan_data
    return (Path(os.environ["WINNOW_CACHE"]) / "runs" / name).with_suffix(".rows.npz")


@pytest.fixture
def scanned(dataset, scan):
    scan(dataset, label_field="ground_truth")
    time.sleep(0.002)
    return dataset


def test_only_samples_whose_values_change_are_modified(scanned, set_thresholds):
    before, were = modified(scanned), dict(zip(*scanned.values(["id", "outlier"])))

    set_thresholds(scanned, max_outlier_distance=0)

    after, are = modified(scanned), dict(zip(*scanned.values(["id", "outlier"])))
    assert all(are.values())
    changed = {one for one in are if are[one] != were[one]}
    assert changed
    assert {one for one in after if after[one] != before[one]} == changed


def test_a_scan_of_the_same_images_modifies_no_sample(scanned, scan):
    before = modified(scanned)

    scan(scanned, label_field="ground_truth")

    assert modified(scanned) == before


def test_what_somebody_else_wrote_into_our_fields_is_put_right(scanned, set_thresholds):
    before = scanned.values(OURS)
    sample = scanned.last()
    sample["outlier"], sample["dup_cluster"] = True, 77
    sample.save()

    set_thresholds(scanned)

    assert scanned.values(OURS) == before


def test_fields_that_were_deleted_or_emptied_are_filled_again(scanned, scan):
    before = scanned.values(OURS)
    scanned.delete_sample_field("outlier")
    scan(scanned, label_field="ground_truth")
    assert scanned.values(OURS) == before

    scanned.limit(3).select_fields("ground_truth").keep_fields()
    scan(scanned, label_field="ground_truth")
    assert scanned.values(OURS) == before


@pytest.mark.parametrize("damage", ["gone", "cut", "of another run"])
def test_without_knowing_what_was_written_all_samples_are_read(
    scanned, set_thresholds, damage
):
    before, kept = scanned.values(OURS), stored_rows(scanned).read_bytes()
    set_thresholds(scanned, max_outlier_distance=0)
    if damage == "gone":
        stored_rows(scanned).unlink()
    else:
        kept = kept[:50] if damage == "cut" else kept
        stored_rows(scanned).write_bytes(kept)

    set_thresholds(scanned, max_outlier_distance=None)

    assert scanned.values(OURS) == before


def test_a_sample_that_was_put_away_and_came_back_is_judged_again(
    scanned, set_thresholds
):
    set_thresholds(scanned, max_outlier_distance=0)
    before = scanned.values(OURS)
    quarantine = foo.get_operator("@winnow/curate/quarantine")
    plan = quarantine(scanned.limit(1), "outliers", progress=False)
    quarantine(scanned, plan_id=plan.plan_id, dry_run=False, progress=False)
    set_thresholds(scanned)
    assert scanned.first()["scan_status"] == "quarantined"
    foo.get_operator("@winnow/curate/undo")(scanned, dry_run=False, progress=False)

    set_thresholds(scanned)

    assert scanned.values(OURS) == before


def test_a_scan_with_new_images_reads_the_values_of_the_new_alone(
    scanned, scan, tmp_path, monkeypatch
):
    class Reading:
        """The samples, which count those that are read."""

        def __init__(self, collection):
            self.collection, self.read = collection, 0

        def find(self, query, names):
            self.read += len(query["_id"]["$in"])
            return self.collection.find(query, names)

        def bulk_write(self, *args, **options):
            return self.collection.bulk_write(*args, **options)

    fields = importlib.import_module(f"{ADAPTER}.dataset.fields")
    counting, write = [], fields.write_findings

    def counted(*args):
        counting.append(Reading(fields._collection(scanned)))
        with monkeypatch.context() as within:
            within.setattr(fields, "_collection", lambda _: counting[0])
            write(*args)

    publish = importlib.import_module(f"{ADAPTER}.runs.publish")
    monkeypatch.setattr(publish, "write_findings", counted)
    picture = cv2.imread(scanned.first().filepath)
    cv2.imwrite(str(tmp_path / "new.png"), picture[:40, :40])
    scanned.add_sample(
        fo.Sample(
            filepath=str(tmp_path / "new.png"),
            ground_truth=fo.Classification(label="a"),
        )
    )

    scan(scanned, label_field="ground_truth")

    assert counting[0].read == 1
    anew = [scanned.values(one) for one in OURS]
    stored_rows(scanned).unlink()
    scan(scanned, label_field="ground_truth")
    assert [scanned.values(one) for one in OURS] == anew
    assert scanned.last()["scan_status"] == "ok"


def few_a_request(monkeypatch, most=3):
    """Returns the module that writes fields, which now writes few samples a request."""
    fields = importlib.import_module(f"{ADAPTER}.dataset.fields")
    monkeypatch.setattr(fields, "SAMPLES_A_WRITE", most)
    return fields


def test_rows_of_many_requests_are_all_written_in_order(dataset, scan, monkeypatch):
    scan(dataset, label_field="ground_truth", prefix="whole")
    few_a_request(monkeypatch)
    told = []

    scan(dataset, label_field="ground_truth", prefix="few", progress=told.append)

    written = [one.done for one in told if one.stage == "Writing fields"]
    assert written == [0, 3, 6, 9, 12, 15, 18, 20]
    for name in ("scan_status", "outlier_distance", "dup_cluster", "brightest"):
        values = dataset.values(f"whole_{name}")
        assert dataset.values(f"few_{name}") == values, name
    assert len(set(dataset.values("few_brightest"))) > 10


def test_nothing_is_written_after_a_cancel(dataset, scan, monkeypatch):
    class Slow:
        """The samples, so slow that the cancel comes before the last request."""

        def __init__(self, collection):
            self.collection = collection

        def __getattr__(self, name):
            return getattr(self.collection, name)

        def bulk_write(self, *args, **options):
            time.sleep(0.05)
            return self.collection.bulk_write(*args, **options)

    fields = few_a_request(monkeypatch, most=1)
    scan(dataset, label_field="ground_truth")
    dataset.delete_sample_fields(OURS)
    samples = Slow(fields._collection(dataset))
    monkeypatch.setattr(fields, "_collection", lambda _: samples)

    def cancel(progress):
        if progress.stage == "Writing fields" and progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(dataset, label_field="ground_truth", progress=cancel)

    held = dataset.values("scan_status")
    assert "ok" in held and None in held
    time.sleep(0.2)
    assert dataset.values("scan_status") == held


def test_a_data_set_that_was_emptied_during_the_scan_is_told(
    dataset, scan, monkeypatch
):
    fields = few_a_request(monkeypatch)

    def empty(progress):
        if progress.stage == "Writing fields" and not progress.done:
            dataset.clear()

    with pytest.raises(fields.StaleRunError, match="are gone.*scan again"):
        scan(dataset, label_field="ground_truth", progress=empty)
