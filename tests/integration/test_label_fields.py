"""Fields that hold labels: text, boolean, whole number, and several labels an image."""

import importlib

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F

from tests.integration.on_disk import do, documents, retag, undo


def module(name):
    return importlib.import_module(
        f"fiftyone.plugins.orgs.winnow.curate.operators.adapter.{name}"
    )


def label_field_of(dataset, name):
    return module("dataset.labels").label_field_of(dataset, name)


KINDS = {
    "str": {"a": "a", "b": "b"},
    "bool": {"a": True, "b": False},
    "int": {"a": 7, "b": -3},
    "several": {
        "a": fo.Classifications(
            classifications=[fo.Classification(label=one) for one in ("sky", "sea")]
        ),
        "b": fo.Classifications(classifications=[fo.Classification(label="sea")]),
    },
}
TEXTS = {
    "str": ("a", "b"),
    "bool": ("True", "False"),
    "int": ("7", "-3"),
    "several": ("sea, sky", "sea"),
}


def value(dataset, sample_id):
    found = dataset[sample_id]["truth"]
    if isinstance(found, fo.Classifications):
        return sorted(one.label for one in found.classifications)
    return found


@pytest.fixture(params=list(KINDS))
def labeled(request, classes):
    """Two classes told by a field of some kind; the first image is called wrongly."""
    values = KINDS[request.param]
    names = classes.values("ground_truth.label")
    names[0] = "b" if names[0] == "a" else "a"
    classes.set_values(
        "truth", [values[name].copy() if hasattr(values[name], "copy") else values[name]
                  for name in names]
    )  # fmt: skip
    return classes, request.param


def test_every_kind_of_label_field_is_scanned_shown_and_reported(
    labeled, scan, tmp_path
):
    dataset, kind = labeled
    first, second = TEXTS[kind]

    report = scan(dataset, label_field="truth", min_label_score=50)

    assert report.counts["labeled"] == len(dataset)
    assert set(dataset.values("label_suggestion")) <= {first, second, None}
    wrong = dataset.first()
    assert wrong.label_suggestion == first
    shown = foo.get_operator("@winnow/curate/show")(dataset, "label_issues")
    assert wrong.id in shown.values("id")
    written = foo.get_operator("@winnow/curate/report")(dataset, tmp_path / "report")
    page = written.html.read_text(encoding="utf-8")
    assert f"labeled {second}, looks like {first}" in page


def test_every_kind_of_label_is_corrected_and_comes_back(labeled, scan):
    dataset, kind = labeled
    scan(dataset, label_field="truth", min_label_score=50)
    before, first = documents(dataset), dataset.first().id
    was = value(dataset, first)
    view = dataset.select(first)

    do(retag, view, "view", label=TEXTS[kind][0])

    assert value(dataset, first) != was
    assert label_field_of(dataset, "truth").texts(view) == [TEXTS[kind][0]]
    undo(dataset, dry_run=False, progress=False)
    assert documents(dataset) == before


def test_the_images_of_a_label_are_found_whatever_its_kind(labeled):
    dataset, kind = labeled
    field = label_field_of(dataset, "truth")
    texts = field.texts(dataset)

    for text in TEXTS[kind]:
        found = dataset.mongo([{"$match": field.matches(text)}])
        assert len(found) == texts.count(text)
    assert field.distinct(dataset) == sorted(TEXTS[kind])


def test_labels_of_several_are_a_set_in_any_order(classes):
    names = [["sea", "sky"], ["sky", "sea"], ["sea"], [], None]
    sets = [
        None
        if one is None
        else fo.Classifications(
            classifications=[fo.Classification(label=name) for name in one]
        )
        for one in names
    ]
    view = classes.limit(5)
    view.set_values("many", sets)
    field = label_field_of(classes, "many")

    assert field.texts(view) == ["sea, sky", "sea, sky", "sea", None, None]
    found = view.mongo([{"$match": field.matches("sky, sea")}])
    assert len(found) == 2
    kept = field.stored(classes, view.values("id"))[0]
    changed = field.changed("sea, sun", kept)
    assert changed[0] == kept[0]
    assert [one["label"] for one in changed] == ["sea", "sun"]


@pytest.mark.parametrize(
    "names",
    [
        ["tench, Tinca tinca", "fish"],
        ["tench, Tinca tinca"],
        ["a,b", "c"],
        ['5" disk', "disk"],
        [" padded ", "two\nlines"],
    ],
)
def test_a_label_with_a_comma_is_one_label(classes, names):
    labels = [fo.Classification(label=name) for name in names]
    view = classes.limit(1)
    view.set_values("many", [fo.Classifications(classifications=labels)])
    field = label_field_of(classes, "many")

    (text,) = field.texts(view)

    assert sorted(field.values(text)) == sorted(names)
    assert len(view.mongo([{"$match": field.matches(text)}])) == 1
    (kept,) = field.stored(classes, view.values("id"))
    assert field.changed(text, kept) == kept


def test_a_word_that_the_field_cannot_hold_is_refused(labeled, scan):
    dataset, kind = labeled
    if kind not in ("bool", "int"):
        pytest.skip("any word is a label there")
    scan(dataset, label_field="truth")

    with pytest.raises(Exception, match="cannot be a label"):
        retag(
            dataset.limit(1), "view", label="maybe", allow_new_label=True,
            progress=False,
        )  # fmt: skip


def test_a_pair_of_labels_opens_its_images_whatever_their_kind(labeled, scan):
    complete_run = module("runs.run_record").complete_run
    pair_view = module("views.finding_views").pair_view
    queries, counts = module("views.queries"), module("views.count_queries")
    dataset, kind = labeled
    first, second = TEXTS[kind]
    scan(dataset, label_field="truth", min_label_score=50)
    run = complete_run(dataset, None)

    pairs = counts.count_pairs(
        queries.SampleQueries(dataset, run, None), {"label_issue": True}
    )
    view = pair_view(dataset, run, second, first, None, None)

    assert (second, first) in [pair[:2] for pair in pairs]
    assert dataset.first().id in view.values("id")
    assert len(view) == {pair[:2]: pair[2] for pair in pairs}[second, first]
    assert len(view.match(F("label_suggestion") == first)) == len(view)
