"""How much there is of each finding, for summaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import CHANGES_OF_MEANING, TOO_PLAIN
from ..findings.duplicates import KINDS, Duplicates
from ..findings.finding import Finding
from ..findings.image_issues import ISSUES, SURE_ISSUES
from ..findings.leaks import REMOVE_REASONS, Leaks, leak_matrix
from ..findings.registry import FINDINGS
from ..findings.scenes import Scenes
from ..findings.schema import NO_CLUSTER, QUARANTINED, is_unsure
from ..findings.sequences import SequenceLeaks
from .scan_data import Samples, VerifiedPairs


def count_findings(
    columns: Mapping[str, Sequence[Any]], samples: Samples, duplicates: Duplicates
) -> dict[str, int]:
    """Returns how many images, clusters or bytes each finding has.

    Images in quarantine count nowhere.
    """
    kinds = Counter(columns["dup_kind"])
    issues = Counter(
        name for names in columns["image_issues"] if names for name in names
    )
    extra = _removable(samples, duplicates, columns["dup_relation"])
    statuses = Counter(columns["scan_status"])
    images = len(samples) - statuses[QUARANTINED]
    readable = int(samples.readable.sum())
    counts = {
        "images": images,
        "readable": readable,
        "unreadable": images - readable,
        "duplicate_clusters": int(duplicates.keeper.sum()),
        "duplicates": int((duplicates.cluster != NO_CLUSTER).sum()),
        "scenes": len(columns["scene_group"]) - columns["scene_group"].count(None),
        "scene_groups": len(set(columns["scene_group"]) - {None}),
        "sequences": len(columns["winnow_sequence"])
        - columns["winnow_sequence"].count(None),
        "sequence_groups": len(set(columns["winnow_sequence"]) - {None}),
        "thinned": len(columns["burst"]) - columns["burst"].count(None),
        "bursts": columns["burst_keep"].count(False),
        "removable": int(extra.sum()),
        "removable_bytes": int(samples.file_bytes[extra].sum()),
        "too_plain": columns["dup_relation"].count(TOO_PLAIN),
        "labeled": int((samples.labels[_here(columns)] >= 0).sum()),
        "image_issues": sum(bool(names) for names in columns["image_issues"]),
        "bad_images": sum(map(_is_bad, columns["image_issues"])),
    }
    counts["odd_images"] = counts["image_issues"] - counts["bad_images"]
    counts |= {
        finding.name: _flagged(finding, columns)
        for finding in FINDINGS.values()
        if finding.flag
    }
    reasons = Counter(columns["leak_remove_reason"])
    counts |= {
        "leak_conflicts": _sum(columns["leak_conflict"]),
        "leaks_to_remove_protected": reasons[REMOVE_REASONS[0]],
        "leaks_to_remove_chosen": reasons[REMOVE_REASONS[2]],
    }
    counts |= {f"duplicates_{kind}": kinds[kind] for kind in KINDS}
    counts |= {name: issues[name] for name in ISSUES}
    counts |= {
        f"status_{name}": statuses[name]
        for name in samples.statuses[1:]
        if name != QUARANTINED
    }
    return counts


def count_flagged_pictures(
    flags: Sequence[bool | None], unique_image: NDArray[np.int32]
) -> int:
    """Counts the flagged images, equal pictures once.

    Args:
        flags: of n samples
        unique_image: int32[n], the unique image of each; negative if unreadable
    """
    flagged = np.fromiter((flag is True for flag in flags), bool, len(flags))
    return len(np.unique(unique_image[flagged]))


def count_changed_pairs(
    pairs: VerifiedPairs, accepted: NDArray[np.bool_], label: NDArray[np.int32]
) -> dict[str, int]:
    """Counts the labeled pairs of copies by change, and those with two labels.

    Args:
        pairs: p pairs of unique images
        accepted: bool[p], the pairs that are copies
        label: int32[i], the commonest label of each unique image, -1 without

    Returns:
        ``pairs_NAME`` and ``pairs_NAME_other_label`` by name of
        :data:`~core.copy_detection.CHANGES_OF_MEANING`
    """
    labels = label[pairs.images]
    known = accepted & (labels >= 0).all(axis=1)
    differs = labels[:, 0] != labels[:, 1]
    counts = {}
    for place, name in enumerate(CHANGES_OF_MEANING):
        changed = known & ((pairs.changes >> place) & 1 > 0)
        counts[f"pairs_{name}"] = int(changed.sum())
        counts[f"pairs_{name}_other_label"] = int((changed & differs).sum())
    return counts


def leaks_by_kind(
    samples: Samples, leaks: Leaks
) -> dict[str, dict[str, dict[str, int]]]:
    """Returns kind -> split -> other split -> images with a copy there."""
    if not samples.split_names:
        return {}
    matrix = leak_matrix(leaks.kinds, samples.splits)
    names = samples.split_names
    return {
        kind: {
            one: {
                other: int(matrix[k, a, b]) for b, other in enumerate(names) if a != b
            }
            for a, one in enumerate(names)
        }
        for k, kind in enumerate(KINDS)
    }


def scenes_by_split(samples: Samples, scenes: Scenes) -> dict[str, dict[str, int]]:
    """Returns split -> other split -> images of whose scene it has another moment."""
    names = samples.split_names
    return {
        one: {
            other: int(scenes.elsewhere[samples.splits == a, b].sum())
            for b, other in enumerate(names)
            if a != b
        }
        for a, one in enumerate(names)
    }


def steps_by_split(
    samples: Samples, leaks: SequenceLeaks
) -> dict[str, dict[str, dict[str, int]]]:
    """Returns split -> other split -> how near the frames of one recording are."""
    names = samples.split_names
    words = ("images", "frames", "two_steps", "one_step")
    sizes = np.bincount(samples.splits[samples.splits >= 0], minlength=len(names))
    return {
        one: {
            other: dict(
                zip(words, (int(sizes[a]), *leaks.steps[a, b].tolist()), strict=True)
            )
            for b, other in enumerate(names)
            if a != b and leaks.steps[a, b, 0]
        }
        for a, one in enumerate(names)
    }


def leaks_by_class(samples: Samples, leaks: Leaks) -> list[dict[str, str | int]]:
    """Returns a row for each class, split and other split that share copies."""
    result: list[dict[str, str | int]] = []
    rows = np.flatnonzero(leaks.leak & (samples.labels >= 0))
    names = samples.split_names
    for code in np.unique(samples.labels[rows]).tolist():
        of_class = rows[samples.labels[rows] == code]
        matrix = leak_matrix(leaks.kinds[of_class], samples.splits[of_class])
        for one, other in np.argwhere(matrix.sum(axis=0)).tolist():
            by_kind = dict(zip(KINDS, matrix[:, one, other].tolist(), strict=True))
            where = {"split": names[one], "other_split": names[other]}
            result.append({"class": samples.classes[code], **where, **by_kind})
    return result


def _is_bad(issues: Sequence[str] | None) -> bool:
    """Returns whether one of the issues is one whatever the set looks like."""
    return not set(SURE_ISSUES).isdisjoint(issues or ())


def _here(columns: Mapping[str, Sequence[Any]]) -> NDArray[np.bool_]:
    statuses = columns["scan_status"]
    here = (status != QUARANTINED for status in statuses)
    return np.fromiter(here, bool, len(statuses))


def _removable(
    samples: Samples, duplicates: Duplicates, relations: Sequence[str | None]
) -> NDArray[np.bool_]:
    """Returns the rows whose removal frees space: links and twin names do not."""
    extra = (duplicates.cluster != NO_CLUSTER) & ~duplicates.keeper
    sure = (not is_unsure(one) for one in relations)
    extra &= np.fromiter(sure, bool, len(extra))
    extra &= ~np.isin(samples.file_id, samples.file_id[duplicates.keeper])
    first_name = np.zeros(len(extra), bool)
    rows = np.flatnonzero(extra)
    first_name[rows[np.unique(samples.file_id[rows], return_index=True)[1]]] = True
    return first_name


def _flagged(finding: Finding, columns: Mapping[str, Sequence[Any]]) -> int:
    """Counts the images that a finding's field flags, or their clusters."""
    flags = columns[finding.flag]
    if finding.unit == "clusters":
        keeper = columns["dup_keeper"]
        return sum(one is True for one, it in zip(flags, keeper, strict=True) if it)
    return _sum(flags)


def _sum(flags: Sequence[bool | None]) -> int:
    return sum(flag is True for flag in flags)
