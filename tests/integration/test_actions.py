"""Quarantine, move, undo and purge on real files and a real database."""

import os
import re
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from tests.integration.on_disk import (
    do,
    documents,
    files,
    move,
    operator,
    purge,
    quarantine,
    retag,
    undo,
)


def test_a_dry_run_is_the_default_and_changes_nothing(scanned):
    before = files(scanned), documents(scanned)

    plan = quarantine(scanned, "duplicates", progress=False)

    assert plan.count == 1
    assert plan.bytes == os.path.getsize(next(plan.items()).kept_copy.path)
    assert "Nothing has been changed" in str(plan)
    assert (files(scanned), documents(scanned)) == before


def test_a_quarantined_file_is_beside_the_root_and_its_sample_follows(scanned):
    report = do(quarantine, scanned, "duplicates")

    (sample,) = scanned.match_tags("quarantined")
    assert report.count == 1
    assert "/.winnow-quarantine/" in sample.filepath
    assert Path(sample.filepath).exists()
    assert Path(sample.filepath).parents[4].name != "data"
    assert len(scanned) == 65


@pytest.mark.parametrize("remove_samples", [False, True])
def test_undo_brings_back_every_byte_and_every_value(scanned, remove_samples):
    before = files(scanned), documents(scanned)
    do(quarantine, scanned, "duplicates", remove_samples=remove_samples)
    assert files(scanned) != before[0]
    assert len(scanned) == (64 if remove_samples else 65)

    report = undo(scanned, dry_run=False, progress=False)

    assert report.count == 1
    assert files(scanned) == before[0]
    assert documents(scanned) == before[1]


def test_applying_needs_the_plan_that_was_shown(scanned):
    with pytest.raises(ValueError, match="Plan first"):
        quarantine(scanned, "duplicates", dry_run=False)
    with pytest.raises(Exception, match="no plan 0123456789ab"):
        quarantine(scanned, plan_id="0123456789ab", dry_run=False)
    with pytest.raises(Exception, match="is not the id of a plan"):
        quarantine(scanned, plan_id="../../etc", dry_run=False)


def test_a_plan_is_applied_once(scanned):
    plan = quarantine(scanned, "duplicates", progress=False)
    quarantine(scanned, plan_id=plan.plan_id, dry_run=False, progress=False)

    with pytest.raises(Exception, match="was applied already"):
        quarantine(scanned, plan_id=plan.plan_id, dry_run=False, progress=False)


def test_a_plan_of_an_earlier_scan_is_outdated(scanned, scan):
    plan = quarantine(scanned, "duplicates", progress=False)
    scanned.get_run_info("winnow")
    config = scanned.get_run_info("winnow").config
    config.completed_at = "2001-01-01T00:00:00+00:00"
    scanned.update_run_config("winnow", config)

    with pytest.raises(Exception, match="scanned again"):
        quarantine(scanned, plan_id=plan.plan_id, dry_run=False)


def test_a_plan_for_one_action_is_not_applied_by_another(scanned):
    plan = quarantine(scanned, "duplicates", progress=False)

    with pytest.raises(Exception, match="is for quarantine, not for move"):
        move(scanned, plan_id=plan.plan_id, dry_run=False)


def test_a_file_edited_after_the_plan_stays(scanned):
    plan = quarantine(scanned, "duplicates", progress=False)
    victim = Path(plan.plan.root) / next(plan.items()).source
    victim.write_bytes(victim.read_bytes() + b" ")

    report = quarantine(scanned, plan_id=plan.plan_id, dry_run=False, progress=False)

    assert report.count == 0
    assert "changed since the plan" in str(report)
    assert victim.exists()


def test_a_file_edited_after_the_scan_stays(scanned):
    (row,) = scanned.match(fo.ViewField("dup_keeper") == False)  # noqa: E712
    status = os.stat(row.filepath)
    data = bytearray(Path(row.filepath).read_bytes())
    data[-1] ^= 1
    Path(row.filepath).write_bytes(data)
    os.utime(row.filepath, ns=(status.st_atime_ns, status.st_mtime_ns))

    report = do(quarantine, scanned, "duplicates")

    assert report.count == 0
    assert "changed since it was scanned" in str(report)


