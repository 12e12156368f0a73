"""One surface: a call from Python, params and the form mean the same by a name."""

import inspect
import json
import shutil
import sys
import textwrap
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import cv2
import fiftyone as fo
import fiftyone.operators as foo
import numpy as np
import pytest
import yaml
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionContext, Executor

from core.scan.settings import MOVABLE
from tests.finished_job import finished_job

PREFIX = "@winnow/curate/"
PLUGIN = "fiftyone.plugins.orgs.winnow.curate"
LISTED = yaml.safe_load((Path(__file__).parents[2] / "fiftyone.yml").read_text())
NAMES = [name for name in LISTED["operators"] if name != "open"]

# What JSON cannot hold, or what decides how a call runs
NOT_PARAMS = {"progress", "delegate"}

# What changes what the other examples need
# clean goes by proof alone, and is undone for the others
LAST = (
    "clean",
    "remove_objects",
    "merge",
    "retag",
    "move",
    "quarantine",
    "undo",
    "purge",
)

# What an operator cannot do without, in params
NEEDED = {
    "show": {"what": "duplicates"},
    "tag": {"what": "duplicates", "tag": "look"},
    "decide": {"what": "keep"},
    "export": {"output_dir": "out"},
    "report": {"output_dir": "out"},
    "review": {"what": "label_issues"},
    "audit": {"policy": "no leaks"},
    "select": {"n": 3},
    "compare": {"against": "another"},
    "estimate_precision": {"what": "duplicates"},
    "from_fastdup": {"work_dir": "work"},
    "to_fastdup": {"output_dir": "work"},
    "sample_frames": {"output_dir": "out"},
}

# Another value than the default, by the name of the option
OTHERS = {
    "against": ["one", "other"],
    "between": ["train", "test"],
    "ccthreshold": 0.9,
    "conflict_tag": "differs",
    "embeddings": "vectors",
    "every": 1.5,
    "expect_count": 3,
    "fields": ["weather"],
    "fixed": ["test"],
    "format": "images",
    "ignored_changes": ["mirrored"],
    "issues": ["dark"],
    "key": "20260101-000000-quarantine",
    "kinds": ["bytes"],
    "lower_threshold": 0.1,
    "max_object_outlier_distance": 0.5,
    "keep": 10,
    "max_outlier_distance": 0.5,
    "method": "tsne",
    "min_agreement": 0.7,
    "min_box_overlap": 0.7,
    "min_change": 0.1,
    "min_copy_score": 0.7,
    "min_copy_similarity": 0.9,
    "min_label_score": 9,
    "min_object_label_score": 9,
    "min_shared": 0.5,
    "n": 7,
    "neighbors": 7,
    "object_margin": 0.1,
    "objects": "boxes",
    "pair": ["a", "b"],
    "plan_id": "0123456789ab",
    "policy": "no duplicates",
    "prefer": "sharpest",
    "preset": "fastdup",
    "protect_paths": ["/keep"],
    "protect_splits": ["test"],
    "protect_tags": [],
    "right": ["0" * 24],
    "shares": {"one": 0.5, "two": 0.5},
    "split_by": ["train", "test"],
    "threshold": 0.8,
    "without": [],
    "without_tags": ["no"],
    "wrong": ["0" * 24],
}
OTHER_WHAT = {"decide": "keeper", "remove_objects": "bad_boxes"}

# Where a form answers what Python leaves open: what is likely here, what is in
# force now, or that its button means what it says
LIKELY = {
    "set_thresholds": {*MOVABLE},
    "scan": {"label_field"},
    "undo": {"dry_run", "key"},
    "split": {"dry_run", "shares"},
    "quarantine": {"what"},
    "move": {"what"},
    "retag": {"what"},
    "audit": {"policy"},
    "select": {"n"},
}

# What a form shows for None
FOR_NONE = ("(none)", "(suggested)", "(the side to remove)")

# What a person may have chosen in a form, for it to show more
STATES = {
    "scan": [
        {"more": True},
        {"splits": "tags"},
        {"splits": "field"},
        {"model": "(onnx)"},
        {"model": "(field)"},
    ],
    "estimate_precision": [{"what": "duplicates"}],
    "tag": [{"what": "view", "tag": "look"}],
    "export": [{"output_dir": "clean"}, {"without": ["image_issues"]}],
    "report": [{"output_dir": "report"}],
    "split": [{"way": "new"}, {"way": "keep"}],
    "compare": [{"way": "folder"}, {"against": ["another"]}],
    "to_fastdup": [{"output_dir": "work"}],
    "from_fastdup": [{"work_dir": "nothing"}],
    "decide": [{"what": "keep"}],
    "remove_objects": [{"what": "bad_boxes"}, {"what": "tag"}],
    **{
        name: [
            {"more": True},
            *({"what": what} for what in ("duplicates", "leaks", "image_issues")),
            {"what": "label_issues", "pair": ["a", "b"]},
            {"what": "leaks", "between": ["train", "test"]},
            {"what": "tag", "tag": "train"},
            {"what": "unreadable", "plan_id": "0123456789ab", "dry_run": False},
        ]
        for name in ("quarantine", "move", "retag")
    },
}


