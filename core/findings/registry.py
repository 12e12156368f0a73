"""The findings of a scan: the one list that all others derive from.

Policies, counts, views, forms, the summary, the report and the panel read it. A new
finding is an entry here; one that is more than a boolean field also needs a filter
in ``operators/adapter/views/finding_views.py``. Findings of objects
(:mod:`.object_registry`) and of the set as a whole (:mod:`.set_registry`) are lists of
their own: what works on whole images does not know them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import InputError
from .finding import (
    COPIES_COLOR,
    FILES_COLOR,
    ISSUES_COLOR,
    LABELS_COLOR,
    LEAKS_COLOR,
    OUTLIERS_COLOR,
    SCENES_COLOR,
    Finding,
)
from .image_issues import ISSUES
from .object_registry import OBJECT_FINDINGS
from .set_registry import SET_FINDINGS

_ALL = (
    Finding(
        name="duplicates",
        label="Duplicates",
        description="images that have a copy, by cluster",
        note="have a copy",
        color=COPIES_COLOR,
        section="duplicates",
        tab="duplicates",
        grouped=True,
        parts={
            "exact duplicates": ("duplicates_bytes", "duplicates_pixels"),
            "near duplicates": ("duplicates_near",),
        },
    ),
    Finding(
        name="redundant_copies",
        label="Redundant copies",
        description="all copies but the keeper of each cluster",
        color=COPIES_COLOR,
        section="duplicates",
        tab="duplicates",
        part_of="duplicates",
    ),
    Finding(
        name="conflicts",
        label="Conflicts",
        description="duplicates whose copy has another label",
        note="clusters with different labels",
        color=LABELS_COLOR,
        section="conflicts",
        tab="duplicates",
        flag="dup_conflict",
        unit="clusters",
        grouped=True,
        needs="labels",
    ),
    Finding(
        name="outliers",
        label="Outliers",
        description="images unlike most others",
        note="unlike most other images",
        color=OUTLIERS_COLOR,
        section="outliers",
        tab="outliers",
        flag="outlier",
        sort_by="outlier_distance",
        descending=True,
    ),
    Finding(
        name="label_issues",
        label="Label issues",
        description="images that similar images contradict",
        note="similar images have another label",
        color=LABELS_COLOR,
        section="labels",
        tab="labels",
        flag="label_issue",
        sort_by="label_score",
        needs="labels",
        parts={
            "confidently wrong": ("confidently_wrong",),
        },
    ),
    Finding(
        name="confidently_wrong",
        label="Confidently wrong",
        description="images of which the model whose predictions were given is sure, "
        "but not of their label",
        color=LABELS_COLOR,
        section="labels",
        tab="labels",
        flag="confidently_wrong",
        sort_by="prediction_hardness",
        needs="predictions",
        part_of="label_issues",
    ),
    Finding(
        name="hardest",
        label="Hardest images",
        description="images of which the model whose predictions were given is least "
        "sure",
        color=LABELS_COLOR,
        section="labels",
        tab="labels",
        flag="hardest",
        sort_by="prediction_hardness",
        descending=True,
        needs="predictions",
        part_of="label_issues",
    ),
    Finding(
        name="leaks",
        label="Leaks",
        description="images with a copy in another split",
        note="have a copy in another split",
        color=LEAKS_COLOR,
        section="leaks",
        tab="leaks",
        flag="leak",
        needs="splits",
    ),
    Finding(
        name="leaks_to_remove",
        label="Leaks to remove",
        description="the side of each leak to remove",
        color=LEAKS_COLOR,
        section="leaks",
        tab="leaks",
        flag="leak_remove",
        needs="splits",
        part_of="leaks",
    ),
    Finding(
        name="scenes",
        label="Same scene",
        description="other moments and views of one scene, or frames of one recording",
        note="other moments or views of one scene",
        color=SCENES_COLOR,
        section="scenes",
        tab="duplicates",
        sort_by="scene_group",
        parts={
            "same scene leaks": ("scene_leaks",),
            "sequence leaks": ("sequence_leaks",),
            "bursts": ("bursts",),
        },
    ),
    Finding(
        name="scene_leaks",
        label="Same scene in another split",
        description="images of whose scene another split has another moment or view",
        color=SCENES_COLOR,
        section="scenes",
        tab="leaks",
        flag="scene_leak",
        sort_by="scene_group",
        needs="splits",
        part_of="scenes",
    ),
    Finding(
        name="sequences",
        label="Sequences",
        description="frames of one recording or burst, in their order",
        color=SCENES_COLOR,
        section="scenes",
        tab="leaks",
        sort_by="winnow_sequence",
        then_by="winnow_place",
        part_of="scenes",
    ),
    Finding(
        name="sequence_leaks",
        label="Recordings in several splits",
        description="frames of whose recording another split has frames too",
        color=SCENES_COLOR,
        section="scenes",
        tab="leaks",
        flag="sequence_leak",
        sort_by="winnow_sequence",
        then_by="winnow_place",
        needs="splits",
        part_of="scenes",
    ),
    Finding(
        name="bursts",
        label="Redundant frames",
        description="images that show no more than a kept one, where thin was run",
        color=SCENES_COLOR,
        section="scenes",
        tab="leaks",
        sort_by="burst",
        then_by="winnow_place",
        part_of="scenes",
    ),
    Finding(
        name="image_issues",
        label="Bad images",
        description="damaged, dark, bright, blurry, empty or odd images",
        note="damaged, dark, bright, blurry, empty or odd",
        color=ISSUES_COLOR,
        section="bad_images",
        tab="bad_files",
        sort_by="image_issues",
        parts={name.replace("_", " "): (name,) for name in ISSUES},
    ),
    Finding(
        name="unreadable",
        label="Unreadable",
        description="files that are damaged, empty or missing",
        note="files that cannot be read",
        color=FILES_COLOR,
        section="unreadable",
        tab="bad_files",
        sort_by="scan_status",
    ),
    Finding(
        name="not_read",
        label="Not read",
        description="files that may be whole, but are of a kind or size that is not "
        "read, or may not be read",
        color=FILES_COLOR,
        section="unreadable",
        tab="bad_files",
        sort_by="scan_status",
        counted_with="unreadable",
    ),
)

FINDINGS: Mapping[str, Finding] = {finding.name: finding for finding in _ALL}
"""In the order of every list of findings."""

VIDEO_ISSUES = Finding(
    name="video_issues",
    label="Bad stretches",
    section="bad_images",
    description="videos of which a stretch is black, frozen, blurry or dark, or whose "
    "file is cut off, short or of a variable rate",
    note="of which a stretch, or the file, is not as it should be",
    color=ISSUES_COLOR,
    sort_by="video_issues",
)
"""Of a scan of videos only; its stretches are labels, in ``winnow_segments``."""

SEGMENTS = "segments"
"""What is shown of them: a clip each."""


def image_finding(name: str) -> Finding:
    """Returns a finding of images.

    Raises:
        InputError: there is none of this name
    """
    if name in OBJECT_FINDINGS:
        raise InputError(
            f"'{name}' is a finding of objects, and this works on whole images. show, "
            f"tag and audit take findings of objects. Use one of {', '.join(FINDINGS)}."
        )
    if name in SET_FINDINGS:
        raise InputError(
            f"'{name}' is a finding of the set as a whole, and its images are "
            "no worse than others. show and tag take it. Use one of "
            f"{', '.join(FINDINGS)}."
        )
    if name not in FINDINGS:
        raise InputError(
            f"There is no finding '{name}'. Use one of {', '.join(FINDINGS)}."
        )
    return FINDINGS[name]
