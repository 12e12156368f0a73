"""The filters of findings: which images, or objects, have one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiftyone import ViewField as F

from ....core.findings.finding import Finding
from ....core.findings.object_registry import OBJECT_FINDINGS
from ....core.findings.registry import image_finding
from ....core.findings.schema import QUARANTINED, UNREADABLE, UNSURE_RELATIONS
from ....core.objects.agreement import DISAGREEMENTS
from ....core.objects.boxes import MISTAKES
from ..dataset.fields import field_name

Field = Callable[[str], Any]

_FILTERS: Mapping[str, Callable[[Field], Any]] = {
    "duplicates": lambda field: field("dup_cluster").exists(),
    "redundant_copies": lambda field: (
        (field("dup_keeper") == False)  # noqa: E712
        & ~field("dup_relation").starts_with(list(UNSURE_RELATIONS))
    ),
    "image_issues": lambda field: field("image_issues").length() > 0,
    "scenes": lambda field: field("scene_group").exists(),
    "sequences": lambda field: field("winnow_sequence").exists(),
    "bursts": lambda field: field("burst_keep") == False,  # noqa: E712
    "unreadable": lambda field: field("scan_status").is_in(list(UNREADABLE)),
    "not_read": lambda field: (
        field("scan_status").exists()
        & ~field("scan_status").is_in(["ok", QUARANTINED, *UNREADABLE])
    ),
    "object_duplicates": lambda field: field("dup_cluster").exists(),
    "bad_boxes": lambda field: field("box_issues").contains(list(MISTAKES)),
    "box_disagreements": lambda field: field("copy_agreement").is_in(
        list(DISAGREEMENTS)
    ),
}
"""The filters of findings that are more than a boolean field."""


def found_expression(what: str, prefix: str | None) -> Any:
    """Returns the filter of a finding's images.

    Raises:
        InputError: no such finding
    """
    return _expression(image_finding(what), prefix)


def _expression(finding: Finding, prefix: str | None) -> Any:
    def field(name: str) -> Any:
        return F(field_name(name, prefix))

    if finding.flag:
        return field(finding.flag) == True  # noqa: E712
    return _FILTERS[finding.name](field)


def object_expression(what: str, prefix: str | None) -> Any:
    """Returns the filter of a finding's objects, on their attributes."""
    return _expression(OBJECT_FINDINGS[what], prefix)
