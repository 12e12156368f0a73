from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import ExecutionContext, Executor


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def form(name, dataset, params=None, **more):
    request = dict(dataset_name=dataset.name, params=params or {}, **more)
    ctx = ExecutionContext(request_params=request, executor=Executor())
    return operator(name).resolve_type(ctx, "inputs").type.properties


@pytest.fixture
def scanned(dataset, scan, folder):
    damaged = folder / "05.png"
    damaged.write_bytes(damaged.read_bytes()[:200])
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    return dataset


@pytest.mark.parametrize(
    ("what", "count"),
    [
        ("duplicates", 4),
        ("redundant_copies", 2),
        ("conflicts", 4),
        ("leaks", 4),
        ("unreadable", 1),
    ],
)
def test_a_finding_is_shown_by_field_filters(scanned, what, count):
    view = operator("show")(scanned, what)

    assert len(view) == count
    assert "Select" not in [stage["_cls"].split(".")[-1] for stage in view._serialize()]


def test_duplicates_are_grouped_by_cluster_with_the_keeper_first(scanned):
    view = operator("show")(scanned, "duplicates", grouped=True)

    assert len(view) == 2
    assert [sample.dup_keeper for sample in view] == [True, True]


def test_saved_views_follow_later_scans(scanned, scan):
    operator("show")(scanned, "duplicates", save=True)
    assert "Winnow: redundant copies" in scanned.list_saved_views()
    assert len(scanned.list_saved_views()) == 15

    scan(scanned.limit(8))

    assert len(scanned.load_saved_view("Winnow: redundant copies")) == 0
    operator("show")(scanned, "outliers", save=True)
    assert len(scanned.list_saved_views()) == 15


def test_an_unknown_finding_names_those_that_exist(scanned):
    with pytest.raises(Exception, match="Use one of duplicates, redundant_copies"):
        operator("show")(scanned, "duplicate")


@pytest.mark.parametrize("name", ["show", "export", "register_embeddings", "decide"])
def test_without_a_scan_the_form_says_so_and_cannot_be_sent(dataset, name):
    refused = [part for part in form(name, dataset).values() if part.invalid]

    assert any("has not been scanned" in part.error_message for part in refused)


def test_without_a_scan_the_view_can_be_tagged_all_the_same(dataset):
    asked = form("tag", dataset, {"what": "view", "tag": "seen"})

    assert not any(part.invalid for part in asked.values())
    assert asked["what"].type.values == ["view"]


def test_a_finding_is_tagged_and_untagged(scanned):
    tag = operator("tag")

    assert tag(scanned, "redundant_copies", "drop me").count == 2
    assert scanned.count_sample_tags()["drop me"] == 2
    assert set(scanned.match_tags("drop me").values("dup_keeper")) == {False}

    tag(scanned, "redundant_copies", "drop me", remove=True)
    assert "drop me" not in scanned.count_sample_tags()


def test_only_the_view_is_tagged(scanned):
    train = scanned.match_tags("train")

    assert operator("tag")(train, "leaks", "leaky").count == 2
    assert scanned.match_tags("leaky").match_tags("test").count() == 0


def test_the_app_tags_the_selection_or_the_view(scanned):
    ids = scanned.limit(3).values("id")
    params = {"what": "selected", "tag": "mine"}
    foo.execute_operator(
        "@winnow/curate/tag", dataset=scanned, selected=ids, params=params
    )
    params = {"what": "view", "tag": "seen"}
    foo.execute_operator("@winnow/curate/tag", view=scanned.limit(5), params=params)

    scanned.reload()
    assert scanned.count_sample_tags()["mine"] == 3
    assert scanned.count_sample_tags()["seen"] == 5


def test_an_empty_tag_is_refused(scanned):
    with pytest.raises(Exception, match="at least one letter"):
        operator("tag")(scanned, "leaks", " ")


def test_the_clean_set_is_exported_by_split_and_class(scanned, tmp_path):
    target = tmp_path / "clean"

    exported = operator("export")(
        scanned, str(target), without=["redundant_copies", "unreadable"]
    )

    assert exported.count == len(exported.view) == 17
    files = sorted(path for path in target.rglob("*") if path.is_file())
    assert len(files) == 17
    assert {path.parts[-3] for path in files} == {"train", "test"}
    assert {path.parts[-2] for path in files} == {"a", "b"}


def names(view):
    return {Path(path).name for path in view.values("filepath")}


def test_images_that_only_differ_from_their_set_are_exported(scanned, tmp_path):
    hint, dark = scanned.match(F("dup_cluster") == None).limit(2)  # noqa: E711
    hint["image_issues"], dark["image_issues"] = ["grayscale"], ["dark"]
    hint.save(), dark.save()
    export, bad = operator("export"), {"without": ["image_issues"], "format": "images"}

    view = export(scanned, str(tmp_path / "one"), **bad).view
    assert hint.filename in names(view) and dark.filename not in names(view)

    named = ["grayscale"]
    view = export(scanned, str(tmp_path / "two"), issues=named, **bad).view
    assert hint.filename not in names(view) and dark.filename in names(view)


def test_a_copy_stands_in_where_the_one_to_keep_is_left_out(scanned, tmp_path):
    keeper = scanned.match((F("dup_cluster") == 0) & F("dup_keeper")).first()
    keeper["image_issues"] = ["dark"]
    keeper.save()
    without = ["redundant_copies", "image_issues", "unreadable"]

    view = operator("export")(scanned, str(tmp_path / "new"), without=without).view

    kept = scanned.match(F("dup_cluster") == 0).values("id")
    assert len(set(kept) & set(view.values("id"))) == 1
    assert keeper.id not in view.values("id")
    params = {
        "output_dir": {"absolute_path": str(tmp_path / "other")},
        "without": without,
    }
    said = form("export", scanned, params)["status"].view.label
    assert "17 of 20 images" in said
    assert "Of 1 duplicate cluster the keeper is excluded" in said


