"""The quick half of a scan: from what it learned to findings, by thresholds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import CHANGES_OF_MEANING
from ..errors import InputError
from ..findings.decisions import Decisions, no_decisions, ruled_out
from ..findings.keepers import ImageRows
from ..findings.leaks import NO_KIND, STAYS, Leaks, find_leaks
from ..findings.scenes import Scenes, find_scenes
from ..findings.schema import FIELDS, NO_LABEL, VIDEO_FIELDS, FieldSpec, Findings
from ..findings.sequences import NO_SEQUENCE, Sequences, find_sequence_leaks
from .columns import Column
from .copy_scores import copy_scores
from .counts import (
    count_changed_pairs,
    count_findings,
    count_flagged_pictures,
    leaks_by_class,
    leaks_by_kind,
    scenes_by_split,
    steps_by_split,
)
from .fastdup_preset import judge_by_fastdup
from .field_values import columns_of, numbers, prediction_columns
from .image_labels import majority_labels
from .judgment import Judgment, rule_of
from .look_judgment import look_issues, look_thresholds
from .own_rules import judge_as_fixed, judge_by_own_rules
from .recall_estimate import (
    ACCEPTED_FALSE_RATE,
    CopyScores,
    calibrated_score,
    expected_recall,
    false_rate,
    recall_interval,
)
from .samples import image_rows
from .scan_data import FixedJudgment, ScanData, Thinning, evaluation_splits
from .settings import DEFAULTS, ScanSettings
from .video_findings import count_video_issues, video_columns
from .whole_set import keys_of_samples, overview_of


def apply_thresholds(
    scan_data: ScanData,
    settings: ScanSettings = DEFAULTS,
    decisions: Decisions | None = None,
    *,
    in_parts: bool = False,
) -> Findings:
    """Applies thresholds to what a scan learned. Reads no file.

    Args:
        scan_data: from :func:`~core.scan.collect.collect_scan_data`
        settings: only the thresholds matter here
        decisions: of a person on the samples; they overrule all else
        in_parts: make the values of the columns anew whenever they are looked at: of
            ten million images all at once take 10 GB

    Returns:
        the findings. Their ``expected`` says of the threshold on copies
        ``copy_recall`` of copies with one change, its 95 % interval
        ``copy_recall_interval``, ``copy_recall_by_change``, the same of copies with
        several changes (``composed_copy_recall``) and with something over or around
        them as well (``covered_copy_recall``), ``copies_tried``,
        ``false_copy_rate`` (None if unknown) and ``non_copies_tried``; of that on
        labels ``label_precision`` and ``label_recall``, with all ``wrong_labels``,
        of pictures of which equal ones count once, as in ``label_issue_pictures`` of
        the counts; of the default on outliers ``outlier_agreement``, with which share
        of what it flags people agreed on other sets

    Raises:
        InputError: a threshold below what the scan looked at
    """
    samples, recall = scan_data.samples, scan_data.recall
    decided = decisions or no_decisions(len(samples))
    copies = _copy_threshold(scan_data, settings)
    eligible = eligible_pairs(scan_data, settings, decided)
    accepted = eligible & (scan_data.pairs.score >= copies.value)
    rows = image_rows(samples, scan_data.files, scan_data.images)
    rows = replace(rows, chosen=decided.keeper)
    judged = _judge(scan_data, rows, accepted, settings, decided)
    leaks = _leaks(scan_data, rows, accepted, decided)
    sequences = _sequences(scan_data)
    frames = find_sequence_leaks(sequences, samples.splits, len(samples.split_names))
    frames.leak[decided.keep] = False
    scenes = _scenes(scan_data, rows, accepted, judged, leaks, decided, sequences.code)
    looks, look_rules = look_thresholds(scan_data, settings)
    issues = look_issues(scan_data, rows, decided, looks)
    makers = columns_of(
        samples,
        scan_data.files,
        judged,
        leaks,
        scenes,
        sequences,
        frames.leak,
        _thinning(scan_data, decided),
        issues,
    ) | prediction_columns(scan_data.predictions, samples, decided.verified)
    overview = overview_of(scan_data, judged, scenes)
    makers["copy_score"] = numbers(copy_scores(scan_data, eligible), 4)
    makers |= video_columns(scan_data, accepted)
    makers["set_findings"] = keys_of_samples(overview, scan_data.sample_images)
    columns = {
        spec.name: Column(len(samples), makers[spec.name])
        if in_parts
        else makers[spec.name](slice(None))
        for spec in fields_of(scan_data)
    }
    by_own_rules = scan_data.nearest_samples is None
    return Findings(
        columns=columns,
        counts={
            **count_video_issues(scan_data, columns),
            **count_findings(columns, samples, judged.duplicates),
            "label_issue_pictures": count_flagged_pictures(
                columns["label_issue"], rows.unique_image
            ),
            **count_changed_pairs(scan_data.pairs, accepted, _image_labels(scan_data)),
            **(overview.counts if overview else {}),
        },
        leak_matrix=leaks_by_kind(samples, leaks),
        scene_matrix=scenes_by_split(samples, scenes),
        sequence_steps=steps_by_split(samples, frames),
        leaks_by_class=leaks_by_class(samples, leaks),
        overview=overview.to_dict() if overview else {},
        thresholds={
            **judged.thresholds,
            **asdict(looks),
            copies.name: copies.value,
        },
        rules={**judged.rules, **look_rules, copies.name: copies.rule},
        conflicts=tuple(int(number) for number in judged.duplicates.conflicts),
        expected={
            **(_expected(recall, copies.value, settings) if by_own_rules else {}),
            **judged.expected,
        },
    )


def with_fixed_judgment(scan_data: ScanData, settings: ScanSettings) -> ScanData:
    """Judges outliers and labels once, for parts of the scan to be looked at alone.

    Args:
        scan_data: of all images
        settings: only the thresholds matter here
    """
    nobody = no_decisions(len(scan_data.samples))
    accepted = accepted_pairs(scan_data, settings, nobody)
    rows = image_rows(scan_data.samples, scan_data.files, scan_data.images)
    judged = judge_by_own_rules(scan_data, rows, accepted, settings, nobody)
    fixed = FixedJudgment(
        outliers=judged.outliers,
        nearest=judged.nearest,
        labels=judged.labels,
        confidence=judged.confidence,
        support=judged.support,
        counterexample=judged.counterexample,
        thresholds=judged.thresholds,
        rules=judged.rules,
        expected=judged.expected,
    )
    return replace(scan_data, fixed=fixed)


def accepted_pairs(
    scan_data: ScanData, settings: ScanSettings, decisions: Decisions
) -> NDArray[np.bool_]:
    """Returns which pairs count as copies: bool[p].

    Args:
        scan_data: of the scan
        settings: only the thresholds matter here
        decisions: of a person on the samples

    Raises:
        InputError: a threshold below what the scan looked at
    """
    least = _copy_threshold(scan_data, settings).value
    sure: NDArray[np.bool_] = scan_data.pairs.score >= least
    return sure & eligible_pairs(scan_data, settings, decisions)


def eligible_pairs(
    scan_data: ScanData, settings: ScanSettings, decisions: Decisions
) -> NDArray[np.bool_]:
    """Returns which pairs would count as copies if they scored enough: bool[p].

    Args:
        scan_data: of the scan
        settings: only the thresholds matter here
        decisions: of a person on the samples

    Raises:
        InputError: a threshold below what the scan looked at
    """
    pairs = scan_data.pairs
    ignored = [CHANGES_OF_MEANING.index(name) for name in settings.ignored_changes]
    eligible: NDArray[np.bool_] = (
        pairs.changes & sum(1 << bit for bit in ignored)
    ) == 0
    if settings.min_copy_similarity is not None:
        _check_min_similarity(
            settings.min_copy_similarity, scan_data.model.min_candidate_similarity
        )
        eligible &= pairs.similarity >= settings.min_copy_similarity
    return eligible & ~ruled_out(pairs.images, scan_data.sample_images, decisions)


def fields_of(scan_data: ScanData) -> tuple[FieldSpec, ...]:
    """Returns the fields of a scan: those of pictures, and more of videos."""
    return FIELDS if scan_data.videos is None else (*FIELDS, *VIDEO_FIELDS)


@dataclass(frozen=True)
class _CopyThreshold:
    """The score that copies need.

    Attributes:
        name: of the setting
        value: in force
        rule: how it was chosen
    """

    name: str
    value: float
    rule: str


def _copy_threshold(scan_data: ScanData, settings: ScanSettings) -> _CopyThreshold:
    name = "min_copy_score" if scan_data.videos is None else "min_shared"
    least = getattr(settings, name)
    if scan_data.videos is not None or not settings.calibrate:
        return _CopyThreshold(name, least, rule_of(settings, name))
    rule = f"raised until {ACCEPTED_FALSE_RATE:.1%} of known non-copies pass at most"
    return _CopyThreshold(name, calibrated_score(scan_data.recall, least), rule)


def _check_min_similarity(min_similarity: float, lowest: float) -> None:
    if min_similarity < lowest:
        raise InputError(
            f"min_copy_similarity={min_similarity:g} is below {lowest:g}, and less "
            "similar pairs were not compared. Use a higher one, or leave it out."
        )


def _judge(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    settings: ScanSettings,
    decided: Decisions,
) -> Judgment:
    """Applies the rules of the scan's tool, and what a person decided."""
    nearest, fixed = scan_data.nearest_samples, scan_data.fixed
    if fixed is not None:
        judged = judge_as_fixed(scan_data, fixed, rows, accepted, settings, decided)
    elif nearest is None:
        judged = judge_by_own_rules(scan_data, rows, accepted, settings, decided)
    else:
        judged = judge_by_fastdup(scan_data.samples, nearest, rows, settings, decided)
    labels, verified = judged.labels, decided.verified
    return replace(
        judged,
        outlier=judged.outlier & ~decided.keep,
        labels=replace(
            labels,
            suggestion=np.where(verified, NO_LABEL, labels.suggestion),
            issue=labels.issue & ~verified,
        ),
    )


