"""The events of the panel. What is drawn stands in one module a tab.

The panel keeps next to nothing: which tab, which page, which threshold. Each
event changes that, or asks another operator to work, and everything is then
drawn anew from a few aggregations, so that it is never older than the data.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types
from fiftyone import ViewField as F

from ...core.errors import CurationError
from ..adapter.dataset.present import present
from ..adapter.runs.lock import running, stop
from ..adapter.ui.panel_jobs import (
    ASK,
    DO,
    STEP,
    agreed_params,
    at_work,
    begin,
    dismiss_notice,
    end,
    just_ended,
    notice_of,
    offer_undo,
    original_params,
    undo_offered,
)
from ..adapter.ui.scan_form import VECTORS
from ..adapter.ui.scan_options import ScanOptions
from ..adapter.ui.surface import as_params, read_options
from ..adapter.views.finding_views import (
    save_found_views,
)
from . import (
    actions,
    bad_files,
    duplicates,
    grid,
    image_map,
    labels,
    leaks,
    objects,
    outliers,
    overview,
    review,
    selected,
    whole_set,
    widgets,
)
from .callbacks import Event
from .choices import Choices
from .inputs import is_new
from .latest_state import up_to_date
from .object_events import ObjectEvents, named_objects
from .state import PanelState, needed_scene, scene_of

_TABS = {
    "overview": overview.draw,
    "duplicates": duplicates.draw,
    "outliers": outliers.draw,
    "labels": labels.draw,
    "leaks": leaks.draw,
    "objects": objects.draw,
    "bad_files": bad_files.draw,
    "map": image_map.draw,
    "whole_set": whole_set.draw,
    "actions": actions.draw,
}
_OPERATOR = "@winnow/curate/{}"
_TURN = threading.Lock()
_AT_ONCE = 50_000
"""Samples up to which thresholds and decisions are applied within an event."""


class WinnowPanel(Choices, ObjectEvents, foo.Panel):
    """``@winnow/curate/winnow``, the panel"""

    @property
    def config(self) -> foo.PanelConfig:
        return foo.PanelConfig(
            name="winnow",
            label="Winnow",
            icon="grain",
            surfaces="grid",
            category=foo.Categories.CURATE,
            help_markdown=(
                "Finds duplicates, outliers, wrong labels, leaks and bad files, and "
                "lets you decide what to do with them."
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Any:
        if ctx.panel_id is None:
            # The plugin is loaded
            return super().execute(ctx)
        # The App's events run side by side: what is asked last is drawn last
        dataset = ctx.request_params.get("dataset_name") or ""
        with _TURN, up_to_date(ctx.panel_id, dataset, ctx.panel_state):
            return super().execute(ctx) if is_new(ctx) else None

    # -- what happens by itself

    def on_load(self, ctx: foo.ExecutionContext) -> None:
        self.refresh(ctx)

    def on_change_dataset(self, ctx: foo.ExecutionContext) -> None:
        # Both: the one clears what is drawn now, the other what the App keeps
        ctx.panel_state.clear()
        ctx.panel.state.clear()
        self.refresh(ctx)

    def on_change_selected(self, ctx: foo.ExecutionContext) -> None:
        """Draws anew: what can be done with what is selected."""

    def look_again(self, ctx: foo.ExecutionContext) -> None:
        """Draws anew while something is at work."""

    def dismiss(self, ctx: foo.ExecutionContext) -> None:
        """Takes away what came of the last job."""
        dismiss_notice(ctx.dataset)

    def stop(self, ctx: foo.ExecutionContext) -> None:
        """Stops the scan that is at work; what it read is kept."""
        stop(ctx.dataset)
        ctx.ops.notify("The scan stops. What it has read is kept.", variant="info")

    # -- where the person goes

    def choose_tab(self, ctx: foo.ExecutionContext) -> None:
        self._go(ctx, ctx.params["tab"])

    def choose_overview_row(self, ctx: foo.ExecutionContext) -> None:
        row, lines = ctx.params["row"], overview.lines(needed_scene(ctx))
        if 0 <= row < len(lines):
            if lines[row].unit == "objects":
                chosen = {objects.KIND: lines[row].name, objects.CLASS: None}
                ctx.panel.set_state(chosen)
            self._go(ctx, overview.tab_of(lines[row]))

    def _go(self, ctx: foo.ExecutionContext, tab: str) -> None:
        ctx.panel.set_state({"tab": tab, "start": 0, "only": None})
        offer_undo(ctx.dataset, None)
        # Who looked at one kind in the grid would take the next tab's for it
        self.follow(ctx)

    def choose_run(self, ctx: foo.ExecutionContext) -> None:
        # Classes and splits of one run may be none of another
        chosen = {"run": ctx.params["value"], "start": 0, "only": None}
        ctx.panel.set_state({**chosen, "filters": None})
        self.refresh(ctx)

    def apply_thresholds(self, ctx: foo.ExecutionContext) -> None:
        """Writes what the sliders show into the fields."""
        state = needed_scene(ctx)
        sliders = {
            "min_copy_score": state.kept.get("copy_score"),
            "max_outlier_distance": state.kept.get("outlier_distance"),
            "min_label_score": state.kept.get("label_score"),
        }
        params = {name: value for name, value in sliders.items() if value is not None}
        params |= {"prefix": state.prefix, STEP: DO}
        self._at_once(ctx, "set_thresholds", params, self.done)

    # -- a review

    def review(self, ctx: foo.ExecutionContext) -> None:
        """Goes through a finding, one question at a time."""
        ctx.panel.set_state("review", ctx.params["what"])

    def end_review(self, ctx: foo.ExecutionContext) -> None:
        """Brings the findings in line with what was decided, and shows its plan."""
        what = ctx.panel.get_state("review")
        ctx.panel.set_state({"review": None, "tab": "overview", "start": 0})
        if what and ctx.params.get("count"):
            params = {"what": what, "update": True, "prefix": _prefix(ctx)}
            self._begin(ctx, "review", params, self.done)

    # -- what other operators do

    def scan(self, ctx: foo.ExecutionContext) -> None:
        state = scene_of(ctx)
        self._ask(ctx, "scan", _scan_params(state) if state else {})

    def tag(self, ctx: foo.ExecutionContext) -> None:
        self._ask(ctx, "tag", {"what": ctx.params["what"], "prefix": _prefix(ctx)})

    def save_views(self, ctx: foo.ExecutionContext) -> None:
        names = save_found_views(ctx.dataset, _prefix(ctx))
        ctx.ops.notify(
            f"{len(names)} views are in the menu 'Unsaved view' above the grid. They "
            "follow later scans.",
            variant="success",
        )
        ctx.ops.reload_dataset()

    def export(self, ctx: foo.ExecutionContext) -> None:
        self._ask(ctx, "export", {"prefix": _prefix(ctx)})

    def use_embeddings(self, ctx: foo.ExecutionContext) -> None:
        self._ask(ctx, "register_embeddings", {"prefix": _prefix(ctx)})

    def decide(self, ctx: foo.ExecutionContext) -> None:
        """Remembers a decision on the samples that the button names."""
        state, what = needed_scene(ctx), ctx.params["what"]
        decision = {"what": what, "prefix": state.prefix}
        if "objects" in ctx.params:
            decision["objects"] = named_objects(ctx, state, ctx.params["objects"])
        else:
            decision["samples"] = self._named_samples(ctx, state, what)
        self._decide(ctx, decision)

    def _named_samples(
        self, ctx: foo.ExecutionContext, state: PanelState, what: str
    ) -> list[str]:
        """Returns the samples that a button of a decision is for."""
        samples = ctx.params.get("samples")
        if samples == "selected":
            return list(ctx.selected)
        if samples is not None:
            return list(samples)
        found = F(state.field("dup_cluster")) == ctx.params["number"]
        if what == "not_duplicate":
            found = found & (F(state.field("dup_kind")) == "near")
        return list(present(ctx.dataset).match(found).values("id"))

    def decided(self, ctx: foo.ExecutionContext) -> None:
        """Offers to undo what was decided, now that it is done."""
        self.done(ctx)
        self._offer_undo(ctx, original_params(ctx))

    def undo(self, ctx: foo.ExecutionContext) -> None:
        """Takes back the last decision."""
        if decision := undo_offered(ctx.dataset):
            self._decide(ctx, {**decision, "undo": True})

    def take_back(self, ctx: foo.ExecutionContext) -> None:
        """Takes back an earlier decision on a sample or an object."""
        named = ("what", "samples", "objects")
        decision = {name: ctx.params[name] for name in named if name in ctx.params}
        self._decide(ctx, {**decision, "prefix": _prefix(ctx), "undo": True})

    def _decide(self, ctx: foo.ExecutionContext, decision: dict[str, Any]) -> None:
        """Stores a decision: within the event where that is quick, else as a job."""
        offer_undo(ctx.dataset, None)
        if self._at_once(ctx, "decide", decision, self.decided):
            self._offer_undo(ctx, decision)

    def _offer_undo(self, ctx: foo.ExecutionContext, decision: dict[str, Any]) -> None:
        if not decision.get("undo"):
            offer_undo(ctx.dataset, decision)

    def act(self, ctx: foo.ExecutionContext) -> None:
        """Asks an operator that changes files or labels; it asks the person."""
        operator, params = ctx.params["operator"], dict(ctx.params["with"])
        names = foo.get_operator(_OPERATOR.format(operator)).names()
        if params == selected.SELECTED:
            params["samples"] = list(ctx.selected)
        if "objects" in params:
            params["objects"] = named_objects(ctx, needed_scene(ctx), params["objects"])
        # Undo and purge are of actions, whatever the scan
        if "prefix" in names and _prefix(ctx):
            params["prefix"] = _prefix(ctx)
        self._ask(ctx, operator, params)

    def done(self, ctx: foo.ExecutionContext) -> None:
        """Draws what came of a job."""
        end(ctx.dataset)
        self.refresh(ctx)
        # The App keeps the patches of a view as they were made, whatever is reloaded
        if ctx.panel.get_state("tab") == "objects":
            self.follow(ctx)

    def failed(self, ctx: foo.ExecutionContext) -> None:
        """Draws anew after a job that was not done; the App says why."""
        end(ctx.dataset)

    def carry_out(self, ctx: foo.ExecutionContext) -> None:
        """Does what a form was submitted for."""
        params = agreed_params(ctx)
        if params is None:
            self.refresh(ctx)
        else:
            self._begin(ctx, ctx.panel.get_state("asked_for"), params, self.done)

    def _at_once(
        self,
        ctx: foo.ExecutionContext,
        operator: str,
        params: dict[str, Any],
        on_success: Event,
    ) -> bool:
        """Has an operator work within the event, or as a job if that takes too long.

        The event alone is several times as quick, but shows no progress.

        Args:
            ctx: of the event
            operator: its name
            params: of the operator
            on_success: of a job, once it is done

        Returns:
            whether it is done
        """
        if ctx.dataset.count() > _AT_ONCE:
            self._begin(ctx, operator, params, on_success)
            return False
        dismiss_notice(ctx.dataset)
        uri = _OPERATOR.format(operator)
        of_operator = foo.ExecutionContext(
            request_params={**ctx.request_params, "params": params},
            executor=ctx.executor,
            operator_uri=uri,
        )
        try:
            sent = foo.get_operator(uri).execute(of_operator)
            if isinstance(sent, Iterator):
                # What it asks of the App is in the executor too
                deque(sent, maxlen=0)
        except CurationError as error:
            ctx.ops.notify(str(error), variant="error")
            return False
        self.done(ctx)
        return True

    def _ask(
        self,
        ctx: foo.ExecutionContext,
        operator: str,
        params: dict[str, Any],
    ) -> None:
        """Opens the form of an operator."""
        uri = _OPERATOR.format(operator)
        if foo.get_operator(uri).config.execute_as_generator:
            ctx.panel.set_state("asked_for", operator)
            ctx.prompt(uri, params={**params, STEP: ASK}, on_success=self.carry_out)
        else:
            ctx.prompt(uri, params=params, on_success=self.refresh)

    def _begin(
        self,
        ctx: foo.ExecutionContext,
        operator: str,
        params: dict[str, Any],
        on_success: Event,
    ) -> None:
        """Has an operator work, and looks at it until it is done."""
        dismiss_notice(ctx.dataset)
        begin(ctx.dataset)
        ctx.prompt(
            _OPERATOR.format(operator),
            params=params,
            on_success=on_success,
            on_error=self.failed,
            skip_prompt=True,
        )

    # -- drawing

    def render(self, ctx: foo.ExecutionContext) -> types.Property:
        panel = types.Object()
        try:
            reviewed, state = ctx.panel.get_state("review"), scene_of(ctx)
            if reviewed and state is not None:
                review.draw(panel, self, state, reviewed)
                return widgets.page(panel)
            job, scan = at_work(ctx.dataset), running(ctx.dataset)
            progress = scan if scan and scan.total else job or scan
            if progress is not None and (progress.total or state is None):
                stops = scan is not None and scan.total > 0
                overview.draw_running(panel, self, progress, stops=stops)
            notice = notice_of(ctx.dataset)
            if notice is not None:
                overview.draw_notice(panel, self, notice)
            if state is not None:
                begun = progress is not None and not progress.total
                overview.draw_head(panel, self, state, grid.shown(ctx), begun=begun)
                selected.draw(panel, self, state, ctx.selected or ())
                _TABS[state.tab](panel, self, state, ctx.panel.set_data)
            elif progress is None:
                overview.draw_welcome(panel, self, ctx.dataset)
            if progress is not None or just_ended(ctx.dataset):
                widgets.timer(panel, self.look_again)
        except CurationError as error:
            widgets.warn(panel, "problem", str(error))
            widgets.button(panel, "again", "Scan again", self.scan, main=True)
        return widgets.page(panel)


def _prefix(ctx: foo.ExecutionContext) -> str | None:
    return needed_scene(ctx).prefix


def _scan_params(state: PanelState) -> dict[str, Any]:
    """Returns the form of the scan, filled in as the last time."""
    # Also what the form does not ask for, and thresholds that were moved since
    params = as_params(read_options(ScanOptions, state.run.settings))
    split_by = params.pop("split_by", None)
    if isinstance(split_by, str):
        params |= {"splits": "field", "split_field": split_by}
    elif split_by:
        params |= {"splits": "tags", "split_tags": split_by}
    if params.get("embeddings"):
        params["model"] = VECTORS
    return params
