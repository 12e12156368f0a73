"""What a scan says of each image, one array a field.

Arrays spell absence as ``NO_CLUSTER``, ``NO_LABEL`` or NaN; what leaves the
core, by :meth:`Findings.values`, spells it None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..copy_detection import PARTLY, TOO_PLAIN

NO_CLUSTER = -1
NO_LABEL = -1
QUARANTINED = "quarantined"
"""The status, and the tag, of an image whose file is in quarantine."""

FIRST_OF = "first of "
"""How ``dup_relation`` begins where only the first of several pictures was compared."""

UNREADABLE = ("missing", "empty", "truncated", "corrupt", "nonfinite")
"""The statuses of files that hold no whole picture. All others that are not "ok" may
be healthy (of a kind or a size that is not read, or not permitted), so nothing that
is chosen for being unreadable is one of them."""

UNSURE_RELATIONS = (FIRST_OF, TOO_PLAIN, PARTLY)
"""How ``dup_relation`` begins where a copy may hold what its keeper does not: nothing
that is chosen for being redundant is one of them."""

Value = int | float | bool | str | list[str] | None


@dataclass(frozen=True)
class FieldSpec:
    """A field that a scan puts on each image.

    Attributes:
        name: of the field
        type: of its values; None stands where there is none. A "sample" is
            another image: its row here, its id or path outside the core; "segments"
            are stretches of a video, :class:`Segment`
        description: shown beside the field, a sentence
    """

    name: str
    type: Literal["int", "float", "bool", "str", "list of str", "sample", "segments"]
    description: str


FIELDS = (
    FieldSpec(
        "dup_cluster",
        "int",
        "Number of the duplicate cluster; None without duplicates. Every member was "
        "compared with the keeper, so clusters are not chains of ever less similar "
        "images",
    ),
    FieldSpec(
        "dup_kind",
        "str",
        "How it equals a copy that ranks before it in the cluster: bytes (same file "
        "content), pixels (same decoded picture, other container or metadata) or near "
        "(a changed copy). Removing all 'bytes' but the keepers leaves each content "
        "once",
    ),
    FieldSpec(
        "dup_relation",
        "str",
        "How a near copy differs from the keeper, all that is known, the most telling "
        "first: of videos partly the same (each shows what the other does not), "
        "trimmed, re-timed; re-encoded, resized, "
        "cropped, mirrored, rotated, framed, inverted, other ground, color-changed, "
        "blurred, edited; or why it is no more than near: first of 5 pictures equal, "
        "looks equal (other depth, transparency or color profile), too plain to tell "
        "(may be another form or page)",
    ),
    FieldSpec(
        "dup_similarity",
        "float",
        "Cosine similarity to the keeper, -1 to 1; 1 is identical. Of videos the share "
        "of the frames of the shorter that the other shows too, in order",
    ),
    FieldSpec(
        "copy_score",
        "float",
        "How surely it is a copy of another image, 0 to 1, by its best pair, even if "
        "that is below min_copy_score; 1 for equal pixels, None where nothing is near",
    ),
    FieldSpec(
        "dup_keeper",
        "bool",
        "True for the copy to keep, one per cluster; False for its redundant copies",
    ),
    FieldSpec(
        "keeper_reason",
        "str",
        "Why this copy is the keeper: chosen by a person, whole where others are "
        "damaged, in a test or validation split, majority label, longest video, not "
        "enlarged, no image issue that its copy does not have, more pixels, less "
        "compressed, sharper, older, first path. Never a link if the file itself is in "
        "the cluster",
    ),
    FieldSpec(
        "dup_conflict",
        "bool",
        "The copies of its cluster have two or more labels",
    ),
    FieldSpec(
        "outlier_distance",
        "float",
        "Distance to the 20 most similar images that are not its copies; larger is "
        "more unusual",
    ),
    FieldSpec(
        "outlier",
        "bool",
        "outlier_distance is above the threshold of the run",
    ),
    FieldSpec(
        "outlier_cause",
        "str",
        "Why it is an outlier: blank, dark, rare class, plain ground, gray among "
        "color, another subject or another style; None where none of these stands out",
    ),
    FieldSpec(
        "outlier_nearest",
        "sample",
        "The most similar image that is not its copy: its id",
    ),
    FieldSpec(
        "label_score",
        "float",
        "Agreement of the label with similar images: 100 full, 0 none",
    ),
    FieldSpec(
        "label_suggestion",
        "str",
        "The label of similar images, where it differs from the given one",
    ),
    FieldSpec(
        "label_suggestion_confidence",
        "float",
        "How likely the suggested label is the right one, 0 to 1, as known flips of "
        "labels say; None for fewer than 1,000 labels",
    ),
    FieldSpec(
        "label_issue",
        "bool",
        "label_score is below the threshold of the run",
    ),
    FieldSpec(
        "label_support",
        "sample",
        "The most similar image of the same label that is not its copy: its id",
    ),
    FieldSpec(
        "label_counterexample",
        "sample",
        "The most similar image of the suggested (or another) label: its id",
    ),
    FieldSpec(
        "prediction_hardness",
        "float",
        "How unsure the model is whose predictions were given: the entropy of its "
        "probabilities, 0 sure to 1 a guess",
    ),
    FieldSpec(
        "hardest",
        "bool",
        "prediction_hardness is among the highest twentieth",
    ),
    FieldSpec(
        "confidently_wrong",
        "bool",
        "The model whose predictions were given says another class than the label, and "
        "is as sure of it as it is on average of images with that label",
    ),
    FieldSpec(
        "leak",
        "bool",
        "A copy of this image is in another split",
    ),
    FieldSpec(
        "leak_splits",
        "list of str",
        "The other splits that have a copy",
    ),
    FieldSpec(
        "leak_conflict",
        "bool",
        "A copy in another split has another label",
    ),
    FieldSpec(
        "leak_remove",
        "bool",
        "The side of the leak to remove: not the copy that a person chose; else the "
        "damaged one, not the one in a test or validation split, or the one in the "
        "smaller split. Removing all marked images closes every leak",
    ),
    FieldSpec(
        "leak_remove_reason",
        "str",
        "Why this side of the leak is the one to remove: its copy is in a test or "
        "validation split, or in a smaller split",
    ),
    FieldSpec(
        "scene_group",
        "int",
        "Number of its scene: images that are no copies, but other moments or views of "
        "one scene, or frames of one recording; None if it is alone. Members, of which "
        "a recording is one, are at most three steps from one another's center, so a "
        "slow pan that is no recording is more than one group",
    ),
    FieldSpec(
        "scene_size",
        "int",
        "Images of its scene_group, copies included",
    ),
    FieldSpec(
        "scene_leak",
        "bool",
        "Another moment or view of its scene, or another frame of its recording, is in "
        "another split, and no copy of it",
    ),
    FieldSpec(
        "scene_leak_splits",
        "list of str",
        "The other splits that have another moment or view of its scene",
    ),
    FieldSpec(
        "winnow_sequence",
        "str",
        "The recording or burst that it is a frame of: by names that differ in a "
        "number, or times of one camera, where the looks of neighbors bear it out; or "
        "by sequence_field",
    ),
    FieldSpec(
        "winnow_place",
        "int",
        "Its place in winnow_sequence: the number in its name, or its rank in time",
    ),
    FieldSpec(
        "sequence_leak",
        "bool",
        "A frame of its winnow_sequence is in another split",
    ),
    FieldSpec(
        "burst",
        "int",
        "Number of the images that show the same, where thin was run",
    ),
    FieldSpec(
        "burst_keep",
        "bool",
        "False for an image that shows no more than a kept one of its burst",
    ),
    FieldSpec(
        "set_findings",
        "list of str",
        "The findings of the set as a whole that this image shows: a shortcut, a shift "
        "between splits, two classes that overlap and others, by their keys in the "
        "scan's overview",
    ),
    FieldSpec(
        "image_issues",
        "list of str",
        "damaged, dark, bright, blurry, low_information, odd_size, odd_aspect_ratio, "
        "grayscale (at most 1 % of the set). The last three only differ from their "
        "set: export and quarantine leave them alone unless named",
    ),
    FieldSpec(
        "brightest",
        "float",
        "Gray level that 99 % of the pixels do not exceed, 0 to 255; dark if low",
    ),
    FieldSpec(
        "darkest",
        "float",
        "Gray level that 99 % of the pixels exceed, 0 to 255; bright if high",
    ),
    FieldSpec(
        "sharpness",
        "float",
        "Fine detail, and how much steeper edges are than blurred ones; blurry if low",
    ),
    FieldSpec(
        "information",
        "float",
        "Bits of gray levels a pixel, 0 to 8; low_information if low",
    ),
    FieldSpec(
        "damage_reason", "str", "What is wrong inside a damaged file, by its decoder"
    ),
    FieldSpec(
        "scan_status",
        "str",
        "ok, or why there are no findings: missing, no_permission, not_regular, "
        "unsupported, too_large, empty, truncated, corrupt, nonfinite, read_error",
    ),
)


@dataclass(frozen=True)
class Segment:
    """A stretch of a video.

    Attributes:
        label: of :data:`core.videos.segments.SEGMENTS`
        first: frame with which it begins, from 1
        last: frame with which it ends
        score: share of the shorter video that both show; None for what is no copy
        of: the row of the video that shows it too; None for what is no copy
    """

    label: str
    first: int
    last: int
    score: float | None = None
    of: int | None = None


VIDEO_FIELDS = (
    FieldSpec(
        "video_issues",
        "list of str",
        "What is wrong with a stretch of the video (black, frozen, blurry, dark), or "
        "with the file: truncated (it ends before its frames do), short (less than a "
        "second), variable_rate (some frames are shown for much longer than others)",
    ),
    FieldSpec(
        "winnow_segments",
        "segments",
        "Stretches of the video: black, frozen, blurry, dark and damaged ones; and "
        "what another video shows too: as a copy, shared beside different parts, or as "
        "the intro of a series",
    ),
)
"""What a scan of videos says beyond that of pictures."""


@dataclass(frozen=True, eq=False)
class Findings:
    """The findings of n images.

    Attributes:
        columns: n values a field of :data:`FIELDS`, None where there is none; of videos
            those of :data:`VIDEO_FIELDS` as well. Lists, or values that are made when
            they are looked at
        counts: how many images (or clusters) each finding has
        leak_matrix: split x split counts of copies, by kind
        scene_matrix: split x split counts of images of whose scene the other has
            another moment or view, and no copy
        sequence_steps: split -> other split -> of its ``images`` those whose recording
            has a frame there (``frames``), and those that have it at most two steps
            (``two_steps``) and one step (``one_step``) away; only where there are such
        leaks_by_class: a row for each class and two splits that share copies:
            ``class``, ``split``, ``other_split``, and the images of the class
            and split with a copy in the other, by kind
        overview: of the set as a whole, see
            :meth:`core.overview.overview.Overview.to_dict`; empty for a scan of objects
        thresholds: in force, by the name of the setting
        rules: how each threshold was chosen, by the name of the setting
        conflicts: clusters whose images carry two labels or more
        expected: what known copies of the images, and known flips of their labels,
            say of the thresholds, see
            :func:`core.scan.apply_thresholds.apply_thresholds`; empty without an
            estimate
    """

    columns: Mapping[str, Sequence[Any]]
    counts: Mapping[str, int]
    leak_matrix: Mapping[str, Mapping[str, Mapping[str, int]]]
    scene_matrix: Mapping[str, Mapping[str, int]]
    sequence_steps: Mapping[str, Mapping[str, Mapping[str, int]]]
    leaks_by_class: Sequence[Mapping[str, str | int]]
    overview: Mapping[str, Any]
    thresholds: Mapping[str, float | None]
    rules: Mapping[str, str]
    conflicts: tuple[int, ...]
    expected: Mapping[str, Any]


def is_unsure(relation: str | None) -> bool:
    """True if a copy of this ``dup_relation`` may hold what its keeper does not."""
    return relation is not None and relation.startswith(UNSURE_RELATIONS)


def optional_floats(values: NDArray[np.floating]) -> list[float | None]:
    """Returns Python floats, None for NaN."""
    return [None if value != value else value for value in values.tolist()]


def optional_names(codes: NDArray[np.integer], names: list[str]) -> list[str | None]:
    """Returns the name of each code, None for negative codes."""
    return [names[code] if code >= 0 else None for code in codes.tolist()]