def test_a_copy_whose_keeper_is_gone_stays(scanned):
    (keeper,) = scanned.match(fo.ViewField("dup_keeper"))
    plan = quarantine(scanned, "duplicates", progress=False)
    os.rename(keeper.filepath, keeper.filepath + ".away")

    report = quarantine(scanned, plan_id=plan.plan_id, dry_run=False, progress=False)

    assert report.count == 0
    assert "the copy to keep cannot be read" in str(report)


def test_each_sample_gets_its_own_path_though_one_was_deleted_meanwhile(scanned):
    view = scanned.match_tags("train").limit(3)
    plan = quarantine(view, "view", progress=False)
    items = list(plan.items())
    scanned.delete_samples([items[0].records[0]["id"]])

    report = quarantine(
        scanned, plan_id=plan.plan_id, expect_count=3, dry_run=False, progress=False
    )

    assert (report.count, sum(report.skipped.values())) == (2, 1)
    for item in items[1:]:
        sample = scanned[item.records[0]["id"]]
        assert Path(sample.filepath).read_bytes()
        assert sample.filepath.endswith(item.target)
    assert (Path(plan.plan.root) / items[0].source).exists()


def test_what_is_in_quarantine_takes_no_part_in_scans_and_thresholds(scanned, scan):
    set_thresholds = operator("set_thresholds")
    do(quarantine, scanned, "duplicates")

    found = set_thresholds(scanned, progress=False)
    again = scan(
        scanned, label_field="ground_truth", split_by=["train", "test"], progress=False
    )

    assert found.counts["duplicates"] == again.counts["duplicates"] == 0
    assert found.counts["images"] == again.counts["images"] == 64
    assert found.counts["unreadable"] == 0


def test_thresholds_can_be_moved_again_after_an_undo(scanned):
    set_thresholds = operator("set_thresholds")
    do(quarantine, scanned, "duplicates")
    set_thresholds(scanned, progress=False)
    undo(scanned, dry_run=False, progress=False)

    report = set_thresholds(scanned, progress=False)

    assert (report.counts["duplicates"], report.counts["images"]) == (2, 65)


def test_moved_files_keep_their_folders_and_come_back(scanned, tmp_path):
    before = files(scanned), documents(scanned)
    view = scanned.match_tags("train").limit(2)
    ids = view.values("id")

    do(move, view, "view", output_dir=str(tmp_path / "set aside" / "odd"))

    for sample in scanned.select(ids):
        relative = Path(sample.filepath).relative_to(tmp_path / "set aside" / "odd")
        assert relative.parts[0] == "train"
    undo(scanned, dry_run=False, progress=False)
    assert (files(scanned), documents(scanned)) == before
    assert not (tmp_path / "set aside").exists()


def test_actions_are_undone_in_the_order_that_makes_sense(scanned):
    before = files(scanned), documents(scanned)
    view = scanned.match_tags("train").limit(1)
    first = do(retag, view, "view", label="b", on_disk=True)
    second = do(quarantine, scanned.select(view.values("id")), "view")

    early = undo(scanned, first.key, dry_run=False, progress=False)
    assert early.count == 0
    assert f"moved on by {second.key}" in str(early)

    undo(scanned, second.key, dry_run=False, progress=False)
    undo(scanned, first.key, dry_run=False, progress=False)
    assert (files(scanned), documents(scanned)) == before


