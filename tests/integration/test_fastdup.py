"""Coming from fastdup, and going there, through the operators."""

import csv
import json
import shutil
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import ExecutionContext, Executor

from core.fastdup.files import read_work_dir

WRITTEN = Path(__file__).parents[1] / "fixtures" / "fastdup-2.54"


def lines(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def seen_by_fastdup(tmp_path_factory, draw):
    """A data set with the names and labels of the images that fastdup saw.

    The pictures are others: only the features say what is alike.
    """
    root = tmp_path_factory.mktemp("moved")
    dataset = fo.Dataset()
    samples = []
    stored = read_work_dir(WRITTEN)
    for number, name in enumerate([*stored.names, *stored.unreadable]):
        path = root / Path(name).relative_to("images")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            draw(number, 32).save(file, "png")
        label = fo.Classification(label=path.parent.name)
        samples.append(fo.Sample(filepath=str(path), ground_truth=label))
    # Another order than fastdup's
    dataset.add_samples(samples[::-1])
    yield dataset, root
    dataset.delete()


@pytest.fixture(scope="module")
def scanned(seen_by_fastdup):
    dataset, root = seen_by_fastdup
    imported = foo.get_operator("@winnow/curate/from_fastdup")(
        dataset, str(WRITTEN), root=str(root)
    )
    report = foo.get_operator("@winnow/curate/scan")(
        dataset.exists("fastdup_embedding"),
        embeddings="fastdup_embedding",
        label_field="ground_truth",
        preset="fastdup",
    )
    return dataset, root, imported, report


def names_of(view, root):
    return {f"images/{Path(p).relative_to(root)}" for p in view.values("filepath")}


def theirs(name):
    return lines(WRITTEN / name)


def test_the_features_of_fastdup_stand_in_a_field(scanned):
    dataset, root, imported, _ = scanned

    assert (imported.count, imported.dimensions) == (148, 576)
    assert (imported.without, imported.unknown, imported.unreadable) == (2, 0, 2)
    assert str(imported).startswith("148 samples have fastdup's 576 numbers in ")
    stored = read_work_dir(WRITTEN)
    path = root / Path(stored.names[5]).relative_to("images")
    vector = dataset[str(path)]["fastdup_embedding"]
    assert vector.dtype == np.float32
    assert (vector == stored.vectors[5]).all()


def test_the_clusters_are_the_components_of_fastdup(scanned):
    dataset, root, _, report = scanned
    name = dict(enumerate(row["filename"] for row in theirs("atrain_features.dat.csv")))
    by_component = {}
    for row, line in enumerate(theirs("connected_components.csv")):
        by_component.setdefault(line["component_id"], set()).add(name[row])
    expected = {frozenset(x) for x in by_component.values() if len(x) > 1}

    found = {
        frozenset(names_of(dataset.match(F("dup_cluster") == number), root))
        for number in dataset.distinct("dup_cluster")
    }

    assert len(found) == report.counts["duplicate_clusters"] == 18
    assert found == expected
    keepers = names_of(dataset.match(F("dup_keeper")), root)
    assert keepers == {min(cluster) for cluster in expected}
    assert set(dataset.exists("dup_cluster").values("dup_similarity")) != {None}


def test_the_outliers_are_those_of_fastdup(scanned):
    dataset, root, _, report = scanned
    least = {}
    for line in theirs("outliers.csv"):
        least[line["from"]] = min(least.get(line["from"], 1.0), float(line["distance"]))

    assert names_of(dataset.match(F("outlier")), root) == least.keys()
    for sample in dataset.match(F("outlier")):
        (name,) = names_of(dataset.select(sample.id), root)
        assert sample.outlier_distance == pytest.approx(1 - least[name], abs=2e-6)
    # What the panel's slider stands at finds the same
    beyond = dataset.match(
        F("outlier_distance") > report.thresholds["max_outlier_distance"]
    )
    assert names_of(beyond, root) == least.keys()


def test_the_label_scores_are_those_of_fastdup(scanned):
    dataset, root, _, _ = scanned
    expected = {x["from"]: float(x["score"]) for x in theirs("label_scores.csv")}

    scored = dataset.exists("label_score")
    paths, scores = scored.values(["filepath", "label_score"])
    found = {
        f"images/{Path(p).relative_to(root)}": s
        for p, s in zip(paths, scores, strict=True)
    }

    assert found == expected
    issues = names_of(dataset.match(F("label_issue")), root)
    assert issues == {name for name, score in expected.items() if score < 51}


def test_thresholds_can_be_moved_and_go_back(scanned, set_thresholds):
    dataset, *_ = scanned
    closer = set_thresholds(dataset, min_copy_similarity=0.99, min_label_score=10)
    issues = dataset.match(F("label_issue")).values("label_score")
    assert closer.counts["duplicate_clusters"] < 18
    assert closer.rules["min_copy_similarity"] == "given"
    assert issues == [0] * 4

    again = set_thresholds(dataset, min_copy_similarity=None, min_label_score=None)
    assert again.counts["duplicate_clusters"] == 18
    assert again.counts["label_issues"] == 8
    assert again.thresholds["min_copy_similarity"] == 0.96
    assert again.rules["min_label_score"] == "as in fastdup"

    # Winnow's own default is a number like any other, if a person gives it
    five = set_thresholds(dataset, min_label_score=5)
    assert five.thresholds["min_label_score"] == 5
    assert five.rules["min_label_score"] == "given"
    assert set_thresholds(dataset, min_label_score=None).counts == again.counts


def test_what_a_person_keeps_is_no_copy_and_no_outlier(scanned, set_thresholds):
    dataset, *_ = scanned
    decide = foo.get_operator("@winnow/curate/decide")
    # The largest cluster is number 0
    extra = dataset.match((F("dup_cluster") == 0) & ~F("dup_keeper")).limit(2)
    strange = dataset.match(F("outlier")).limit(1)
    ids = extra.values("id") + strange.values("id")

    decide(dataset.select(ids), "keep")
    first, second, third = dataset.select(ids, ordered=True)
    assert first.dup_keeper is None and second.dup_keeper is None
    assert third.outlier is False
    decide(dataset.select(ids), "keep", undo=True)
    first, second, third = dataset.select(ids, ordered=True)
    assert first.dup_keeper is False
    assert second.dup_keeper is False
    assert third.outlier is True


def test_two_that_are_no_duplicates_are_no_cluster(scanned):
    dataset, *_ = scanned
    decide = foo.get_operator("@winnow/curate/decide")
    sizes = dataset.count_values("dup_cluster")
    number = next(n for n, size in sizes.items() if size == 2 and n is not None)
    pair = dataset.match(F("dup_cluster") == number)
    ids = pair.values("id")

    decide(dataset.select(ids), "not_duplicate")
    assert dataset.select(ids).values("dup_cluster") == [None, None]
    decide(dataset.select(ids), "not_duplicate", undo=True)
    assert None not in dataset.select(ids).values("dup_cluster")


def test_a_scan_on_given_features_goes_back_to_fastdup_unchanged(scanned, tmp_path):
    dataset, root, *_ = scanned
    written = foo.get_operator("@winnow/curate/to_fastdup")(
        dataset, str(tmp_path / "w")
    )

    assert (written.count, written.similar, written.outliers) == (148, 106, 15)
    assert written.components == 18
    features = (tmp_path / "w" / "atrain_features.dat").read_bytes()
    assert features == (WRITTEN / "atrain_features.dat").read_bytes()
    pairs = {
        tuple(f"images/{Path(x[end]).relative_to(root)}" for end in ("from", "to"))
        for x in lines(tmp_path / "w" / "similarity.csv")
    }
    assert pairs == {(x["from"], x["to"]) for x in theirs("similarity.csv")}
    config = json.loads((tmp_path / "w" / "config.json").read_text())
    assert config["input_dir"] == str(root)
    assert config["d"] == 576


def test_the_files_of_a_scan_with_winnow_s_model(dataset, folder, scan, tmp_path):
    (folder / "07.png").write_bytes(b"")
    scan(dataset)
    work = tmp_path / "work"

    written = foo.get_operator("@winnow/curate/to_fastdup")(
        dataset, str(work), nearest_neighbors_k=3, lower_threshold=0.1
    )

    assert (written.count, written.unreadable) == (19, 1)
    assert str(written).startswith(f"19 images in {work}: ")
    (bad,) = lines(work / "atrain_features.bad.csv")
    assert bad == {
        "index": "7",
        "filename": str(folder / "07.png"),
        "error_code": "ERROR_ZERO_SIZE_FILE",
        "filesize": "0",
    }
    names = [line["filename"] for line in lines(work / "atrain_features.dat.csv")]
    assert names == sorted(str(p) for p in folder.iterdir() if p.name != "07.png")
    same = {(x["from"], x["to"]) for x in lines(work / "similarity.csv")}
    assert (str(folder / "00.png"), str(folder / "19.png")) in same
    ids = [line["__id"] for line in lines(work / "connected_components.csv")]
    assert ids == [str(n) for n in range(20) if n != 7]


def test_the_preset_works_with_winnow_s_own_model(dataset, scan):
    report = scan(dataset, preset="fastdup", label_field="ground_truth")

    copies = {
        frozenset(
            Path(p).name
            for p in dataset.match(F("dup_cluster") == number).values("filepath")
        )
        for number in dataset.distinct("dup_cluster")
    }
    assert {frozenset({"00.png", "19.png"}), frozenset({"01.png", "18.bmp"})} <= copies
    assert report.rules["max_outlier_distance"] == "as in fastdup"
    assert report.expected == {}
    assert dataset.get_run_info("winnow").config.settings["preset"] == "fastdup"


def test_a_scan_without_the_preset_on_fastdup_s_features_is_winnow_s_own(
    seen_by_fastdup, scanned, scan
):
    dataset, _ = seen_by_fastdup
    report = scan(
        dataset.exists("fastdup_embedding"),
        embeddings="fastdup_embedding",
        label_field="ground_truth",
        prefix="own",
    )

    # All pictures differ, whatever the features say
    assert report.counts["duplicates"] == 0
    assert dataset.count("own_outlier_distance") == 148
    assert dataset.count("own_label_score") == 148


def test_names_that_are_not_in_the_data_set_are_refused(dataset, tmp_path):
    read = foo.get_operator("@winnow/curate/from_fastdup")
    with pytest.raises(ValueError, match="give root=, the folder that was"):
        read(dataset, str(WRITTEN))
    with pytest.raises(ValueError, match="no work_dir of fastdup"):
        read(dataset, str(tmp_path))
    assert not dataset.has_field("fastdup_embedding")


def test_a_field_of_someone_else_is_left_alone(dataset, tmp_path):
    for name in ("atrain_features.dat", "atrain_features.dat.csv"):
        shutil.copyfile(WRITTEN / name, tmp_path / name)
    dataset.add_sample_field("mine", fo.VectorField)
    read = foo.get_operator("@winnow/curate/from_fastdup")
    with pytest.raises(ValueError, match="'mine' already exists"):
        read(dataset, str(tmp_path), field="mine")


def test_nothing_is_written_among_files_or_before_a_scan(dataset, folder, tmp_path):
    write = foo.get_operator("@winnow/curate/to_fastdup")
    with pytest.raises(ValueError, match="not an empty folder"):
        write(dataset, str(folder))
    with pytest.raises(Exception, match="has not been scanned"):
        write(dataset, str(tmp_path / "work"))
    with pytest.raises(ValueError, match=r"threshold must be in \[-1, 1\]"):
        write(dataset, str(tmp_path / "work"), threshold=90)
    assert not (tmp_path / "work").exists()


def test_both_forms_and_both_runs_in_the_app(scanned, tmp_path):
    dataset, root, *_ = scanned
    ctx = {"dataset": dataset}
    written = tmp_path / "app"
    result = foo.execute_operator(
        "@winnow/curate/to_fastdup",
        ctx,
        params={"output_dir": {"absolute_path": str(written)}},
    )
    assert result.error is None
    assert (written / "connected_components.csv").exists()
    result = foo.execute_operator(
        "@winnow/curate/from_fastdup",
        ctx,
        params={"work_dir": {"absolute_path": str(written)}, "field": "again"},
    )
    assert result.error is None
    assert dataset.count("again") == 148


def form(name, dataset, **params):
    request = {"dataset_name": dataset.name, "params": params}
    ctx = ExecutionContext(request_params=request, executor=Executor())
    return foo.get_operator(f"@winnow/curate/{name}").resolve_type(ctx, "inputs")


def test_the_forms_say_what_is_there_and_what_cannot_work(dataset, folder, tmp_path):
    asked = form("from_fastdup", dataset, work_dir=str(WRITTEN)).type.properties
    assert "148 images, 576 numbers" in asked["status"].view.label
    asked = form("from_fastdup", dataset, work_dir=str(tmp_path)).type.properties
    assert asked["problem"].invalid
    asked = form("to_fastdup", dataset).type.properties
    assert "has not been scanned" in asked["problem"].error_message
    asked = form("scan", dataset, more=True, preset="fastdup").type.properties
    assert asked["preset"].type.values == ["fastdup"]
    assert "20 images" in asked["status"].view.label