def _leaks(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    decided: Decisions,
) -> Leaks:
    samples = scan_data.samples
    leaks = find_leaks(
        samples.splits,
        len(samples.split_names),
        unique_image=rows.unique_image,
        byte_group=rows.byte_group,
        pixel_group=rows.pixel_group,
        label=rows.label,
        pairs=scan_data.pairs.images[accepted],
        protected_splits=evaluation_splits(samples.split_names),
        chosen=rows.chosen,
        damaged=rows.damaged,
        unsure=scan_data.pairs.unsure[accepted],
    )
    leaks.leak[decided.keep] = False
    leaks.kinds[decided.keep] = NO_KIND
    leaks.remove[decided.keep] = False
    leaks.remove_reason[decided.keep] = STAYS
    return leaks


def _scenes(
    scan_data: ScanData,
    rows: ImageRows,
    accepted: NDArray[np.bool_],
    judged: Judgment,
    leaks: Leaks,
    decided: Decisions,
    sequence: NDArray[np.int32],
) -> Scenes:
    """Groups the images that show one scene.

    In another split a copy says more than another moment of the same scene.
    """
    samples, pairs = scan_data.samples, scan_data.pairs
    scenes = find_scenes(
        rows.unique_image,
        judged.duplicates.cluster,
        pairs.images[pairs.scene & ~accepted],
        rows.path_rank,
        samples.splits,
        len(samples.split_names),
        sequence,
    )
    scenes.elsewhere[leaks.kinds != NO_KIND] = False
    scenes.elsewhere[decided.keep] = False
    return scenes


