"""What was put away takes part in nothing: every operator is asked."""

import importlib
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
import yaml

# FiftyOne registers nothing that is not listed there
PLUGIN = yaml.safe_load((Path(__file__).parents[2] / "fiftyone.yml").read_text())


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


@pytest.fixture(scope="module")
def made(tmp_path_factory, draw):
    """A scanned data set of which two files were quarantined and one is gone.

    Before that, fastdup's files of all were written.
    """
    root = tmp_path_factory.mktemp("set") / "images"
    root.mkdir()
    dataset = fo.Dataset()
    for number in range(14):
        path = root / f"{number:02d}.png"
        draw(number % 12).save(path, compress_level=1 + number // 12)
        label = fo.Classification(label="ab"[number % 2])
        tags = ["train" if number < 8 else "test"]
        dataset.add_sample(fo.Sample(str(path), ground_truth=label, tags=tags))
    options = {"label_field": "ground_truth", "split_by": ["train", "test"]}
    operator("scan")(dataset, progress=False, **options)
    work_dir = root.parent / "fastdup"
    operator("to_fastdup")(dataset, str(work_dir), progress=False)
    plan = operator("quarantine")(dataset, "duplicates", progress=False)
    assert plan.count == 2
    operator("quarantine")(dataset, plan_id=plan.plan_id, dry_run=False, progress=False)
    gone = dataset.match({"filepath": str(root / "05.png")})
    gone.tag_samples("file gone")
    Path(gone.first().filepath).unlink()
    yield dataset, work_dir
    dataset.delete()


@pytest.fixture
def away(made):
    """The ids of what is away; its fields say all that a scan can say of it."""
    dataset, _ = made
    dataset.reload()
    lost = dataset.match_tags(["quarantined", "file gone"])
    ids = lost.values("id")
    assert len(ids) == 3
    for name, value in {
        "outlier": True,
        "outlier_distance": 1.0,
        "label_issue": True,
        "label_score": 0.0,
        "leak": True,
        "leak_remove": True,
        "dup_cluster": 0,
        "dup_keeper": False,
        "dup_kind": "bytes",
        "image_issues": ["dark"],
        "scan_status": "ok",
    }.items():
        lost.set_values(name, [value] * 3)
    outliers = dataset.match({"filepath": {"$regex": "images/0[23].png"}})
    outliers.set_values("outlier", [True] * 2)
    return set(ids)


def shown(dataset, *_):
    registry = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.core.findings.registry"
    )
    views = [operator("show")(dataset, what) for what in registry.FINDINGS]
    return {sample for view in views for sample in view.values("id")}


def tagged(dataset, *_):
    operator("tag")(dataset, "view", "seen")
    operator("tag")(dataset, "outliers", "seen")
    ids = dataset.match_tags("seen").values("id")
    dataset.untag_samples("seen")
    return set(ids)


def decided(dataset, *_):
    operator("decide")(dataset, "keep")
    ids = dataset.exists("winnow_decisions").values("id")
    operator("decide")(dataset, "keep", undo=True)
    return set(ids)


def exported(dataset, _, folder):
    view = operator("export")(dataset, str(folder / "clean"), without=[]).view
    files = [path for path in (folder / "clean").rglob("*") if path.is_file()]
    assert len(files) == 11
    return set(view.values("id"))


def drawn(dataset, *_):
    return set(
        operator("estimate_precision")(dataset, "outliers", new=True).view.values("id")
    )


def reviewed(dataset, *_):
    queues = [
        operator("review")(dataset, what)
        for what in ("label_issues", "duplicates", "outliers")
    ]
    return {row["sample"] for queue in queues for row in queue.rows()}


def split(dataset, *_):
    return set(operator("split")(dataset, {"train": 0.5, "test": 0.5}).split_of)


def selected(dataset, *_):
    return set(operator("select")(dataset, 14, tag=None).ids)


def thinned(dataset, *_):
    operator("thin")(dataset, progress=False)
    return set(dataset.exists("burst").values("id"))


def frames_of(dataset, _, folder):
    with pytest.raises(ValueError, match="frames are of videos"):
        operator("sample_frames")(dataset, str(folder / "frames"), progress=False)
    return set()


def planned(name, **options):
    def ask(dataset, *_):
        plan = operator(name)(dataset, progress=False, **options).plan
        return {one["id"] for item in plan.items() for one in item.records}

    return ask


def planned_by_hand(name, **options):
    """Of what somebody selects, too: a sentence says why it is left alone."""

    def ask(dataset, *_):
        lost = dataset.match_tags(["quarantined", "file gone"])
        plan = operator(name)(lost, "view", progress=False, **options)
        assert plan.count == 0
        assert "its file is in quarantine, or gone" in str(plan)
        return planned(name, what="outliers", **options)(dataset)

    return ask


