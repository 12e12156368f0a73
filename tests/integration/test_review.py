"""The review: its queue has what was not decided yet, with the evidence."""

import hashlib

import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from tests.sandbox import ROOT


@pytest.fixture
def queue(dataset):
    def read(what, **params):
        request = {"dataset_name": dataset.name, "params": {"what": what, **params}}
        ctx = ExecutionContext(
            request_params=request,
            executor=Executor(),
            operator_uri="@winnow/curate/review",
        )
        return foo.get_operator("@winnow/curate/review").execute(ctx)

    return read


@pytest.fixture
def decide():
    return foo.get_operator("@winnow/curate/decide")


def test_clusters_come_with_the_one_that_stays_first(dataset, scan, queue, decide):
    scan(dataset, label_field="ground_truth")

    items = queue("duplicates")["items"]

    assert len(items) == 2
    for item in items:
        first, *others = item["pictures"]
        assert first["role"] == "stays" and first["url"].startswith("/media?")
        assert [one["role"] for one in others] == ["goes"]
        assert "different labels" in item["title"]
        assert not item["may_part"]
        assert others[0]["lines"][0] in ("same file", "same pixels")

    copies = [one["id"] for one in items[0]["pictures"][1:]]
    decide(dataset.select(copies), "may_go", update=False)
    assert queue("duplicates")["items"] == items[1:]
    decide(dataset.select(copies), "may_go", update=False, undo=True)
    assert queue("duplicates")["items"] == items


def test_labels_come_worst_first_between_those_for_and_against(
    dataset, scan, queue, decide
):
    scan(dataset, label_field="ground_truth", min_label_score=60)

    found = queue("label_issues")

    assert found["labels"] == ["a", "b"]
    subjects = [item["pictures"][0] for item in found["items"]]
    issues = dataset.match({"label_issue": True}).sort_by("label_score")
    assert [one["id"] for one in subjects] == issues.values("id")
    assert {one["role"] for item in found["items"] for one in item["pictures"]} <= {
        "subject",
        "for",
        "against",
    }

    decide(dataset.select(subjects[0]["id"]), "relabel", label="b", update=False)
    decide(dataset.select(subjects[1]["id"]), "label_verified", update=False)
    # Another decision says nothing of a label
    decide(dataset.select(subjects[2]["id"]), "keep", update=False)
    assert queue("label_issues")["items"] == found["items"][2:]


def test_an_outlier_stands_beside_its_nearest(dataset, scan, queue):
    scan(dataset, max_outlier_distance=0.01)

    items = queue("outliers")["items"]

    assert items
    assert all(item["pictures"][0]["lines"][0].startswith("distance") for item in items)


def test_the_build_is_that_of_the_source():
    # The bundle is committed, so that a plugin installed from the web has it
    built = (ROOT / "dist" / "index.umd.js").read_text(encoding="utf-8")
    digest = hashlib.sha256()
    for path in sorted((ROOT / "review" / "src").iterdir()):
        digest.update(path.read_bytes())

    assert f"/* built from {digest.hexdigest()} */" in built, "run 'make bundle'"