def _sequences(scan_data: ScanData) -> Sequences:
    """Returns the sequences of the images that are there and can be read."""
    known = scan_data.sequences
    code = np.where(scan_data.samples.readable, known.code, NO_SEQUENCE)
    return replace(known, code=code.astype(np.int32))


def _thinning(scan_data: ScanData, decided: Decisions) -> Thinning | None:
    """Returns what thinning found, but for what a person decided since."""
    known = scan_data.thinning
    if known is None:
        return None
    return replace(known, kept=known.kept | decided.keep | decided.keeper)


def _image_labels(scan_data: ScanData) -> NDArray[np.int32]:
    samples, images = scan_data.samples, scan_data.sample_images
    count, classes = len(scan_data.images.first_file), len(samples.classes)
    return majority_labels(images, samples.labels, count, classes)


def _expected(
    recall: CopyScores, min_copy_score: float, settings: ScanSettings
) -> dict[str, Any]:
    by_change = expected_recall(recall, min_copy_score)
    # A threshold on the similarity, which the estimate does not keep, finds fewer
    if not by_change or settings.min_copy_similarity is not None:
        return {}
    rate = false_rate(recall, min_copy_score)
    result: dict[str, Any] = {}
    kinds = {
        "copy_recall": recall.copy_scores,
        "composed_copy_recall": recall.composed_scores,
        "covered_copy_recall": recall.covered_scores,
    }
    for name, scores in kinds.items():
        by_kind = name == "copy_recall"
        share, *ends = recall_interval(scores, min_copy_score, by_kind=by_kind)
        result[name] = round(share, 4)
        result[f"{name}_interval"] = [round(end, 4) for end in ends]
    return {
        **result,
        "copy_recall_by_change": {
            name: round(share, 4) for name, share in by_change.items()
        },
        "copies_tried": sum(scores.size for scores in kinds.values()),
        "false_copy_rate": None if rate is None else round(rate, 6),
        "non_copies_tried": len(recall.negative_scores),
    }
