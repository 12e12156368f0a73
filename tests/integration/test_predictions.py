"""Predictions of a person's model beside the scan's own evidence."""

import fiftyone as fo
import numpy as np
import pytest
from fiftyone.operators import get_operator


@pytest.fixture
def predicted(classes):
    """Every image predicted right and surely, but three that are called otherwise."""
    truth = classes.values("ground_truth.label")
    called = ["b" if one == "a" else "a" for one in truth]
    labels = [*called[:3], *truth[3:]]
    sure = [0.95] * 3 + [0.9] * (len(truth) - 4) + [0.5]
    classes.set_values(
        "model",
        [
            fo.Classification(label=label, confidence=chance)
            for label, chance in zip(labels, sure, strict=True)
        ],
    )
    return classes


def scanned(scan, dataset, **more):
    return scan(dataset, label_field="ground_truth", predictions="model", **more)


def test_predictions_say_which_images_are_hard_and_which_labels_surely_wrong(
    predicted, scan
):
    report = scanned(scan, predicted)

    first = predicted.first()
    assert first.confidently_wrong and not first.hardest
    assert first.prediction_hardness == pytest.approx(0.2864, abs=1e-3)
    assert predicted.last().hardest
    assert predicted.last().prediction_hardness == pytest.approx(1)
    assert report.counts["confidently_wrong"] == 3
    assert "the predictions agree with 97 % of 64 labels" in str(report)
    show = get_operator("@winnow/curate/show")
    assert len(show(predicted, "confidently_wrong")) == 3
    assert show(predicted, "hardest").first().id == predicted.last().id


def test_a_prediction_lowers_the_score_of_the_label_that_it_contradicts(
    predicted, scan
):
    scan(predicted, label_field="ground_truth")
    before = np.array(predicted.values("label_score"), float)
    assert predicted.values("prediction_hardness") == [None] * len(predicted)

    scanned(scan, predicted)

    after = np.array(predicted.values("label_score"), float)
    assert (after[:3] < before[:3]).all()
    # One that agrees lifts what was in doubt
    doubtful = np.flatnonzero(before < 90)[3:]
    assert len(doubtful) > 20
    assert (after[doubtful] > before[doubtful]).mean() > 0.95


def test_the_views_are_saved_only_where_there_are_predictions(predicted, scan):
    show = get_operator("@winnow/curate/show")
    names = {"Winnow: confidently wrong", "Winnow: hardest images"}
    scan(predicted, label_field="ground_truth")
    show(predicted, "hardest", save=True)
    assert not names & set(predicted.list_saved_views())

    scanned(scan, predicted)
    show(predicted, "hardest", save=True)

    assert names <= set(predicted.list_saved_views())
    assert len(predicted.load_saved_view("Winnow: confidently wrong")) == 3


def test_moved_thresholds_keep_the_predictions(predicted, scan, set_thresholds):
    scanned(scan, predicted)
    scores = predicted.values("label_score")

    report = set_thresholds(predicted, min_label_score=30)

    assert report.counts["confidently_wrong"] == 3
    assert predicted.values("label_score") == scores


def test_a_policy_may_limit_what_is_confidently_wrong(predicted, scan):
    audit = get_operator("@winnow/curate/audit")
    scan(predicted, label_field="ground_truth")
    assert "no predictions were given" in str(
        audit(predicted, policy="no confidently wrong")
    )

    scanned(scan, predicted)

    assert not audit(predicted, policy="confidently wrong <= 2").passed
    assert audit(predicted, policy="confidently wrong <= 3").passed


def test_logits_are_read_in_the_order_that_their_labels_tell(predicted, scan):
    rows = []
    for row in predicted.values("model"):
        # The model's third class is none of the labels
        logits = np.log([0.04, 0.9, 0.06] if row.label == "a" else [0.9, 0.04, 0.06])
        rows.append(fo.Classification(label=row.label, logits=logits + 3))
    predicted.set_values("model", rows)

    scanned(scan, predicted)

    assert predicted.first().confidently_wrong
    assert predicted.values("prediction_hardness")[0] == pytest.approx(
        predicted.values("prediction_hardness")[-1]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: {"predictions": "nope"}, "'nope' is no field of Classification"),
        (lambda d: {"predictions": "ground_truth"}, "no evidence for itself"),
        (lambda d: {"label_field": None}, "name the field that holds those"),
        (lambda d: {"preset": "fastdup"}, "no rules for predictions"),
        (lambda d: d.set_values("model.confidence", [None] * len(d)), "neither"),
        (lambda d: d.set_values("model.confidence", [1.5] * len(d)), "outside 0 to 1"),
        (lambda d: d.set_values("model.label", ["z"] * len(d)), "one of the labels"),
        (lambda d: d.set_values("model", [None] * len(d)), "No sample has a predic"),
        (
            lambda d: d.set_values("model.logits", [np.array([1.0, 2.0])] * len(d)),
            "the highest logit stands for",
        ),
        (
            lambda d: d.set_values(
                "model.logits", [np.ones(2 + number % 2) for number in range(len(d))]
            ),
            "not all of one length",
        ),
    ],
)
def test_predictions_that_cannot_be_are_refused_before_any_work(
    predicted, scan, change, message
):
    given = {"label_field": "ground_truth", "predictions": "model"}
    given |= change(predicted) or {}

    with pytest.raises(Exception, match=message):
        scan(predicted, **given)

    assert not predicted.has_sample_field("scan_status")


def test_a_model_that_learned_the_labels_is_no_evidence(predicted, scan):
    names = predicted.values("ground_truth.label")
    names[:14] = ["b" if name == "a" else "a" for name in names[:14]]
    predicted.set_values("ground_truth.label", names)
    predicted.set_values(
        "model", [fo.Classification(label=name, confidence=0.99) for name in names]
    )
    scan(predicted, label_field="ground_truth", min_label_score=50)
    before = predicted.values("label_score")

    report = scanned(scan, predicted, min_label_score=50)

    assert report.expected["predictions_repeat"]
    assert predicted.values("label_score") == before
    assert "as a model does that learned them" in str(report)
