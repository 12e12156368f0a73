"""What a tab shows, as the person chose it: thresholds, menus, pages."""

from __future__ import annotations

import fiftyone.operators as foo

from . import (
    actions,
    bad_files,
    duplicates,
    filters,
    labels,
    leaks,
    objects,
    outliers,
    thresholds,
)
from .in_grid import InGrid
from .state import needed_scene

_A_PAGE = {
    "duplicates": duplicates.A_PAGE,
    "outliers": outliers.A_PAGE,
    "labels": labels.A_PAGE,
    "leaks": leaks.A_PAGE,
    "objects": objects.A_PAGE,
    "bad_files": bad_files.A_PAGE,
    "actions": actions.A_PAGE,
}


class Choices(InGrid):
    """The events by which a person chooses what a tab shows."""

    def refresh(self, ctx: foo.ExecutionContext) -> None:
        """Draws anew after something changed the findings."""
        # Thresholds go back to those in force. A state that is set, if only to what it
        # is, has the App read the data set anew
        moved = [name for name in thresholds.DIGITS if ctx.panel.get_state(name)]
        if moved:
            ctx.panel.set_state(dict.fromkeys(moved))

    # -- pages

    def page(self, ctx: foo.ExecutionContext) -> None:
        ctx.panel.set_state("start", max(0, int(ctx.params["start"])))

    def turn_to(self, ctx: foo.ExecutionContext) -> None:
        """Turns to the page whose number was typed."""
        number = thresholds.number_in(ctx.params.get("value"), 0)
        step = _A_PAGE.get(needed_scene(ctx).tab)
        if number is not None and step:
            ctx.panel.set_state("start", max(0, int(number) - 1) * step)

    # -- menus

    def choose_class(self, ctx: foo.ExecutionContext) -> None:
        self._filter(ctx, "class")

    def choose_split(self, ctx: foo.ExecutionContext) -> None:
        self._filter(ctx, "split")

    def choose_kind(self, ctx: foo.ExecutionContext) -> None:
        self._filter(ctx, "kind")

    def choose_order(self, ctx: foo.ExecutionContext) -> None:
        self._filter(ctx, "order")

    def _filter(self, ctx: foo.ExecutionContext, what: str) -> None:
        kept = dict(ctx.panel.get_state("filters") or {})
        name, value = filters.key(needed_scene(ctx).tab, what), ctx.params.get("value")
        # A menu that was emptied leaves what was chosen
        if value is not None:
            ctx.panel.set_state({"filters": {**kept, name: value}, "start": 0})
            self.follow(ctx)

    def choose_list(self, ctx: foo.ExecutionContext) -> None:
        """Lists copies, or scenes."""
        ctx.panel.set_state({"list": ctx.params["list"], "start": 0})

    def choose_on_map(self, ctx: foo.ExecutionContext) -> None:
        """Selects what the person drew around."""
        points = ctx.params.get("data") or []
        ids = [one["id"] for one in points if one.get("id")]
        if ids:
            ctx.ops.set_selected_samples(ids)

    # -- thresholds

    def open_copy_score(self, ctx: foo.ExecutionContext) -> None:
        """Opens the threshold on copies, or closes it."""
        was_open = bool(ctx.panel.get_state("copy_score_open"))
        ctx.panel.set_state({"copy_score_open": not was_open, "copy_score": None})

    def move_copy_score(self, ctx: foo.ExecutionContext) -> None:
        self._move(ctx, "copy_score", "value")

    def pick_copy_score(self, ctx: foo.ExecutionContext) -> None:
        self._move(ctx, "copy_score", "x")

    def move_outlier_distance(self, ctx: foo.ExecutionContext) -> None:
        self._move(ctx, "outlier_distance", "value")

    def pick_outlier_distance(self, ctx: foo.ExecutionContext) -> None:
        self._move(ctx, "outlier_distance", "x")

    def move_label_score(self, ctx: foo.ExecutionContext) -> None:
        self._move(ctx, "label_score", "value")

    def pick_label_score(self, ctx: foo.ExecutionContext) -> None:
        self._move(ctx, "label_score", "x")

    def _move(self, ctx: foo.ExecutionContext, name: str, param: str) -> None:
        number = thresholds.number_in(ctx.params.get(param), thresholds.DIGITS[name])
        if number is not None:
            ctx.panel.set_state({name: number, "start": 0, "only": None})
            self.show_tab(ctx)

    def reset_thresholds(self, ctx: foo.ExecutionContext) -> None:
        self.refresh(ctx)
        self.show_tab(ctx)