def operator(name):
    return foo.get_operator(PREFIX + name)


def context(params, dataset=None, **more):
    request = {"params": params, **more}
    if dataset is not None:
        request["dataset_name"] = dataset.name
    return ExecutionContext(request_params=request, executor=Executor())


def keywords(name):
    """Returns the keywords of the Python call, but the samples, by name."""
    parameters = list(inspect.signature(operator(name).__call__).parameters.values())
    return {one.name: one for one in parameters[1:] if one.name not in NOT_PARAMS}


def chosen(name, params):
    return operator(name).options(context({**NEEDED.get(name, {}), **params}))


def other(name, parameter):
    """Returns a value that an option may have and that is not its default."""
    option, default = parameter.name, parameter.default
    if option == "what":
        return OTHER_WHAT.get(name, "outliers")
    if option in OTHERS:
        return OTHERS[option]
    if isinstance(default, bool):
        return not default
    if isinstance(default, int | float):
        return default + 2
    return 0.75 if "float" in str(parameter.annotation) else "another"


@pytest.mark.parametrize("name", NAMES)
def test_what_params_leave_out_has_the_default_of_the_call(name):
    options = chosen(name, {})

    for option, parameter in keywords(name).items():
        if parameter.default is not parameter.empty:
            assert getattr(options, option) == parameter.default, option


@pytest.mark.parametrize("name", NAMES)
def test_every_keyword_of_the_call_is_read_from_params(name):
    for option, parameter in keywords(name).items():
        value = other(name, parameter)

        assert getattr(chosen(name, {option: value}), option) == value, option
        assert value != parameter.default


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_name_is_refused_with_the_nearest_one(name):
    for option in keywords(name):
        wrong = option[:-1] + "xy"
        refused = f"{name} has no option '{wrong}'.*Did you mean|Known: "
        with pytest.raises(ValueError, match=refused):
            chosen(name, {wrong: 1})
        with pytest.raises(ValueError, match=refused):
            operator(name)(None, **{wrong: 1})

    with pytest.raises(ValueError, match="Did you mean 'prefix'|Known: "):
        chosen(name, {"prefx": "mine"})


def test_a_folder_of_the_file_explorer_and_an_emptied_input_are_read():
    folder = {"absolute_path": "/somewhere"}
    assert chosen("report", {"output_dir": folder, "prefix": ""}).prefix is None
    assert chosen("report", {"output_dir": folder}).output_dir == "/somewhere"
    assert chosen("scan", {"min_copy_score": None}).min_copy_score == 0.6
    assert chosen("split", {"tag_prefix": ""}).tag_prefix == ""


def test_a_threshold_that_is_emptied_is_none_only_where_none_means_something():
    options = chosen(
        "set_thresholds", {"max_outlier_distance": None, "min_copy_score": None}
    )

    assert options.given == {"max_outlier_distance": None}


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_is_needed_is_asked_for_by_its_name(name):
    for option in NEEDED[name]:
        left = {key: value for key, value in NEEDED[name].items() if key != option}
        with pytest.raises(ValueError, match=f"{option}="):
            operator(name).options(context(left))
        # All but the samples are missing here
        with pytest.raises(ValueError, match="="):
            operator(name)(None)


@pytest.fixture(scope="module")
def made(tmp_path_factory, draw):
    """A scanned data set with copies, a leak, labels and splits."""
    dataset = make(tmp_path_factory.mktemp("surface") / "images", draw)
    yield dataset
    dataset.delete()


def make(root, draw):
    dataset = fo.Dataset()
    samples = []
    for number in range(48):
        split, label = ("train", "test")[number % 4 == 3], "ab"[number % 2]
        path = root / split / label / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(number).save(path)
        samples.append((path, split, label))
    for number in (0, 1):
        path, split, label = samples[number]
        again = root / ("test" if number else split) / label / f"again {number}.png"
        shutil.copyfile(path, again)
        samples.append((again, "test" if number else split, label))
    dataset.add_samples(
        fo.Sample(
            filepath=str(path),
            ground_truth=fo.Classification(label=label),
            tags=[split],
        )
        for path, split, label in samples
    )
    dataset.skip(5).limit(1).tag_samples("fine")
    dataset.info["root"] = str(root)
    dataset.save()
    operator("scan")(dataset, label_field="ground_truth", split_by=["train", "test"])
    return dataset


