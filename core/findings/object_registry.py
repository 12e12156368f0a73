"""The findings of labeled objects, where a scan is asked for them."""

from __future__ import annotations

from collections.abc import Mapping

from .finding import (
    COPIES_COLOR,
    ISSUES_COLOR,
    LABELS_COLOR,
    LEAKS_COLOR,
    OUTLIERS_COLOR,
    Finding,
)

_OF_OBJECTS = (
    Finding(
        name="object_label_issues",
        label="Object label issues",
        section="object_label_issues",
        description="labeled objects that similar objects contradict",
        note="similar objects have another label",
        color=LABELS_COLOR,
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
        color=OUTLIERS_COLOR,
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
        color=COPIES_COLOR,
        unit="objects",
    ),
    Finding(
        name="object_leaks",
        label="Object leaks",
        section="object_leaks",
        description="objects that are also in another split, by cluster",
        note="are also in another split, in a picture that is no copy",
        color=LEAKS_COLOR,
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
        color=ISSUES_COLOR,
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
        color=LABELS_COLOR,
        unit="objects",
        sort_by="copy_agreement",
    ),
)

OBJECT_FINDINGS: Mapping[str, Finding] = {one.name: one for one in _OF_OBJECTS}
"""In the order of every list; their fields are attributes of the labels."""
