"""The findings of a scan as values of fields, one column per field."""

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
) -> dict[str, list[Any]]:
    """Returns n values per field, None where there is none.

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
    duplicates, labels = judged.duplicates, judged.labels
    outliers, outlier = judged.outliers, judged.outlier
    clustered = duplicates.cluster != NO_CLUSTER
    readable = samples.readable
    scene_leak = np.asarray(scenes.elsewhere.any(axis=1))
    has_split = readable & (samples.splits >= 0)
    scored = ~np.isnan(labels.score)
    conflict = np.isin(duplicates.cluster, duplicates.conflicts)
    return {
        "dup_cluster": _where(clustered, duplicates.cluster.tolist()),
        "dup_kind": optional_names(duplicates.kind, list(KINDS)),
        "dup_relation": _relations(samples, files, duplicates),
        "dup_similarity": rounded(duplicates.similarity),
        "dup_keeper": _where(clustered, duplicates.keeper.tolist()),
        "keeper_reason": optional_names(duplicates.reason, list(KEEPER_REASONS)),
        "dup_conflict": _where(clustered, conflict.tolist()),
        "outlier_distance": rounded(outliers.distance),
        "outlier": _where(readable & ~np.isnan(outliers.distance), outlier.tolist()),
        "outlier_cause": optional_names(
            _causes(samples, files, judged, issues), list(CAUSES)
        ),
        "outlier_nearest": _samples(judged.nearest),
        "label_score": rounded(labels.score, 2),
        "label_suggestion": optional_names(labels.suggestion, samples.classes),
        "label_suggestion_confidence": rounded(
            np.where(labels.suggestion < 0, np.nan, judged.confidence), 4
        ),
        "label_support": _samples(judged.support),
        "label_counterexample": _samples(judged.counterexample),
        "label_issue": _where(scored, labels.issue.tolist()),
        "leak": _where(has_split, leaks.leak.tolist()),
        "leak_splits": _where(
            has_split, _names_of_flags(leaks.kinds >= 0, samples.split_names)
        ),
        "leak_conflict": _where(has_split, leaks.conflict.tolist()),
        "leak_remove": _where(has_split, leaks.remove.tolist()),
        "leak_remove_reason": optional_names(leaks.remove_reason, list(REMOVE_REASONS)),
        "scene_group": _where(scenes.group != NO_GROUP, scenes.group.tolist()),
        "scene_size": _where(scenes.group != NO_GROUP, scenes.size.tolist()),
        "scene_leak": _where(has_split, scene_leak.tolist()),
        "scene_leak_splits": _where(
            has_split, _names_of_flags(scenes.elsewhere, samples.split_names)
        ),
        "winnow_sequence": optional_names(sequences.code, sequences.names),
        "winnow_place": _where(sequences.code >= 0, sequences.place.tolist()),
        "sequence_leak": _where(has_split, sequence_leak.tolist()),
        **_thinned(thinning, readable),
        "image_issues": _where(readable, _names_of_flags(issues, ISSUES)),
        **_look_values(samples, files),
        "damage_reason": optional_names(_damage(samples, files, issues), list(DAMAGES)),
        "scan_status": [samples.statuses[code] for code in samples.status.tolist()],
    }


def prediction_columns(
    predictions: Predictions | None, samples: Samples, verified: NDArray[np.bool_]
) -> dict[str, list[Any]]:
    """Returns n values per field on the predictions of a person's model.

    Args:
        predictions: of n samples; None without
        samples: the samples
        verified: bool[n], a person says that the label is right
    """
    names = ("prediction_hardness", "hardest", "confidently_wrong")
    if predictions is None:
        return {name: [None] * len(samples) for name in names}
    here = samples.readable & predictions.known
    hard = hardness(predictions, len(samples.classes))
    hard[~here] = np.nan
    wrong = confidently_wrong(predictions, samples.labels) & here & ~verified
    judged = here & (samples.labels >= 0)
    columns = (
        rounded(hard, 4),
        _where(here, hardest(hard).tolist()),
        _where(judged, wrong.tolist()),
    )
    return dict(zip(names, columns, strict=True))


def _thinned(
    thinning: Thinning | None, readable: NDArray[np.bool_]
) -> dict[str, list[Any]]:
    if thinning is None:
        absent = [None] * len(readable)
        return {"burst": absent, "burst_keep": absent}
    there = readable & (thinning.burst >= 0)
    return {
        "burst": _where(there, thinning.burst.tolist()),
        "burst_keep": _where(there, thinning.kept.tolist()),
    }


def _look_values(samples: Samples, files: UniqueFiles) -> dict[str, list[float | None]]:
    """Returns what says whether a picture is dark, bright, blurry or empty."""
    readable = samples.readable
    scores = np.full((len(readable), len(LOOKS)), np.nan, np.float32)
    scores[readable] = look_scores(files.statistics[samples.unique_file[readable]])
    return {
        name: rounded(values, 3) for name, values in zip(LOOKS, scores.T, strict=True)
    }


def _damage(
    samples: Samples, files: UniqueFiles, issues: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """Returns the damage of samples that have that issue."""
    damaged = issues[:, ISSUES.index("damaged")]
    return np.where(damaged, sample_damage(samples, files), NO_DAMAGE)


def _relations(
    samples: Samples, files: UniqueFiles, duplicates: Duplicates
) -> list[str | None]:
    """Says how each near copy differs from the keeper, or why it is no more than near.

    Pictures that were not compared, since they look alike at the model's size, differ
    in what that does not show: in samples of more than 8 bits, transparency, a color
    profile, further pictures, or in size.
    """
    unique_file = samples.unique_file
    near = duplicates.kind == KINDS.index("near")
    named = np.where(near, duplicates.relation, NO_RELATION)
    relations = [relation_names(bits) for bits in named.tolist()]
    keepers = np.flatnonzero(duplicates.keeper)
    keeper_of = np.full(int(duplicates.cluster.max(initial=-1)) + 1, -1)
    keeper_of[duplicates.cluster[keepers]] = keepers
    for row in np.flatnonzero(near & ~duplicates.keeper).tolist():
        own = int(unique_file[row])
        kept = int(unique_file[keeper_of[duplicates.cluster[row]]])
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


def _samples(rows: NDArray[np.int64]) -> list[int | None]:
    return _where(rows >= 0, rows.tolist())


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