def counted(count):
    """Asks for a number of images: there are 11."""

    def ask(dataset, work_dir, folder):
        assert count(dataset, work_dir, folder) == 11
        return set()

    return ask


def in_the_panel(dataset, *_):
    found = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.views.finding_views"
    )
    runs = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.runs.run_record"
    )
    counts = found.tally(dataset, runs.complete_run(dataset, None), None).counts
    assert counts["images"] == 11
    assert counts["outliers"] == found.found_view(dataset, "outliers").count()
    rows = found.aggregate(dataset, [{"$project": {"_id": 1}}])
    return {str(row["_id"]) for row in rows}


def only_of_what_is_away(dataset, *_):
    """It is about what was put away, and changes nothing by itself."""
    return set()


def of_no_data_set(*_):
    """It makes one of its own."""
    return set()


def audited(dataset, *_):
    # What is gone was there when it was scanned
    with pytest.raises(Exception, match="0 images were added and 3 removed"):
        operator("audit")(dataset, "no duplicates")
    operator("set_thresholds")(dataset, progress=False)
    report = operator("audit")(dataset, "duplicates = 0")
    assert report.images == 11 and report.passed
    return set()


def reported(dataset, _, folder):
    operator("set_thresholds")(dataset, progress=False)
    written = operator("report")(dataset, str(folder / "report"), progress=False)
    text = written.json.read_text()
    assert '"images": 11' in text
    assert "05.png" not in text
    return set()


def boxes_removed(dataset, *_):
    """Of each picture the first of two boxes would go."""
    box = {"label": "a", "bounding_box": [0.1, 0.1, 0.5, 0.5]}
    found = [
        fo.Detections(
            detections=[fo.Detection(tags=["no"], **box), fo.Detection(**box)]
        )
        for _ in range(len(dataset))
    ]
    dataset.set_values("boxes", found)
    operator("scan")(dataset, objects="boxes", prefix="boxes", progress=False)
    options = {"tag": "no", "prefix": "boxes", "progress": False}
    plan = operator("remove_objects")(dataset, "tag", **options)
    assert plan.count == 11
    return {one["id"] for item in plan.items() for one in item.records}


QUESTIONS = {
    "scan": counted(
        lambda d, w, f: operator("scan")(d, prefix="again", progress=False).counts[
            "images"
        ]
    ),
    "set_thresholds": counted(
        lambda d, w, f: operator("set_thresholds")(d, progress=False).counts["images"]
    ),
    "show": shown,
    "tag": tagged,
    "decide": decided,
    "export": exported,
    "report": reported,
    "audit": audited,
    "split": split,
    "select": selected,
    "thin": thinned,
    "sample_frames": frames_of,
    "compare": counted(
        lambda d, w, f: operator("compare")(
            d, str(Path(d.first().filepath).parent), write=False, progress=False
        ).counts["images"]
    ),
    "estimate_precision": drawn,
    "register_embeddings": counted(
        lambda d, w, f: operator("register_embeddings")(d, progress=False).count
    ),
    "from_fastdup": counted(
        lambda d, w, f: operator("from_fastdup")(d, str(w), progress=False).count
    ),
    "to_fastdup": counted(
        lambda d, w, f: operator("to_fastdup")(d, str(f / "out"), progress=False).count
    ),
    "open_findings": of_no_data_set,
    "review": reviewed,
    "clean": planned("clean"),
    "quarantine": planned_by_hand("quarantine"),
    "move": planned_by_hand("move", output_dir="aside"),
    "retag": planned_by_hand("retag", label="a", on_disk=False),
    "merge": planned("merge"),
    "remove_objects": boxes_removed,
    "undo": only_of_what_is_away,
    "purge": only_of_what_is_away,
    "open": only_of_what_is_away,
    "winnow": in_the_panel,
}


@pytest.mark.parametrize("name", [*PLUGIN["operators"], *PLUGIN["panels"]])
def test_what_was_put_away_takes_part_in_no_operator(made, away, name, tmp_path):
    """A new operator fails here until somebody says how it is asked."""
    dataset, work_dir = made

    touched = QUESTIONS[name](dataset, work_dir, tmp_path)

    assert not touched & away


def test_what_comes_back_takes_part_again(made):
    dataset, _ = made
    operator("undo")(dataset, dry_run=False, progress=False)
    dataset.reload()

    assert operator("set_thresholds")(dataset, progress=False).counts["images"] == 13
