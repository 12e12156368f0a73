"""The findings of a scan: the one list that all others derive from.

Policies, counts, views, forms, the summary, the report and the panel read it. A new
finding is an entry here; one that is more than a boolean field also needs a filter
in ``operators/adapter/views/finding_views.py``. Findings of objects are a list of
their own: what works on whole images does not know them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..errors import InputError
from .image_issues import ISSUES


@dataclass(frozen=True)
class Finding:
    """Something that a scan finds.

    Attributes:
        name: in calls, and of its count
        label: what a person calls it
        description: which images it is, for a saved view
        note: what its count means, in a summary; empty if its line says more
        color: of its saved view
        section: key of the report's section that shows it; empty if none does
        tab: of the panel, likewise
        flag: boolean field that is True for its images; empty if its filter is
            more than that
        unit: what is counted
        sort_by: field by which its images are sorted
        then_by: field that sorts those with one value of it; empty without
        descending: whether the largest value is first
        grouped: whether the App shows one tile per cluster
        needs: what must be given for it to be looked for
        part_of: finding whose line of a summary covers it; empty if it has a line of
            its own
        counted_with: finding whose line of a summary counts it too, likewise
        parts: what else a policy may name, and the counts that it adds up
    """

    name: str
    label: str
    description: str
    color: str
    section: str = ""
    tab: str = ""
    note: str = ""
    flag: str = ""
    unit: Literal["images", "clusters", "objects", "findings"] = "images"
    sort_by: str = "dup_cluster"
    then_by: str = ""
    descending: bool = False
    grouped: bool = False
    needs: Literal["labels", "splits", "predictions"] | None = None
    part_of: str = ""
    counted_with: str = ""
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_line(self) -> bool:
        """Whether a summary has a line of it, and a policy may name it."""
        return not self.part_of and not self.counted_with

    @property
    def words(self) -> str:
        """The name in a policy."""
        return self.name.replace("_", " ")


_COPIES, _LABELS, _LEAKS, _FILES = "#4C78A8", "#E45756", "#B279A2", "#9D755D"
_SCENES = "#54A24B"

_ALL = (
    Finding(
        name="duplicates",
        label="Duplicates",
        description="images that have a copy, by cluster",
        note="have a copy",
        color=_COPIES,
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
        color=_COPIES,
        section="duplicates",
        tab="duplicates",
        part_of="duplicates",
    ),
    Finding(
        name="conflicts",
        label="Conflicts",
        description="duplicates whose copy has another label",
        note="clusters with different labels",
        color=_LABELS,
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
        color="#F58518",
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
        color=_LABELS,
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
        color=_LABELS,
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
        color=_LABELS,
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
        color=_LEAKS,
        section="leaks",
        tab="leaks",
        flag="leak",
        needs="splits",
    ),
    Finding(
        name="leaks_to_remove",
        label="Leaks to remove",
        description="the side of each leak to remove",
        color=_LEAKS,
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
        color=_SCENES,
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
        color=_SCENES,
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
        color=_SCENES,
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
        color=_SCENES,
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
        color=_SCENES,
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
        color="#72B7B2",
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
        color=_FILES,
        section="unreadable",
        tab="bad_files",
        sort_by="scan_status",
    ),
    Finding(
        name="not_read",
        label="Not read",
        description="files that may be whole, but are of a kind or size that is not "
        "read, or may not be read",
        color=_FILES,
        section="unreadable",
        tab="bad_files",
        sort_by="scan_status",
        counted_with="unreadable",
    ),
)

FINDINGS: Mapping[str, Finding] = {finding.name: finding for finding in _ALL}
"""In the order of every list of findings."""

_OF_OBJECTS = (
    Finding(
        name="object_label_issues",
        label="Object label issues",
        section="object_label_issues",
        description="labeled objects that similar objects contradict",
        note="similar objects have another label",
        color=_LABELS,
        flag="label_issue",
        unit="objects",
        sort_by="label_score",
        needs="labels",
    ),
    Finding(
        name="object_outliers",
        label="Object outliers",
        section="object_outliers",
        description="labeled objects unlike most others",
        note="unlike most other objects",
        color="#F58518",
        flag="outlier",
        unit="objects",
        sort_by="outlier_distance",
        descending=True,
    ),
    Finding(
        name="object_duplicates",
        label="Object duplicates",
        section="object_duplicates",
        description="objects that are also in another picture, by cluster",
        note="are also in a picture that is no copy",
        color=_COPIES,
        unit="objects",
    ),
    Finding(
        name="object_leaks",
        label="Object leaks",
        section="object_leaks",
        description="objects that are also in another split, by cluster",
        note="are also in another split, in a picture that is no copy",
        color=_LEAKS,
        flag="leak",
        unit="objects",
        needs="splits",
    ),
    Finding(
        name="bad_boxes",
        label="Bad boxes",
        section="bad_boxes",
        description="boxes that are degenerate, outside, or a second one on an object",
        note="degenerate, outside, or a second box on one object",
        color="#72B7B2",
        unit="objects",
        sort_by="box_issues",
    ),
    Finding(
        name="box_disagreements",
        label="Box disagreements",
        section="box_disagreements",
        description="boxes that a copy of their picture lacks, or has elsewhere or "
        "with another label",
        note="a copy of the picture is annotated differently",
        color=_LABELS,
        unit="objects",
        sort_by="copy_agreement",
    ),
)

VIDEO_ISSUES = Finding(
    name="video_issues",
    label="Bad stretches",
    section="bad_images",
    description="videos of which a stretch is black, frozen, blurry or dark, or whose "
    "file is cut off, short or of a variable rate",
    note="of which a stretch, or the file, is not as it should be",
    color="#72B7B2",
    sort_by="video_issues",
)
"""Of a scan of videos only; its stretches are labels, in ``winnow_segments``."""

SEGMENTS = "segments"
"""What is shown of them: a clip each."""

_SET = "#7F7F7F"

_OF_SETS = (
    Finding(
        name="imbalance",
        label="Small classes",
        description="images of classes that are much smaller than the largest",
        color=_SET,
        unit="findings",
        needs="labels",
    ),
    Finding(
        name="label_shift",
        label="Label shift",
        description="images of the classes whose share differs between splits",
        color=_SET,
        unit="findings",
        needs="splits",
    ),
    Finding(
        name="appearance_shift",
        label="Appearance shift",
        description="images that give their split away by how they look",
        color=_SET,
        unit="findings",
        needs="splits",
    ),
    Finding(
        name="shortcuts",
        label="Shortcuts",
        description="images with a property that gives their class or split away",
        color=_SET,
        unit="findings",
    ),
    Finding(
        name="overlapping_classes",
        label="Overlapping classes",
        description="images that look like those of another class",
        color=_SET,
        unit="findings",
        needs="labels",
    ),
    Finding(
        name="divided_classes",
        label="Divided classes",
        description="images of the smaller groups of classes that fall apart",
        color=_SET,
        unit="findings",
        needs="labels",
    ),
    Finding(
        name="thin_regions",
        label="Thin regions",
        description="images that have hardly any others like them",
        color=_SET,
        unit="findings",
        sort_by="outlier_distance",
        descending=True,
    ),
)

SET_FINDINGS: Mapping[str, Finding] = {one.name: one for one in _OF_SETS}
"""Those of the set as a whole, by kind. Each may hold several, with keys of their own
(:class:`core.overview.records.SetFinding`); ``set_findings`` of an image lists them."""

OBJECT_FINDINGS: Mapping[str, Finding] = {one.name: one for one in _OF_OBJECTS}
"""Those of labeled objects, where a scan is asked for them; their fields are
attributes of the labels."""


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
