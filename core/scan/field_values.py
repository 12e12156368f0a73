"""The findings of a scan as values of fields, made for as many rows as are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import NO_RELATION, PARTLY, relation_names
from ..findings.duplicates import KINDS, Duplicates
from ..findings.image_issues import ISSUES, LOOKS, gray_among_color, look_scores
from ..findings.keepers import KEEPER_REASONS
from ..findings.leaks import REMOVE_REASONS, Leaks
from ..findings.outliers import CAUSES, outlier_causes
from ..findings.predictions import Predictions, confidently_wrong, hardest, hardness
from ..findings.scenes import NO_GROUP, Scenes
from ..findings.schema import FIRST_OF, NO_CLUSTER, optional_floats, optional_names
from ..findings.sequences import Sequences
from ..reading.image_statistics import column
from ..reading.jpeg_damage import DAMAGES, NO_DAMAGE
from .columns import ColumnOf, of_nothing
from .judgment import Judgment
from .scan_data import Samples, Thinning, UniqueFiles, sample_damage


def columns_of(
    samples: Samples,
    files: UniqueFiles,
    judged: Judgment,
    leaks: Leaks,
    scenes: Scenes,
    sequences: Sequences,
    sequence_leak: NDArray[np.bool_],
    thinning: Thinning | None,
    issues: NDArray[np.bool_],
) -> dict[str, ColumnOf]:
    """Returns what makes the values of each field, None where there is none.

    Args:
        samples: n samples
        files: their unique files
        judged: what the rules say of them
        leaks: copies in other splits
        scenes: other moments and views of one scene
        sequences: frames of one recording
        sequence_leak: bool[n], another split holds a frame of the sequence
        thinning: images that show no more than another; None if it was not asked
        issues: bool[n, issues], by :data:`core.findings.image_issues.ISSUES`
    """
    duplicates, labels, outliers = judged.duplicates, judged.labels, judged.outliers
    clustered = duplicates.cluster != NO_CLUSTER
    readable = samples.readable
    has_split = readable & (samples.splits >= 0)
    conflict = np.isin(duplicates.cluster, duplicates.conflicts)
    in_scene = scenes.group != NO_GROUP
    confidence = np.where(labels.suggestion < 0, np.nan, judged.confidence)
    causes = _causes(samples, files, judged, issues)
    damage = _damage(samples, files, issues)
    keeper_of = _keepers_of(duplicates)
    splits = samples.split_names
    return {
        "dup_cluster": _values(clustered, duplicates.cluster),
        "dup_kind": _words(duplicates.kind, KINDS),
        "dup_relation": lambda rows: _relations(
            samples, files, duplicates, keeper_of, rows
        ),
        "dup_similarity": numbers(duplicates.similarity),
        "dup_keeper": _values(clustered, duplicates.keeper),
        "keeper_reason": _words(duplicates.reason, KEEPER_REASONS),
        "dup_conflict": _values(clustered, conflict),
        "outlier_distance": numbers(outliers.distance),
        "outlier": _values(readable & ~np.isnan(outliers.distance), judged.outlier),
        "outlier_cause": _words(causes, CAUSES),
        "outlier_nearest": _values(judged.nearest >= 0, judged.nearest),
        "label_score": numbers(labels.score, 2),
        "label_suggestion": _words(labels.suggestion, samples.classes),
        "label_suggestion_confidence": numbers(confidence, 4),
        "label_support": _values(judged.support >= 0, judged.support),
        "label_counterexample": _values(
            judged.counterexample >= 0, judged.counterexample
        ),
        "label_issue": _values(~np.isnan(labels.score), labels.issue),
        "leak": _values(has_split, leaks.leak),
        "leak_splits": _flagged(has_split, leaks.kinds >= 0, splits),
        "leak_conflict": _values(has_split, leaks.conflict),
        "leak_remove": _values(has_split, leaks.remove),
        "leak_remove_reason": _words(leaks.remove_reason, REMOVE_REASONS),
        "scene_group": _values(in_scene, scenes.group),
        "scene_size": _values(in_scene, scenes.size),
        "scene_leak": _values(has_split, np.asarray(scenes.elsewhere.any(axis=1))),
        "scene_leak_splits": _flagged(has_split, scenes.elsewhere, splits),
        "winnow_sequence": _words(sequences.code, sequences.names),
        "winnow_place": _values(sequences.code >= 0, sequences.place),
        "sequence_leak": _values(has_split, sequence_leak),
        **_thinned(thinning, readable),
        "image_issues": _flagged(readable, issues, ISSUES),
        **_look_values(samples, files),
        "damage_reason": _words(damage, DAMAGES),
        "scan_status": lambda rows: [
            samples.statuses[code] for code in samples.status[rows].tolist()
        ],
    }


def prediction_columns(
    predictions: Predictions | None, samples: Samples, verified: NDArray[np.bool_]
) -> dict[str, ColumnOf]:
    """Returns what makes the fields on the predictions of a person's model.

    Args:
        predictions: of n samples; None without
        samples: the samples
        verified: bool[n], a person says that the label is right
    """
    names = ("prediction_hardness", "hardest", "confidently_wrong")
    if predictions is None:
        return dict.fromkeys(names, of_nothing(len(samples)))
    here = samples.readable & predictions.known
    hard = hardness(predictions, len(samples.classes))
    hard[~here] = np.nan
    wrong = confidently_wrong(predictions, samples.labels) & here & ~verified
    judged = here & (samples.labels >= 0)
    columns = (
        numbers(hard, 4),
        _values(here, hardest(hard)),
        _values(judged, wrong),
    )
    return dict(zip(names, columns, strict=True))


def _thinned(
    thinning: Thinning | None, readable: NDArray[np.bool_]
) -> dict[str, ColumnOf]:
    if thinning is None:
        return dict.fromkeys(("burst", "burst_keep"), of_nothing(len(readable)))
    there = readable & (thinning.burst >= 0)
    return {
        "burst": _values(there, thinning.burst),
        "burst_keep": _values(there, thinning.kept),
    }


def _look_values(samples: Samples, files: UniqueFiles) -> dict[str, ColumnOf]:
    """Returns what says whether a picture is dark, bright, blurry or empty."""
    readable = samples.readable
    scores = np.full((len(readable), len(LOOKS)), np.nan, np.float32)
    scores[readable] = look_scores(files.statistics[samples.unique_file[readable]])
    return {
        name: numbers(values, 3) for name, values in zip(LOOKS, scores.T, strict=True)
    }


def _damage(
    samples: Samples, files: UniqueFiles, issues: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Returns the damage of samples that have that issue."""
    damaged = issues[:, ISSUES.index("damaged")]
    return np.where(damaged, sample_damage(samples, files), NO_DAMAGE)