@pytest.mark.parametrize("name", NAMES)
def test_a_form_asks_only_for_what_the_call_takes_with_its_default(name, made):
    known = {*operator(name).names(), *operator(name).form_names, "view_target"}
    prefix = operator(name).form_prefix
    for params in ({}, *STATES.get(name, ())):
        form = operator(name).resolve_type(context(params, made), "inputs")
        for asked, part in form.type.properties.items():
            if prefix and asked.startswith(prefix):
                continue
            assert asked in known, (params, asked)
            parameter = keywords(name).get(asked)
            likely = LIKELY.get(name, ())
            if parameter is None or asked in likely or part.default is None:
                continue
            if not params.get(asked):
                shown = None if part.default in FOR_NONE else part.default
                default = parameter.default
                default = list(default) if isinstance(default, tuple) else default
                assert shown == default, (params, asked)


@pytest.mark.parametrize("name", NAMES)
def test_only_data_sets_are_taken_where_a_view_would_be_ignored(name, made):
    place = next(iter(inspect.signature(operator(name).__call__).parameters))
    if place != "dataset":
        assert place in ("samples", "new", "job")
        return
    call = operator(name)
    with pytest.raises(ValueError, match="works on a whole data set, and this is a"):
        call(made.limit(3), **NEEDED.get(name, {}))
    with pytest.raises(ValueError, match="needs a FiftyOne data set, got 'a name'"):
        call("a name", **NEEDED.get(name, {}))


def examples(name):
    """Returns the code of the docstring's examples."""
    _, _, text = operator(name).__call__.__doc__.partition("Example::\n")
    lines = text.lstrip("\n").splitlines()
    end = next(n for n, line in enumerate(lines) if line and line[0] != " ")
    return textwrap.dedent("\n".join(lines[:end]))


