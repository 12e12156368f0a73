"""Labels of samples, judged by all evidence that a scan has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.text import percent_text
from ..findings.label_estimate import (
    AIMED_PRECISION,
    SCORES,
    LabelEstimate,
    estimate_labels,
    suggestion_confidence,
)
from ..findings.label_examples import label_neighbors
from ..findings.label_issues import (
    FALLBACK_MIN_LABEL_SCORE,
    LabelFindings,
    judge_labels,
)
from ..findings.label_support import (
    LabelEvidence,
    class_support,
    gather_evidence,
)
from ..findings.prediction_weight import prediction_weight
from ..findings.predictions import Predictions, seems_to_repeat
from ..findings.schema import NO_LABEL
from ..reading.image_statistics import column
from .image_labels import majority_labels
from .judgment import OWN_RULE
from .scan_data import ScanData, first_by_path

NO_IMAGE = -1
_DOUBTFUL = 20.0
"""Some other class has four times the support of the label."""

_WEIGHED = 2000
"""Images by which a person's model is weighed."""


@dataclass(frozen=True, eq=False)
class JudgedLabels:
    """What was found of the labels of n samples.

    Attributes:
        found: of the samples
        confidence: float32[n], that the suggested label is right, NaN without
        support: int32[n], the most similar image of the label, -1 for none
        counterexample: int32[n], that of another label
        threshold: on the score, in force
        rule: how it is chosen where none is given
        expected: what known flips say of the threshold
    """

    found: LabelFindings
    confidence: NDArray[np.float32]
    support: NDArray[np.int32]
    counterexample: NDArray[np.int32]
    threshold: float
    rule: str
    expected: dict[str, Any]


def judge_sample_labels(
    scan_data: ScanData,
    images: NDArray[np.int32],
    cluster: NDArray[np.int64],
    min_label_score: float | None,
) -> JudgedLabels:
    """Judges each sample's label.

    Equal pictures are one unique image, which votes with its commonest label.
    Its other labels are judged too, but have no vote. What looks like a picture of one
    color says nothing of it: the label that several such equal ones bear stands.

    Args:
        scan_data: of n samples
        images: int32[n], the unique image of each; -1 if unreadable
        cluster: int64[i], the duplicate cluster of each unique image
        min_label_score: threshold on the score; None to choose it
    """
    labels, classes = scan_data.samples.labels, len(scan_data.samples.classes)
    rows = np.flatnonzero((images >= 0) & (labels >= 0))
    key = images[rows].astype(np.int64) * max(classes, 1) + labels[rows]
    pair, judgment = np.unique(key, return_inverse=True)
    judged = np.stack(np.divmod(pair, max(classes, 1)), axis=1)
    votes = majority_labels(images, labels, len(cluster), classes)
    by_features = scan_data.graphs.by_features()
    by_descriptors = scan_data.graphs.by_descriptors()
    alone = gather_evidence(
        scan_data.classes,
        by_features,
        votes,
        cluster,
        classes,
        copy_graph=by_descriptors,
    )
    predictions, said = _predictions_of(scan_data, images, alone)
    evidence = replace(alone, predictions=predictions)
    voting = judged[:, 1] == votes[judged[:, 0]]
    borne = voting & (np.bincount(judgment, minlength=len(judged)) > 1)
    stands = borne & _of_one_color(scan_data)[judged[:, 0]]
    found = _but_for(judge_labels(evidence, judged), stands)
    scores = np.full(len(votes), np.nan, np.float32)
    scores[judged[voting, 0]] = found.score[voting]
    estimate = estimate_labels(evidence, scores)
    threshold, rule = own_threshold(estimate)
    if min_label_score is not None:
        threshold = min_label_score
    confidence = np.full(len(judged), np.nan, np.float32)
    if estimate is not None:
        confidence = suggestion_confidence(
            estimate, found.score, found.suggestion_share
        )
    near = label_neighbors(
        [graph for graph in (by_features, by_descriptors) if graph is not None],
        votes,
        cluster,
        judged,
        found.suggestion,
    )

    def spread(values: NDArray[Any], absent: float) -> NDArray[Any]:
        of_samples = np.full(len(images), absent, values.dtype)
        of_samples[rows] = values[judgment]
        return of_samples

    issue = np.nan_to_num(found.score, nan=100) < threshold
    return JudgedLabels(
        found=LabelFindings(
            spread(found.score, np.nan),
            spread(found.suggestion, NO_LABEL),
            spread(issue, False),
            spread(found.suggestion_share, np.nan),
        ),
        confidence=spread(confidence, np.nan),
        support=spread(near.agreeing, NO_IMAGE),
        counterexample=spread(near.contradicting, NO_IMAGE),
        threshold=threshold,
        rule=rule,
        expected={
            **_expected_labels(estimate, threshold),
            **said,
        },
    )


