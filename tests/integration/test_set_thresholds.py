import sys

import fiftyone.operators as foo
import pytest


def test_thresholds_move_without_reading_a_file(dataset, scan, set_thresholds, folder):
    scan(dataset, label_field="ground_truth")
    for path in folder.iterdir():
        path.unlink()

    report = set_thresholds(dataset, max_outlier_distance=0)

    assert report.counts["outliers"] == 20
    assert report.thresholds["max_outlier_distance"] == 0
    assert report.rules["max_outlier_distance"] == "given"
    assert dataset.match({"outlier": True}).count() == 20


def test_the_scan_s_own_thresholds_give_the_scan_s_own_findings(
    dataset, scan, set_thresholds
):
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    fields = dataset.get_run_info("winnow").config.report["counts"]
    before = dataset.values(["dup_cluster", "outlier_distance", "label_score", "leak"])

    report = set_thresholds(dataset)

    assert report.counts == dict(fields)
    after = dataset.values(["dup_cluster", "outlier_distance", "label_score", "leak"])
    assert after == before


def test_a_similarity_below_what_was_searched_is_refused(dataset, scan, set_thresholds):
    scan(dataset)

    with pytest.raises(ValueError, match="less similar pairs were not compared"):
        set_thresholds(dataset, min_copy_similarity=0.1)


def test_without_a_scan_there_is_nothing_to_move(dataset, set_thresholds):
    with pytest.raises(Exception, match="not been scanned"):
        set_thresholds(dataset)


def test_samples_deleted_since_the_scan_no_longer_count(dataset, scan, set_thresholds):
    before = scan(dataset)
    dataset.delete_samples(dataset.limit(2))

    after = set_thresholds(dataset)

    assert before.counts["images"] - after.counts["images"] == 2
    assert dataset.exists("dup_cluster").count() == after.counts["duplicates"]


def test_lost_evidence_asks_for_a_new_scan(dataset, scan, set_thresholds):
    import os
    from pathlib import Path

    scan(dataset)
    name = dataset.get_run_info("winnow").config.scan_data
    (Path(os.environ["WINNOW_CACHE"]) / "runs" / name).unlink()

    with pytest.raises(Exception, match="no longer there"):
        set_thresholds(dataset)


def test_an_older_scan_s_evidence_is_removed(dataset, scan):
    import os
    from pathlib import Path

    scan(dataset)
    scan(dataset)

    runs = Path(os.environ["WINNOW_CACHE"]) / "runs"
    left = runs.glob(f"{dataset._doc.id}-*")
    assert sorted(path.name.partition(".")[2] for path in left) == ["npz", "rows.npz"]


def test_thresholds_that_are_not_given_stay(dataset, scan, set_thresholds):
    scan(dataset, label_field="ground_truth", calibrate=True)
    before = dataset.get_run_info("winnow").config.settings
    set_thresholds(dataset, min_label_score=40)

    report = set_thresholds(dataset, max_outlier_distance=0)

    assert report.thresholds["min_label_score"] == 40
    after = dataset.get_run_info("winnow").config.settings
    assert after["calibrate"] is before["calibrate"] is True
    report = set_thresholds(dataset, max_outlier_distance=None, min_copy_score=0.9)
    assert report.rules["max_outlier_distance"] != "given"
    assert report.thresholds["min_copy_score"] == 0.9
    assert dataset.get_run_info("winnow").config.settings["calibrate"] is False


def test_from_params_too_what_is_not_given_stays(dataset, scan, set_thresholds):
    scan(dataset, label_field="ground_truth", min_label_score=40)

    foo.execute_operator(
        "@winnow/curate/set_thresholds",
        ctx={"dataset": dataset},
        params={"max_outlier_distance": 0},
    )

    settings = dataset.get_run_info("winnow").config.settings
    assert settings["min_label_score"] == 40
    assert settings["max_outlier_distance"] == 0


def test_a_scan_of_an_older_version_asks_for_a_new_one(dataset, scan, set_thresholds):
    scan(dataset)
    config = dataset.get_run_info("winnow").config
    del config.scan_data
    dataset.update_run_config("winnow", config)

    with pytest.raises(Exception, match="older version of Winnow. Scan again"):
        set_thresholds(dataset)


def test_a_data_set_that_was_never_scanned_is_not_called_stale(
    dataset, scan, set_thresholds
):
    errors = sys.modules["fiftyone.plugins.orgs.winnow.curate.core.errors"]
    with pytest.raises(errors.ScanNotFoundError, match="has not been scanned yet"):
        set_thresholds(dataset)
    with pytest.raises(errors.ScanNotFoundError, match="with prefix='other' yet"):
        set_thresholds(dataset, prefix="other")

    scan(dataset)
    config = dataset.get_run_info("winnow").config
    config.status = "writing"
    dataset.update_run_config("winnow", config)

    with pytest.raises(errors.StaleRunError, match="was cut short"):
        set_thresholds(dataset)