def test_the_form_says_what_groups_are_left_out_altogether(scanned, tmp_path):
    for sample in scanned.match(F("dup_cluster") == 0).iter_samples(autosave=True):
        sample["image_issues"] = ["blurry"]

    folder = {"absolute_path": str(tmp_path / "new")}
    said = form("export", scanned, {"output_dir": folder})["status"].view.label

    assert "Of 1 duplicate cluster no image is exported" in said


def test_an_unknown_issue_is_refused(scanned, tmp_path):
    with pytest.raises(Exception, match="There is no issue 'gray'"):
        operator("export")(scanned, str(tmp_path / "new"), issues=["gray"])


def test_a_class_that_can_be_no_folder_is_not_exported_as_one(scanned, tmp_path):
    one = scanned.first()
    one["ground_truth"].label = "../.."
    one.save()

    exported = operator("export")(scanned, str(tmp_path / "new" / "clean"), without=[])
    assert "'../..' is ___" in str(exported)

    written = [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert len(written) == 20
    assert all(path.is_relative_to(tmp_path / "new" / "clean") for path in written)
    assert len([path for path in written if path.parent.name == "___"]) == 1


def test_tagged_samples_are_left_out_and_a_view_may_be_exported(scanned, tmp_path):
    scanned.limit(4).tag_samples("no")

    exported = operator("export")(
        scanned.limit(8),
        str(tmp_path / "clean"),
        format="images",
        without=[],
        without_tags=["no"],
    )

    assert exported.count == 4
    assert len(list((tmp_path / "clean" / "train").iterdir())) == 4


def test_a_fiftyone_data_set_keeps_the_fields(scanned, tmp_path):
    operator("export")(scanned, str(tmp_path / "clean"), format="fiftyone")

    again = fo.Dataset.from_dir(
        str(tmp_path / "clean"), dataset_type=fo.types.FiftyOneDataset
    )
    assert "outlier_distance" in again.get_field_schema()
    assert set(again.values("scan_status")) == {"ok"}
    again.delete()


def test_an_export_never_writes_among_files(scanned, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(Exception, match="is not an empty folder"):
        operator("export")(scanned, str(tmp_path))

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mine.txt"]
    asked = form("export", scanned, {"output_dir": {"absolute_path": str(tmp_path)}})
    assert "not an empty folder" in asked["problem"].error_message


def test_the_export_form_counts_what_is_left(scanned, tmp_path):
    params = {
        "output_dir": {"absolute_path": str(tmp_path / "new")},
        "without": ["redundant_copies", "unreadable"],
    }

    asked = form("export", scanned, params)

    assert "17 of 20 images" in asked["status"].view.label
    offered = {one.value: one.label for one in asked["without"].view.choices}
    assert offered["redundant_copies"].endswith("(2)")
    assert offered.keys() >= {"duplicates", "label_issues", "unreadable"}


def test_nothing_left_is_said_before_anything_is_written(scanned, tmp_path):
    scanned.tag_samples("no")

    with pytest.raises(Exception, match="Nothing is left to export"):
        operator("export")(scanned, str(tmp_path / "new"), without_tags=["no"])

    assert not (tmp_path / "new").exists()


def test_classes_need_a_label_field(dataset, scan, tmp_path):
    scan(dataset)

    with pytest.raises(Exception, match="no classes to make folders of"):
        operator("export")(dataset, str(tmp_path / "new"))

    assert not (tmp_path / "new").exists()


def test_embeddings_sort_by_similarity_and_draw_a_map(scanned):
    runs = operator("register_embeddings")(scanned)

    assert runs.count == 19
    assert scanned.count(runs.field) == 19
    query = scanned.match(F("filepath").ends_with("00.png")).first()
    nearest = scanned.sort_by_similarity(query.id, brain_key=runs.similarity, k=2)
    names = {Path(path).name for path in nearest.values("filepath")}
    assert names == {"00.png", "19.png"}
    points = scanned.load_brain_results(runs.visualization).points
    assert points.shape == (19, 2)


def test_embeddings_can_be_registered_again(scanned):
    operator("register_embeddings")(scanned)
    runs = operator("register_embeddings")(scanned)

    assert set(scanned.list_brain_runs()) == {runs.similarity, runs.visualization}


def test_the_app_is_told_how_to_use_the_embeddings(scanned):
    request = {"dataset_name": scanned.name, "params": {"method": "pca"}}
    ctx = ExecutionContext(request_params=request, executor=Executor())

    messages = [m.body for m in operator("register_embeddings").execute(ctx)]

    (card,) = [m for m in messages if m.operator_uri == "show_output"]
    assert "Embeddings panel" in card.params["results"]["text"]


def test_embeddings_of_a_field_are_used_as_they_are(dataset, scan):
    import numpy as np

    dataset.set_values("mine", list(np.random.default_rng(0).normal(size=(20, 8))))
    scan(dataset, embeddings="mine")

    runs = operator("register_embeddings")(dataset)

    assert runs.field == "mine"
    assert runs.similarity in dataset.list_brain_runs()


def test_a_map_by_umap_says_what_it_needs(scanned):
    with pytest.raises(Exception, match="umap-learn"):
        operator("register_embeddings")(scanned, method="umap")
