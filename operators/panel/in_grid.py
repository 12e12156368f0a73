"""What the events of the panel put into the grid."""

from __future__ import annotations

import fiftyone.operators as foo
from fiftyone import ViewField as F

from ...core.findings.registry import FINDINGS, SEGMENTS, VIDEO_ISSUES
from ..adapter.dataset.decisions import decided_view
from ..adapter.dataset.present import present
from ..adapter.views.finding_views import (
    found_view,
    grouped_view,
    leak_view,
    pair_view,
)
from . import duplicates, filters, grid, labels, leaks, objects, outliers
from .state import needed_scene

_SELECTED_MOST = 1_000
"""Images of a cluster that a view names one by one. It then shows the same
images when clusters are numbered anew; larger ones are shown by number."""
_SHOWN_BY_TAB = {
    "leaks": "leaks",
    "bad_files": "image_issues",
}
"""The finding that the grid shows of a tab."""
_SHOWN_AS_CHOSEN = {
    "duplicates": "duplicates",
    "outliers": "outliers",
    "labels": "label_issues",
}
"""That of a tab with a threshold, which is shown as it was moved."""


class InGrid:
    """The events that show something in the grid."""

    def show_tab(self, ctx: foo.ExecutionContext) -> None:
        """Puts what the tab is about into the grid."""
        state = needed_scene(ctx)
        if state.tab == "outliers":
            grid.show(ctx, *outliers.grid_view(state))
        elif state.tab == "labels" and state.reader.labels:
            grid.show(ctx, *labels.grid_view(state))
        elif state.tab == "duplicates" and state.tally.counts["duplicates"]:
            grid.show(ctx, *duplicates.grid_view(state))
        elif state.tab == "objects" and (shown := objects.grid_view(state)):
            grid.show(ctx, *shown)
        elif state.tab in _SHOWN_BY_TAB:
            self._show_finding(ctx, _SHOWN_BY_TAB[state.tab])

    def show_of_set(self, ctx: foo.ExecutionContext) -> None:
        """Shows the images of a finding of the set as a whole."""
        state, key = needed_scene(ctx), ctx.params["key"]
        grid.show(ctx, found_view(ctx.dataset, key, state.prefix), key)

    def follow(self, ctx: foo.ExecutionContext) -> None:
        """Lets the grid follow the panel, if it shows what the panel put there."""
        if grid.is_ours(ctx) and grid.shown(ctx):
            self.show_tab(ctx)

    def _show_finding(self, ctx: foo.ExecutionContext, what: str) -> None:
        state = needed_scene(ctx)
        if what in (SEGMENTS, VIDEO_ISSUES.name):
            view = grouped_view(ctx.dataset, what, state.prefix)
            grid.show(ctx, view, "stretches of videos")
            return
        words = FINDINGS[what].label.lower()
        if not state.tally.counts[what]:
            grid.show_all(ctx)
        elif filters.match(state) and _SHOWN_BY_TAB.get(state.tab) == what:
            # What is left out is left out before anything is put behind one tile
            view = found_view(ctx.dataset, what, state.prefix)
            grid.show(ctx, filters.narrowed(state, view), words)
        else:
            grid.show(ctx, grouped_view(ctx.dataset, what, state.prefix), words)

    def open_sample(self, ctx: foo.ExecutionContext) -> None:
        ctx.ops.open_sample(id=ctx.params["id"])

    def show(self, ctx: foo.ExecutionContext) -> None:
        what = ctx.params["what"]
        if what == _SHOWN_BY_TAB.get(needed_scene(ctx).tab, what):
            ctx.panel.set_state({"only": None, "start": 0})
        if what == _SHOWN_AS_CHOSEN.get(needed_scene(ctx).tab):
            self.show_tab(ctx)
        else:
            self._show_finding(ctx, what)

    def show_cluster(self, ctx: foo.ExecutionContext) -> None:
        state, number = needed_scene(ctx), ctx.params["number"]
        view = present(ctx.dataset).match(F(state.field("dup_cluster")) == number)
        view = view.sort_by(state.field("dup_keeper"), reverse=True)
        ids = view.limit(_SELECTED_MOST + 1).values("id")
        if len(ids) <= _SELECTED_MOST:
            view = ctx.dataset.select(ids, ordered=True)
        grid.show(ctx, view, "the copies of one cluster")

    def show_decided(self, ctx: foo.ExecutionContext) -> None:
        grid.show(ctx, decided_view(ctx.dataset), "what you decided")

    def show_missing(self, ctx: foo.ExecutionContext) -> None:
        """Shows the samples whose files are not there."""
        state = needed_scene(ctx)
        view = present(ctx.dataset).match(F(state.field("scan_status")) == "missing")
        grid.show(ctx, view, "samples whose files are missing")

    def show_all(self, ctx: foo.ExecutionContext) -> None:
        grid.show_all(ctx)

    def select_none(self, ctx: foo.ExecutionContext) -> None:
        ctx.ops.clear_selected_samples()

    # -- class pairs

    def choose_pair(self, ctx: foo.ExecutionContext) -> None:
        """Shows the label issues of one line of the list of class pairs."""
        state = needed_scene(ctx)
        pairs = labels.class_pairs(state)
        row = ctx.params["row"]
        if not 0 <= row < len(pairs):
            return
        given, suggested, _ = pairs[row]
        ctx.panel.set_state({"only": [given, suggested], "start": 0})
        view = pair_view(
            ctx.dataset, state.run, given, suggested, labels.chosen(state), state.prefix
        )
        grid.show(ctx, view, f"{given} that similar images call {suggested}")

    def choose_all_pairs(self, ctx: foo.ExecutionContext) -> None:
        ctx.panel.set_state({"only": None, "start": 0})

    # -- leaks and bad files

    def choose_leak(self, ctx: foo.ExecutionContext) -> None:
        self._show_leak(ctx, ctx.params["one"], ctx.params["other"])

    def choose_leak_cell(self, ctx: foo.ExecutionContext) -> None:
        names = leaks.split_names(needed_scene(ctx))
        row, column = ctx.params["row"], ctx.params["column"] - 1
        # The head and the names of the splits are cells, too
        if 0 <= row < len(names) and 0 <= column < len(names) and row != column:
            self._show_leak(ctx, *(names[i] for i in sorted((row, column))))

    def _show_leak(self, ctx: foo.ExecutionContext, one: str, other: str) -> None:
        state = needed_scene(ctx)
        ctx.panel.set_state({"only": [one, other], "start": 0})
        view = leak_view(ctx.dataset, state.run, one, other, state.prefix)
        grid.show(ctx, view, f"copies of {one} and {other}")

    def choose_issue(self, ctx: foo.ExecutionContext) -> None:
        state, issue = needed_scene(ctx), ctx.params["issue"]
        ctx.panel.set_state({"only": issue, "start": 0})
        found = F(state.field("image_issues")).contains(issue)
        grid.show(
            ctx, present(ctx.dataset).match(found), f"{issue.replace('_', ' ')} images"
        )
