"""What a finding is, whatever it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

COPIES_COLOR, LABELS_COLOR, LEAKS_COLOR = "#4C78A8", "#E45756", "#B279A2"
OUTLIERS_COLOR, FILES_COLOR, ISSUES_COLOR = "#F58518", "#9D755D", "#72B7B2"
SCENES_COLOR, SET_COLOR = "#54A24B", "#7F7F7F"
"""Of saved views."""


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