def test_restore_py_needs_neither_winnow_nor_a_database(scanned):
    before = files(scanned), documents(scanned)
    report = do(quarantine, scanned, "duplicates")
    script = Path(report.folder) / "restore.py"

    ran = subprocess.run(
        [sys.executable, "-I", "-S", script, "--apply"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "put back" in ran.stdout
    assert files(scanned) == before[0]
    undo(scanned, dry_run=False, progress=False)
    assert documents(scanned) == before[1]


def test_purge_waits_and_then_destroys_and_removes_the_samples(scanned):
    report = do(quarantine, scanned, "duplicates")
    (path,) = scanned.match_tags("quarantined").values("filepath")

    young = purge(scanned, progress=False)
    due = purge(scanned, older_than_days=0, progress=False)
    with pytest.raises(Exception, match="not the plan that was shown"):
        purge(scanned, older_than_days=0, plan_id="0" * 12, dry_run=False)
    assert os.path.exists(path)
    done = purge(
        scanned,
        older_than_days=0,
        plan_id=due.plan_id,
        dry_run=False,
        progress=False,
    )

    assert (young.count, due.count, done.count) == (0, 1, 1)
    assert "younger than 7 days" in str(young)
    assert not os.path.exists(path)
    assert len(scanned) == 64
    with pytest.raises(Exception, match="nothing to undo"):
        undo(scanned)
    assert report.count == 1


def test_purge_spares_a_copy_whose_keeper_is_gone(scanned):
    (keeper,) = scanned.match(fo.ViewField("dup_keeper"))
    do(quarantine, scanned, "duplicates")
    (path,) = scanned.match_tags("quarantined").values("filepath")
    os.rename(keeper.filepath, keeper.filepath + ".away")
    due = purge(scanned, older_than_days=0, progress=False)

    report = purge(
        scanned, older_than_days=0, plan_id=due.plan_id, dry_run=False, progress=False
    )

    assert report.count == 0
    assert "may be the last one" in str(report)
    assert os.path.exists(path)


def test_wrong_choices_are_named(scanned):
    with pytest.raises(ValueError, match="what='everything' is not known"):
        quarantine(scanned, "everything", progress=False)
    with pytest.raises(ValueError, match="not known. 'duplicates' takes all copies"):
        quarantine(scanned, "redundant_copies", progress=False)
    with pytest.raises(ValueError, match="no option 'color'"):
        quarantine(scanned, "duplicates", color="red", progress=False)
    with pytest.raises(ValueError, match="kinds='bytes' must be a list"):
        quarantine(scanned, "duplicates", kinds="bytes", progress=False)
    with pytest.raises(ValueError, match="Say to which folder"):
        move(scanned, "duplicates", progress=False)
    with pytest.raises(Exception, match="another disk|no folder"):
        quarantine(scanned, "duplicates", quarantine="/proc", progress=False)


def test_findings_are_needed_only_by_what_uses_them(classes):
    with pytest.raises(Exception, match="has not been scanned"):
        quarantine(classes, "duplicates", progress=False)

    plan = quarantine(classes.limit(1), "view", progress=False)

    assert plan.count == 1


def test_the_form_shows_the_plan_and_applies_what_was_ticked(scanned):
    ctx = {"dataset": scanned, "params": {"what": "duplicates"}}
    uri = "@winnow/curate/quarantine"
    form = str(_form(uri, scanned, what="duplicates").to_json())
    (tick,) = set(re.findall(r"apply_[0-9a-f]{12}", form))

    with pytest.raises(Exception, match="tick this"):
        foo.execute_operator(uri, ctx)
    with pytest.raises(Exception, match="tick this"):
        other = {"what": "duplicates", "apply_0123456789ab": True}
        foo.execute_operator(uri, {"dataset": scanned, "params": other})
    assert scanned.match_tags("quarantined").count() == 0

    ticked = {"what": "duplicates", tick: True}
    foo.execute_operator(uri, {"dataset": scanned, "params": ticked})

    assert scanned.match_tags("quarantined").count() == 1
    assert "1 image would be put into quarantine" in form
    assert "/media?filepath=" in form


def _form(uri, dataset, **params):
    context = foo.ExecutionContext(
        request_params={"dataset_name": dataset.name, "params": params},
        operator_uri=uri,
    )
    return foo.get_operator(uri).resolve_input(context)


def test_a_damaged_journal_is_a_line_of_the_history_beside_the_others(classes):
    done = []
    for sample in classes.limit(2):
        plan = quarantine(classes.select(sample.id), "view")
        done.append(quarantine(classes, plan_id=plan.plan_id, dry_run=False))
    journal = Path(done[0].folder) / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"00000000 nonsense\n" + b"".join(lines[1:]))

    texts = str(undo(classes)).splitlines()

    assert len(lines) > 2
    (bad,) = [line for line in texts if f"  {done[0].key}  " in line]
    (good,) = [line for line in texts if f"  {done[1].key}  " in line]
    assert "cannot be read" in bad and done[0].folder in bad
    assert "quarantine of view: 1 image," in good and "cannot" not in good
