import gc
import json

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionContext, Executor
from PIL import Image

SCAN = "@winnow/curate/scan"
FIELDS = (
    "dup_cluster dup_kind dup_relation dup_similarity copy_score dup_keeper "
    "keeper_reason "
    "dup_conflict outlier_distance outlier outlier_cause outlier_nearest label_score "
    "label_suggestion label_suggestion_confidence label_issue label_support "
    "label_counterexample prediction_hardness hardest confidently_wrong "
    "leak leak_splits leak_conflict leak_remove "
    "leak_remove_reason scene_group scene_size scene_leak scene_leak_splits "
    "winnow_sequence winnow_place sequence_leak burst burst_keep "
    "set_findings "
    "image_issues brightest darkest sharpness information "
    "damage_reason scan_status"
).split()


def context(dataset, params=None, **more):
    """What the App sends, without an App."""
    request = dict(dataset_name=dataset.name, params=params or {}, **more)
    return ExecutionContext(
        request_params=request, executor=Executor(), operator_uri=SCAN
    )


def by_name(dataset, field):
    """Returns the field's values by file name; other samples by theirs."""
    names = [path.rsplit("/", 1)[-1] for path in dataset.values("filepath")]
    values = dataset.values(field)
    if field in ("outlier_nearest", "label_support", "label_counterexample"):
        name_of = dict(zip(dataset.values("id"), names, strict=True))
        values = [name_of.get(value) for value in values]
    return dict(zip(names, values, strict=True))


def test_every_field_is_written_with_its_type_and_description(dataset, scan):
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])

    schema = dataset.get_field_schema()
    assert [name for name in FIELDS if name not in schema] == []
    assert all(schema[name].description for name in FIELDS)
    assert isinstance(schema["dup_cluster"], fo.IntField)
    assert isinstance(schema["leak_splits"].field, fo.StringField)
    assert dataset.count("outlier_distance") == 20
    assert dataset.distinct("scan_status") == ["ok"]
    (group,) = [g for g in dataset.app_config.sidebar_groups if g.name == "winnow"]
    assert group.paths == FIELDS


def test_same_bytes_and_same_pixels_are_told_apart(dataset, scan):
    report = scan(dataset)

    kind, cluster = by_name(dataset, "dup_kind"), by_name(dataset, "dup_cluster")
    assert kind["00.png"] == kind["19.png"] == "bytes"
    assert kind["01.png"] == kind["18.bmp"] == "pixels"
    assert cluster["00.png"] == cluster["19.png"] != cluster["01.png"]
    assert by_name(dataset, "dup_similarity")["19.png"] == 1
    assert report.counts["duplicates"] == 4
    assert dataset.match(fo.ViewField("dup_keeper")).count() == 2
    assert cluster["05.png"] is None


def test_a_leak_names_the_other_split(dataset, scan):
    report = scan(dataset, split_by=["train", "test"])

    assert by_name(dataset, "leak")["00.png"] is True
    assert by_name(dataset, "leak_splits")["00.png"] == ["test"]
    assert by_name(dataset, "leak_splits")["19.png"] == ["train"]
    assert by_name(dataset, "leak")["05.png"] is False
    assert report.leak_matrix["bytes"]["train"]["test"] == 1
    assert report.leak_matrix["pixels"]["test"]["train"] == 1


def test_a_leak_says_which_side_to_drop_and_whether_the_labels_agree(dataset, scan):
    first = dataset.match(fo.ViewField("filepath").ends_with("/00.png")).first()
    # Dots and dollars stand in class names, and must not stand in Mongo's keys
    first["ground_truth"].label = "$a.b"
    first.save()

    report = scan(dataset, label_field="ground_truth", split_by=["train", "test"])

    assert by_name(dataset, "leak_remove")["00.png"] is True
    assert by_name(dataset, "leak_remove")["19.png"] is False
    reason = by_name(dataset, "leak_remove_reason")["00.png"]
    assert reason == "its copy in a protected split stays"
    assert by_name(dataset, "leak_conflict")["19.png"] is True
    assert by_name(dataset, "leak_conflict")["05.png"] is False
    assert report.leaks_by_class[0]["class"] == "$a.b"
    text = str(report)
    assert "removing 2 closes them; their copy is in a test or validation" in text
    assert "have another label in the other split" in text
    assert "by class: b 2, $a.b 1, a 1" in text


def test_the_nearest_image_is_named_by_its_id_and_is_no_copy(dataset, scan):
    scan(dataset)

    assert set(dataset.values("outlier_nearest")) <= set(dataset.values("id"))
    nearest = by_name(dataset, "outlier_nearest")
    assert all(name != other for name, other in nearest.items())
    assert nearest["00.png"] == nearest["19.png"] not in ("00.png", "19.png")


def test_the_summary_says_what_known_copies_tell(dataset, scan):
    report = scan(dataset)

    assert report.expected["copies_tried"] == 22
    assert "(22 synthetic copies" in str(report)
    recorded = dataset.get_run_info(report.run_key).config.report
    assert recorded["expected"] == report.expected


