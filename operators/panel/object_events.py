"""The events of the tab of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone.operators as foo

from ...core.findings.object_registry import OBJECT_FINDINGS
from ..adapter.dataset.internals import shows_objects
from ..adapter.views.object_queries import DECIDED
from . import grid, objects, selected
from .in_grid import InGrid
from .state import PanelState, scene_of


class ObjectEvents(InGrid):
    """What a person does in the tab of objects."""

    def choose_object_kind(self, ctx: foo.ExecutionContext) -> None:
        kind = ctx.params["kind"]
        if kind == DECIDED or kind in OBJECT_FINDINGS:
            self._choose(ctx, {objects.KIND: kind, objects.CLASS: None})

    def choose_object_class(self, ctx: foo.ExecutionContext) -> None:
        self._limit(ctx, objects.CLASS)

    def choose_object_split(self, ctx: foo.ExecutionContext) -> None:
        self._limit(ctx, objects.SPLIT)

    def _limit(self, ctx: foo.ExecutionContext, name: str) -> None:
        value = ctx.params.get("value")
        chosen = None if value == objects.EVERY else value
        self._choose(ctx, {name: chosen})

    def _choose(self, ctx: foo.ExecutionContext, chosen: Mapping[str, Any]) -> None:
        ctx.panel.set_state({**chosen, "start": 0})
        self.follow(ctx)

    def open_object(self, ctx: foo.ExecutionContext) -> None:
        """Opens an object in the grid: itself among objects, else its picture."""
        label = ctx.params["id"]
        if shows_objects(ctx.view):
            if ctx.view.select(label).count():
                ctx.ops.open_sample(id=label)
                return
            grid.show_all(ctx)
            ctx.ops.notify("The grid shows each image now: click again to open it.")
            return
        state = scene_of(ctx)
        found = state.objects.by_id([label]) if state and state.objects else {}
        if label in found:
            ctx.ops.open_sample(id=found[label].sample)


def named_objects(
    ctx: foo.ExecutionContext, state: PanelState, names: str | Sequence[str]
) -> list[str]:
    """Returns the ids of the objects that a button is for.

    Args:
        ctx: of the event
        state: what is drawn
        names: ids; or :data:`selected.OBJECTS` for those selected in the grid, or
            :data:`objects.SHOWN` for all that the tab's filters leave
    """
    if names == selected.OBJECTS:
        return list(ctx.selected)
    if names == objects.SHOWN:
        kind = objects.kind_of(state)
        if state.objects is None or kind is None:
            return []
        return state.objects.ids(kind, objects.filter_of(state))
    return list(names)
