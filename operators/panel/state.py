"""What is drawn: one run of one data set, and where the person is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo

from ...core.errors import CurationError
from ..adapter.dataset.fields import field_name
from ..adapter.runs.run_record import ScanRun, finished_runs
from ..adapter.views.finding_views import Tally, tally
from ..adapter.views.object_queries import ObjectQueries
from ..adapter.views.queries import SampleQueries
from .inputs import turns_of

TABS = {
    "overview": "Overview",
    "duplicates": "Duplicates",
    "outliers": "Outliers",
    "labels": "Labels",
    "leaks": "Leaks",
    "objects": "Objects",
    "bad_files": "Bad files",
    "map": "Map",
    "whole_set": "The set",
    "actions": "Actions",
}


@dataclass(frozen=True, eq=False)
class PanelState:
    """What the panel shows.

    Attributes:
        dataset: that is open in the App
        prefix: of the run that is shown
        run: its record
        prefixes: of all finished runs, newest first
        tab: a name of :data:`TABS`
        start: how many things of the tab's list are passed over
        kept: the rest of the panel's small state
    """

    dataset: fo.Dataset
    prefix: str | None
    run: ScanRun
    prefixes: list[str | None]
    tab: str
    start: int
    kept: dict[str, Any]

    @property
    def turns(self) -> Mapping[str, int]:
        """How often each input was changed."""
        return turns_of(self.kept)

    @cached_property
    def tally(self) -> Tally:
        """How many images each finding has: a pass over the samples."""
        return tally(self.dataset, self.run, self.prefix)

    @cached_property
    def reader(self) -> SampleQueries:
        """Reads pictures of the run."""
        return SampleQueries(self.dataset, self.run, self.prefix)

    @cached_property
    def objects(self) -> ObjectQueries | None:
        """Reads the objects of the run; None if it did not look at any."""
        if self.run.objects is None:
            return None
        return ObjectQueries(self.dataset, self.run, self.prefix)

    @cached_property
    def object_counts(self) -> dict[str, int]:
        """How many objects each finding has: a pass over the samples."""
        return self.objects.counts() if self.objects else {}

    @cached_property
    def operators(self) -> set[str]:
        """The names of the operators of this plugin that are installed."""
        return {
            operator.name
            for operator in foo.list_operators(type="operator", builtin=False)
            if operator.uri.startswith("@winnow/curate/")
        }

    def start_of_page(self, total: int, step: int) -> int:
        """Returns the start, or the last page's if the list got shorter since."""
        return max(0, min(self.start, (total - 1) // step * step))

    def field(self, name: str) -> str:
        """Returns the stored name of a field of the run."""
        return field_name(name, self.prefix)

    def threshold(self, name: str) -> float | None:
        """Returns a threshold in force, None if nothing was flagged by it."""
        value: float | None = self.run.report["thresholds"].get(name)
        return value


def scene_of(ctx: foo.ExecutionContext) -> PanelState | None:
    """Returns what to draw, None for a data set without a finished run."""
    runs = finished_runs(ctx.dataset)
    if not runs:
        return None
    chosen = ctx.panel.get_state("run")
    prefix = chosen or None
    # An empty text is the run without a prefix; nothing chosen, the newest
    if chosen is None or prefix not in runs:
        prefix = next(iter(runs))
    run = runs[prefix]
    tab = ctx.panel.get_state("tab")
    return PanelState(
        dataset=ctx.dataset,
        prefix=prefix,
        run=run,
        prefixes=list(runs),
        tab=tab if tab in TABS else "overview",
        start=max(0, int(ctx.panel.get_state("start") or 0)),
        kept=dict(ctx.panel_state or {}),
    )


def needed_scene(ctx: foo.ExecutionContext) -> PanelState:
    """Returns what to draw.

    Raises:
        CurationError: there is no finished run
    """
    state = scene_of(ctx)
    if state is None:
        raise CurationError(
            f"'{ctx.dataset.name}' has no finished scan any more. Scan it again."
        )
    return state