def test_without_labels_and_splits_their_fields_are_none(dataset, scan):
    scan(dataset)

    for field in ("label_score", "label_issue", "leak", "leak_splits", "leak_remove"):
        assert dataset.count(field) == 0


def test_an_odd_image_is_a_hint_beside_the_bad_ones(dataset, scan, folder):
    with Image.open(folder / "03.png") as picture:
        picture.resize((900, 900)).save(folder / "03.png")
    before = scan(dataset)

    with Image.open(folder / "04.png") as picture:
        Image.new("RGB", picture.size).save(folder / "04.png")
    after = scan(dataset)

    assert by_name(dataset, "image_issues")["03.png"] == ["odd_size"]
    hint = "only unlike most others, so perhaps good: odd size 1"
    assert hint in str(before) and hint in str(after)
    assert after.counts["bad_images"] == before.counts["bad_images"] + 1
    (line,) = (one for one in str(after).splitlines() if "Bad images" in one)
    assert line.split()[2] == str(after.counts["bad_images"])


def test_a_bad_file_is_one_row_with_a_reason(dataset, scan, folder):
    whole = (folder / "03.png").read_bytes()
    (folder / "03.png").write_bytes(whole[: len(whole) // 2])
    (folder / "04.png").write_bytes(b"")
    (folder / "05.png").unlink()

    report = scan(dataset)

    status = by_name(dataset, "scan_status")
    assert status["03.png"] == "truncated"
    assert status["04.png"] == "empty"
    assert status["05.png"] == "missing"
    assert status["06.png"] == "ok"
    assert by_name(dataset, "outlier_distance")["03.png"] is None
    assert by_name(dataset, "image_issues")["03.png"] is None
    assert report.counts["unreadable"] == 3
    assert {bad["status"] for bad in report.unreadable} == {
        "truncated",
        "empty",
        "missing",
    }


def test_the_order_of_the_samples_changes_nothing(dataset, scan):
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    before = {field: by_name(dataset, field) for field in FIELDS}

    again = fo.Dataset()
    again.add_samples(reversed(list(dataset.select_fields("ground_truth"))))
    scan(again, label_field="ground_truth", split_by=["train", "test"])

    assert {field: by_name(again, field) for field in FIELDS} == before
    again.delete()


def test_a_view_is_scanned_and_the_rest_keeps_no_old_values(dataset, scan):
    scan(dataset)

    report = scan(dataset.limit(12))

    assert report.counts["images"] == 12
    assert dataset.count("scan_status") == 12
    assert dataset.exists("scan_status").count() == 12


def test_the_selection_in_the_app_is_scanned(dataset, scan):
    selected = dataset.limit(5).values("id")
    request = context(dataset, {"view_target": "SELECTED_SAMPLES"}, selected=selected)

    messages = list(scan.execute(request))

    assert dataset.reload() is None
    assert sorted(dataset.exists("scan_status").values("id")) == sorted(selected)
    assert messages


def test_the_app_gets_progress_and_a_card(dataset, scan):
    messages = [m.body for m in scan.execute(context(dataset))]

    names = [message.operator_uri for message in messages]
    assert names[-2:] == ["show_output", "reload_dataset"]
    labels = [m.params["label"] for m in messages if m.operator_uri == "set_progress"]
    assert any(label.startswith("Reading images") for label in labels)
    assert "20" in json.dumps(messages[-2].params["results"])


def test_names_of_classes_and_splits_are_only_text_on_cards(dataset, scan):
    dataset.set_values("ground_truth.label", ["<b>|*x*"] * len(dataset))
    dataset.add_sample_field("part", fo.StringField)
    dataset.set_values("part", ["[a](b)"] * 10 + ["`c`"] * 10)

    report = scan(dataset, label_field="ground_truth", split_by="part")
    split = foo.get_operator("@winnow/curate/split")(dataset)

    card = report.to_markdown()
    assert "by class: \\<b\\>\\|\\*x\\* 4" in card
    assert "\\[a\\](b) in \\`c\\` 2" in card
    assert "\\[a\\](b)" in split.to_markdown()
    assert "[a](b)" in str(report) and "[a](b)" in str(split)


def test_the_app_is_told_what_is_wrong(dataset, scan):
    request = context(dataset, {"label_field": "nope"})
    messages = []

    with pytest.raises(Exception, match="no label field 'nope'"):
        for message in scan.execute(request):
            messages.append(message.body)

    assert messages[0].operator_uri == "notify"
    assert messages[0].params["variant"] == "error"
    assert "nope" in messages[0].params["message"]


def test_closing_the_tab_stops_the_scan(dataset, scan):
    running = scan.execute(context(dataset))
    next(running)

    running.close()

    dataset.reload()
    assert not dataset.has_run("winnow") or (
        dataset.get_run_info("winnow").config.status == "complete"
    )


def test_a_queued_scan_does_the_same(dataset, scan):
    queued = scan(dataset, split_by=["train", "test"], delegate=True)
    assert queued.delegated

    service = DelegatedOperationService()
    (result,) = service.execute_queued_operations(dataset_name=dataset.name)

    assert result.error is None
    dataset.reload()
    assert by_name(dataset, "leak")["00.png"] is True


def test_it_runs_inside_a_running_event_loop(dataset, scan):
    import asyncio

    async def cell():
        return scan(dataset)

    assert asyncio.run(cell()).counts["images"] == 20


def test_a_scan_again_says_what_a_scan_of_a_fresh_data_set_says(
    dataset, scan, folder, draw, monkeypatch, tmp_path
):
    choice = {"label_field": "ground_truth", "split_by": ["train", "test"]}
    scan(dataset, **choice)
    dataset.delete_samples(dataset.match(fo.ViewField("filepath").ends_with("7.png")))
    added = []
    for number in range(40, 43):
        draw(number).save(folder / f"{number}.png")
        label = fo.Classification(label="ab"[number % 2])
        path = str(folder / f"{number}.png")
        added.append(fo.Sample(filepath=path, ground_truth=label, tags=["train"]))
    draw(3).resize((48, 48)).save(folder / "small.png")
    path = str(folder / "small.png")
    added.append(fo.Sample(filepath=path, ground_truth=label, tags=["test"]))
    dataset.add_samples(added)

    report = scan(dataset, **choice)

    monkeypatch.setenv("WINNOW_CACHE", str(tmp_path / "empty"))
    fresh = fo.Dataset()
    fresh.add_samples(list(dataset.select_fields("ground_truth")))
    anew = scan(fresh, **choice)
    for field in FIELDS:
        assert by_name(dataset, field) == by_name(fresh, field), field
    assert by_name(dataset, "dup_kind")["small.png"] == "near"
    assert report.counts == anew.counts and report.expected == anew.expected
    fresh.delete()


def test_the_run_is_recorded(dataset, scan):
    report = scan(dataset, split_by=["train", "test"], min_copy_score=0.7)

    config = dataset.get_run_info(report.run_key).config
    assert config.status == "complete"
    assert config.settings["min_copy_score"] == 0.7
    assert config.settings["split_by"] == ["train", "test"]
    assert config.report["model_sha256"] == report.model_sha256
    assert len(report.model_sha256) == 64
    assert config.report["thresholds"]["min_copy_score"] == 0.7
    assert config.report["versions"]["fiftyone"] == fo.__version__
    assert config.deleted_meanwhile == 0
    assert set(report.seconds) >= {"read and embed", "search", "write fields"}


def test_the_collector_spares_what_a_scan_found_there(dataset, scan):
    spared = []

    scan(dataset, progress=lambda _: spared.append(gc.get_freeze_count() > 0))

    assert spared and all(spared)
    assert not gc.get_freeze_count()


def test_progress_reaches_a_function(dataset, scan):
    seen = []

    scan(dataset, progress=seen.append)

    assert seen[0].stage == "Reading images"
    assert seen[-1].stage == "Writing fields" and seen[-1].done == 20


def test_two_scans_can_stand_beside_each_other(dataset, scan):
    scan(dataset)
    scan(dataset.limit(8), prefix="part")

    assert dataset.count("scan_status") == 20
    assert dataset.count("part_scan_status") == 8
    assert set(dataset.list_runs()) == {"winnow", "winnow_part"}


def test_embeddings_in_a_field_are_used_in_place_of_a_model(dataset, scan):
    import numpy as np

    vectors = np.random.default_rng(0).normal(size=(20, 16))
    vectors[7] = vectors[8]
    dataset.set_values("vectors", list(vectors))

    report = scan(dataset, embeddings="vectors")

    assert report.model == "given vectors" and report.model_sha256 is None
    assert dataset.count("outlier_distance") == 20


def test_only_listed_operators_exist(plugin):
    from pathlib import Path

    import yaml

    root = Path(__file__).resolve().parents[2]
    listed = yaml.safe_load((root / "fiftyone.yml").read_text())
    names = set(listed["operators"]) | set(listed.get("panels", []))

    assert {operator.config.name for operator in plugin.instances} == names


def test_the_form_asks_what_a_newcomer_understands(dataset, scan):
    form = scan.resolve_type(context(dataset), "inputs")

    asked = form.type.properties
    assert asked["label_field"].default == "ground_truth"
    assert asked["splits"].default == "tags"
    assert set(asked["split_tags"].default) == {"train", "test"}
    assert "20 images" in asked["status"].view.label


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"more": True, "min_copy_score": 96}, "min_copy_score must be in"),
        ({"more": True, "neighbors": 50}, "neighbors=50 asks for more"),
        ({"more": True, "prefix": "a b"}, "cannot start a field name"),
    ],
)
def test_the_form_says_at_once_what_cannot_work(dataset, scan, params, words):
    form = scan.resolve_type(context(dataset, params), "inputs")

    problem = form.type.properties["problem"]
    assert problem.invalid
    assert words in problem.error_message


def test_execute_operator_validates_too(dataset):
    with pytest.raises(foo.executor.ExecutionError, match="Validation error"):
        foo.execute_operator(SCAN, dataset=dataset, params={"min_label_score": 200})