def filmed(path, draw):
    """A data set of one video that shows three pictures."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 64))
    for number in range(3):
        for _ in range(10):
            writer.write(np.asarray(draw(number)))
    writer.release()
    videos = fo.Dataset()
    videos.add_sample(fo.Sample(filepath=str(path)))
    return videos


def scan_boxes(dataset):
    """Scans the data set with two boxes a picture, of which one lies on the other."""
    box = [0.1, 0.1, 0.6, 0.6]
    for sample in dataset:
        found = [fo.Detection(label="a", bounding_box=box) for _ in range(2)]
        sample["boxes"] = fo.Detections(detections=found)
        sample.save()
    options = {"label_field": "ground_truth", "split_by": ["train", "test"]}
    operator("scan")(dataset, objects="boxes", **options)


def test_every_example_runs_and_every_result_has_the_same_words(
    draw, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    results = sys.modules[f"{PLUGIN}.core.common.result"]
    seen = set()
    dataset = make(tmp_path / "images", draw)
    finished_job(tmp_path / "images", tmp_path / "job")
    videos = filmed(tmp_path / "film.avi", draw)
    for name in [*(name for name in NAMES if name not in LAST), *LAST]:
        if name == "remove_objects":
            scan_boxes(dataset)
        code = examples(name)
        assert f'"{PREFIX}{name}"' in code and len(code.splitlines()) <= 12, name
        values = {"fo": fo, "foo": foo, "dataset": dataset, "videos": videos}
        try:
            exec(code, values)
        except Exception as error:
            raise AssertionError(f"{name}: {error}\n{code}") from error
        for value in values.values():
            if isinstance(value, results.Result):
                check_result(value, results)
                seen.add(type(value).__name__)
        # Files that another data set shows are not touched by the actions
        for made in {"copies of the job"} & {*fo.list_datasets()}:
            fo.delete_dataset(made)
        if name == "clean":
            # The next ones need the copies
            operator("undo")(dataset, dry_run=False, progress=False)
        shutil.rmtree(tmp_path / "work_dir", ignore_errors=True)
        capsys.readouterr()
    dataset.delete()
    videos.delete()
    fo.delete_dataset(f"{videos.name}-frames")

    assert seen >= set(
        "ScanReport Exported WrittenReport AuditReport SplitReport CompareReport "
        "PlanReport MergeReport ActionReport Written Imported BrainRuns "
        "CleanReport ReviewQueue OpenedFindings".split()
    )


def check_result(result, results):
    told = type(result).__name__
    assert isinstance(result.summary(), str) and result.summary(), told
    assert str(result) and "object at" not in str(result), told
    assert result.summary().split()[0] in result._repr_markdown_(), told
    as_json = json.loads(json.dumps(result.to_dict()))
    assert as_json == result.to_dict(), told
    planned = told in ("PlanReport", "MergeReport", "CleanReport")
    if planned and not result.plan.file.exists():
        with pytest.raises(Exception, match="was applied or replaced"):
            result.to_pandas()
    elif isinstance(result, results.TableResult):
        table = result.to_pandas()
        assert not len(table) or "\n| :-- |" in result._repr_markdown_(), told
        assert len(table) == len(list(result.rows())), told
    for name in ("count", "skipped", "plan_id"):
        if hasattr(result, name):
            assert as_json[name] == getattr(result, name), (told, name)


def test_what_was_planned_is_applied_by_params_and_when_it_is_queued(made):
    quarantine, dataset = operator("quarantine"), made
    view = dataset.match_tags("test").limit(1)
    plan = quarantine(view, "view")
    with pytest.raises(ValueError, match="A dry run is for you to look at"):
        quarantine(dataset, plan_id=plan.plan_id, delegate=True)

    queued = quarantine(dataset, plan_id=plan.plan_id, dry_run=False, delegate=True)
    assert queued.delegated
    service = DelegatedOperationService()
    (result,) = service.execute_queued_operations(dataset_name=dataset.name)
    assert result.error is None
    dataset.reload()
    assert dataset.match_tags("quarantined").count() == 1
    foo.execute_operator(PREFIX + "undo", dataset=dataset, params={"dry_run": False})
    dataset.reload()
    assert dataset.match_tags("quarantined").count() == 0

    plan = quarantine(view, "view")
    params = {"plan_id": plan.plan_id, "dry_run": False}
    foo.execute_operator(PREFIX + "quarantine", dataset=dataset, params=params)
    dataset.reload()
    assert dataset.match_tags("quarantined").count() == 1
    operator("undo")(dataset, dry_run=False)


def test_ids_in_params_limit_an_action_as_a_view_does(made):
    extra = made.match({"dup_keeper": False})
    one = extra.values("id")[:1]

    ctx = context({"what": "duplicates", "samples": one}, made)
    by_params = operator("quarantine").plan(
        operator("quarantine").target(ctx), operator("quarantine").options(ctx)
    )

    by_call = operator("quarantine")(made.select(one), "duplicates")
    assert by_params.plan_id == by_call.plan_id
    assert by_call.count == 1 < operator("quarantine")(made, "duplicates").count


def test_what_cannot_be_stored_cannot_be_queued(made):
    with pytest.raises(ValueError, match="cannot be stored for a queued operation"):
        operator("compare")(made, [made.limit(2)], delegate=True)


def test_thresholds_that_are_not_named_stay_in_force_from_params_too(made):
    set_thresholds = operator("set_thresholds")
    set_thresholds(made, max_outlier_distance=0.7, ignored_changes=["mirrored"])

    foo.execute_operator(
        PREFIX + "set_thresholds", dataset=made, params={"min_label_score": 9}
    )

    made.reload()
    settings = made.get_run_info("winnow").config.settings
    assert settings["max_outlier_distance"] == 0.7
    assert list(settings["ignored_changes"]) == ["mirrored"]
    assert settings["min_label_score"] == 9


def test_every_option_has_a_line_in_the_docstring():
    for name in NAMES:
        call = operator(name).__call__
        for option in (*keywords(name), *(one.name for one in fields(call.options))):
            assert f"\n    {option}" in inspect.cleandoc(call.__doc__), (name, option)


def test_a_calibrated_threshold_stays_where_a_form_names_no_other(made):
    scan = operator("scan")
    scan(
        made,
        label_field="ground_truth",
        split_by=["train", "test"],
        calibrate=True,
        prefix="calibrated",
    )
    ctx = context({"prefix": "calibrated"}, made)
    form = operator("set_thresholds").resolve_type(ctx, "inputs").type.properties

    sent = {
        name: part.default
        for name, part in form.items()
        if name in keywords("set_thresholds")
    }
    sent |= {"min_label_score": 9, "prefix": "calibrated"}
    assert sent["min_copy_score"] is None
    foo.execute_operator(PREFIX + "set_thresholds", dataset=made, params=sent)

    made.reload()
    settings = made.get_run_info("winnow_calibrated").config.settings
    assert settings["calibrate"] is True and settings["min_label_score"] == 9


def test_the_panel_s_next_scan_has_all_options_of_the_last(made):
    module = sys.modules[f"{PLUGIN}.operators.panel.panel"]
    options = {
        "label_field": "ground_truth",
        "ignored_changes": ["mirrored"],
        "calibrate": True,
        "max_outlier_distance": 0.5,
        "neighbors": 9,
        "split_by": ["train", "test"],
        "prefix": "mine",
    }
    operator("scan")(made, **options)
    state = SimpleNamespace(run=made.get_run_info("winnow_mine").config)

    params = module._scan_params(state)

    made_of = operator("scan").options(context(params))
    for name, value in options.items():
        assert getattr(made_of, name) == value, name