def _of_one_color(scan_data: ScanData) -> NDArray[np.bool_]:
    """Returns bool[i], which unique images have one gray level, as empty masks have."""
    entropy = column(scan_data.files.statistics, "entropy")
    one: NDArray[np.bool_] = entropy[scan_data.images.first_file] == 0
    return one


def _but_for(found: LabelFindings, standing: NDArray[np.bool_]) -> LabelFindings:
    """Returns the judgment without what contradicts some of the labels."""
    stands = standing & (found.suggestion != NO_LABEL)
    return LabelFindings(
        np.where(stands, np.float32(np.nan), found.score),
        np.where(stands, NO_LABEL, found.suggestion).astype(np.int32),
        found.issue & ~stands,
        np.where(stands, np.float32(np.nan), found.suggestion_share),
    )


def own_threshold(estimate: LabelEstimate | None) -> tuple[float, str]:
    """Returns the threshold on the score for a data set, and how it was chosen.

    Args:
        estimate: what thresholds are expected to find; None for too few labels
    """
    if estimate is None:
        return FALLBACK_MIN_LABEL_SCORE, "too few labels to tell"
    aim = f"{percent_text(AIMED_PRECISION)} expected to be wrong"
    precise = estimate.threshold()
    if precise is None:
        return float(SCORES[0]), f"the lowest: at no score are surely {aim}"
    return precise, f"{OWN_RULE}: {aim}"


def _predictions_of_images(
    scan_data: ScanData, images: NDArray[np.int32], count: int
) -> Predictions | None:
    """Returns the predictions of the unique images: of the first path that has one."""
    given = scan_data.predictions
    if given is None:
        return None
    told = np.where(given.known, images, -1)
    return given.of(first_by_path(told, scan_data.samples.path_rank, count))


def _predictions_of(
    scan_data: ScanData, images: NDArray[np.int32], others: LabelEvidence
) -> tuple[Predictions | None, dict[str, Any]]:
    """Returns the predictions of the unique images, and what is known of them.

    None without predictions, and for those of a model that learned the labels.

    Args:
        scan_data: of n samples
        images: int32[n], the unique image of each; -1 if unreadable
        others: the evidence without predictions
    """
    votes = others.labels
    predictions = _predictions_of_images(scan_data, images, len(votes))
    if predictions is None:
        return None, {}
    doubtful = np.nan_to_num(judge_labels(others).score, nan=100) < _DOUBTFUL
    repeat = seems_to_repeat(predictions, votes, doubtful)
    asked = np.flatnonzero(predictions.known & (votes != NO_LABEL))
    agreed = predictions.classes[asked, 0] == votes[asked]
    count = min(len(asked), _WEIGHED)
    drawn = asked[np.arange(count) * len(asked) // max(count, 1)]
    own = class_support(others, drawn)
    weight = prediction_weight(own, predictions.of(drawn), votes[drawn])
    said = {
        "predicted": len(asked),
        "prediction_agreement": round(float(agreed.mean()), 4) if len(asked) else 0.0,
        "prediction_weight": 0.0 if repeat else weight,
        "predictions_repeat": repeat,
    }
    return None if repeat else replace(predictions, weight=weight), said


def _expected_labels(
    estimate: LabelEstimate | None, threshold: float
) -> dict[str, Any]:
    if estimate is None:
        return {}
    precision, recall = estimate.at(threshold)
    return {
        "wrong_labels": round(estimate.wrong),
        "label_precision": round(precision, 4),
        "label_precision_interval": [
            round(end, 4) for end in estimate.interval_at(threshold)
        ],
        "label_recall": round(recall, 4),
    }