def _keepers_of(duplicates: Duplicates) -> NDArray[np.int64]:
    """Returns int64[c], the row of each cluster's keeper."""
    keepers = np.flatnonzero(duplicates.keeper)
    keeper_of = np.full(int(duplicates.cluster.max(initial=-1)) + 1, -1)
    keeper_of[duplicates.cluster[keepers]] = keepers
    return keeper_of


def _relations(
    samples: Samples,
    files: UniqueFiles,
    duplicates: Duplicates,
    keeper_of: NDArray[np.int64],
    rows: slice,
) -> list[str | None]:
    """Says how each near copy differs from the keeper, or why it is no more than near.

    Pictures that were not compared, since they look alike at the model's size, differ
    in what that does not show: in samples of more than 8 bits, transparency, a color
    profile, further pictures, or in size.
    """
    unique_file, cluster = samples.unique_file, duplicates.cluster[rows]
    near = duplicates.kind[rows] == KINDS.index("near")
    named = np.where(near, duplicates.relation[rows], NO_RELATION)
    relations = [relation_names(bits) for bits in named.tolist()]
    files_here = unique_file[rows]
    for row in np.flatnonzero(near & ~duplicates.keeper[rows]).tolist():
        own = int(files_here[row])
        kept = int(unique_file[keeper_of[cluster[row]]])
        equal = files.first_group[own] == files.first_group[kept]
        count = max(files.picture_count[own], files.picture_count[kept])
        if count > 1:
            relations[row] = f"{FIRST_OF}{count:,} pictures" + " equal" * bool(equal)
        elif relations[row] is None:
            relations[row] = "looks equal" if equal else _of_size(files, own, kept)
        elif "trimmed" in relations[row] and files.seconds[own] > files.seconds[kept]:
            # It shows more than the copy to keep, whose place was worth more
            relations[row] = f"{PARTLY}, {relations[row]}"
    return relations


def _of_size(files: UniqueFiles, one: int, other: int) -> str:
    sizes = files.width, files.height
    alike = all(side[one] == side[other] for side in sizes)
    return "re-encoded" if alike else "resized"


def _causes(
    samples: Samples,
    files: UniqueFiles,
    judged: Judgment,
    issues: NDArray[np.bool_],
) -> NDArray[np.int8]:
    readable = samples.readable
    statistics = files.statistics[samples.unique_file[readable]]
    entropy = np.full(len(readable), np.nan, np.float32)
    entropy[readable] = column(statistics, "entropy")
    gray = np.zeros(len(readable), bool)
    gray[readable] = gray_among_color(statistics)
    labeled = samples.labels >= 0
    sizes = np.bincount(samples.labels[labeled], minlength=len(samples.classes))
    return outlier_causes(
        judged.outlier,
        judged.outliers,
        blank=issues[:, ISSUES.index("low_information")],
        dark=issues[:, ISSUES.index("dark")],
        entropy=entropy,
        gray=gray,
        class_size=np.where(labeled, np.append(sizes, 0)[samples.labels], 0),
    )


def _values(present: NDArray[np.bool_], values: NDArray[Any]) -> ColumnOf:
    """Returns what takes values from an array, None where nothing is present."""
    return lambda rows: _where(present[rows], values[rows].tolist())


def _words(codes: NDArray[np.integer], names: Sequence[str]) -> ColumnOf:
    """Returns what gives codes their names, None for negative ones."""
    return lambda rows: optional_names(codes[rows], list(names))


def _flagged(
    present: NDArray[np.bool_], flags: NDArray[np.bool_], names: Sequence[str]
) -> ColumnOf:
    """Returns what lists the names of flags, None where nothing is present."""
    return lambda rows: _where(present[rows], _names_of_flags(flags[rows], names))


def numbers(values: NDArray[np.floating], digits: int = 6) -> ColumnOf:
    """Returns what rounds numbers, None for NaN."""
    return lambda rows: rounded(values[rows], digits)


def _where(present: NDArray[np.bool_], values: list[Any]) -> list[Any]:
    return [
        value if here else None
        for here, value in zip(present.tolist(), values, strict=True)
    ]


def rounded(values: NDArray[np.floating], digits: int = 6) -> list[float | None]:
    """Returns the values of a field, None for NaN."""
    return optional_floats(np.round(values.astype(np.float64), digits))


def _names_of_flags(flags: NDArray[np.bool_], names: Sequence[str]) -> list[list[str]]:
    # One empty list for all: so many new ones set the garbage collector off
    nothing: list[str] = []
    result = [nothing] * len(flags)
    for row, place in np.argwhere(flags).tolist():
        result[row] = [*result[row], names[place]]
    return result
