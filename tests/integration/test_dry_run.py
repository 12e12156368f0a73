"""Whoever says nothing, or says dry run, changes nothing: in each way of a call."""

import inspect
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
import yaml
from fiftyone.operators.executor import ExecutionError

# FiftyOne registers nothing that is not listed there
LISTED = yaml.safe_load((Path(__file__).parents[2] / "fiftyone.yml").read_text())

PARAMS = {
    "quarantine": {"what": "duplicates"},
    "move": {"what": "duplicates", "output_dir": "aside"},
    "retag": {"what": "label_issues"},
    "clean": {},
    "remove_objects": {"what": "bad_boxes"},
    "merge": {},
    "undo": {},
    "purge": {"older_than_days": 0},
    "split": {"way": "new", "shares": "one 0.5, two 0.5"},
}
"""What each operator needs that has a dry run."""


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def dry_runs(name):
    call = getattr(operator(name), "__call__", None)  # noqa: B004
    return call is not None and "dry_run" in inspect.signature(call).parameters


def execute(name, dataset, params):
    """Calls an operator as an agent does; a form may refuse it."""
    uri = f"@winnow/curate/{name}"
    try:
        foo.execute_operator(uri, {"dataset": dataset, "params": params})
    except ExecutionError:
        # Nobody may be refused who only wants to look
        assert "dry_run" not in params


def state(dataset):
    """All that an operator may change: fields, values and files."""
    dataset.reload()
    root = Path(dataset.info["root"])
    files = sorted(str(path) for path in root.parent.rglob("*.png"))
    samples = [sample.to_dict() for sample in dataset.sort_by("id")]
    for sample in samples:
        sample.pop("last_modified_at")
    return sorted(dataset.get_field_schema()), samples, files


@pytest.fixture
def acted_on(dataset, folder, scan):
    """A scanned data set of which one copy is in quarantine already."""
    dataset.info["root"] = str(folder)
    dataset.save()
    for sample in dataset:
        box = fo.Detection(label="thing", bounding_box=[0.9, 0.9, 0.5, 0.5])
        sample["boxes"] = fo.Detections(detections=[box])
        sample.save()
    scan(dataset, label_field="ground_truth", objects="boxes", progress=False)
    extra = dataset.match({"dup_kind": "bytes", "dup_keeper": False})
    extra = dataset.select(extra.values("id"))
    plan = operator("quarantine")(extra, "view", progress=False)
    done = operator("quarantine")(
        dataset, plan_id=plan.plan_id, dry_run=False, progress=False
    )
    assert done.count == 1
    return dataset


def test_every_operator_with_a_dry_run_is_asked():
    assert {name for name in LISTED["operators"] if dry_runs(name)} == set(PARAMS)


def test_nothing_is_changed_unless_a_caller_says_so(acted_on):
    before = state(acted_on)

    for name, params in PARAMS.items():
        default = inspect.signature(operator(name).__call__).parameters["dry_run"]
        assert default.default is True, name
        for dry_run in ({}, {"dry_run": True}):
            execute(name, acted_on, {**params, **dry_run})
            assert state(acted_on) == before, (name, dry_run)


def test_a_plan_that_is_named_is_not_yet_agreed_to(acted_on):
    plans = {
        "quarantine": operator("quarantine")(acted_on, "duplicates", progress=False),
        "purge": operator("purge")(acted_on, older_than_days=0, progress=False),
    }
    before = state(acted_on)

    for name, plan in plans.items():
        for dry_run in ({}, {"dry_run": True}):
            execute(
                name, acted_on, {**PARAMS[name], "plan_id": plan.plan_id, **dry_run}
            )
            assert state(acted_on) == before, (name, dry_run)


def test_undo_undoes_where_a_caller_says_so(acted_on):
    execute("undo", acted_on, {"dry_run": False})

    acted_on.reload()
    assert acted_on.match_tags("quarantined").count() == 0
