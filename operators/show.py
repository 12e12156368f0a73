"""Shows a finding in the grid, and keeps all of them as saved views."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from .adapter.ui.inputs import (
    ask_prefix,
    counts_now,
    finding_choices,
    prefix_of,
    show_error,
)
from .adapter.views.finding_views import found_view, grouped_view, save_found_views


class Show(foo.Operator):
    """``@winnow/curate/show``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="show",
            label="Winnow: show a finding",
            description="Show duplicates, outliers, wrong labels and more in the grid",
            icon="visibility",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        dataset: fo.Dataset,
        what: str,
        *,
        grouped: bool = False,
        save: bool = False,
        prefix: str | None = None,
    ) -> fo.DatasetView:
        """Returns the view of a finding, sorted by severity or by cluster.

        In the App, the grid shows it.

        Args:
            dataset: the scanned data set
            what: name of the finding: ``duplicates``, ``redundant_copies`` (all but
                the keepers), ``conflicts``, ``outliers``, ``label_issues``,
                ``leaks``, ``leaks_to_remove`` (the side of each leak to remove),
                ``image_issues`` or ``unreadable``
            grouped (False): show one tile per cluster
            save (False): also keep a saved view of every finding; saved views are
                filters, so they follow later scans
            prefix (None): prefix of the scan's fields

        Returns:
            the view

        Raises:
            InputError: there is no such finding
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        view = (grouped_view if grouped else found_view)(dataset, what, prefix)
        if save:
            save_found_views(dataset, prefix)
        return view

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            choices = finding_choices(counts_now(ctx))
        except CurationError as error:
            show_error(inputs, "run", error)
        else:
            inputs.enum(
                "what", choices.values(), required=True, label="Show", view=choices
            )
            inputs.bool(
                "grouped",
                default=True,
                label="One tile per cluster",
                description="For duplicates: click a tile to see its copies",
            )
            inputs.bool(
                "save",
                default=False,
                label="Keep saved views of all findings",
                description="In the menu above the grid; they follow later scans",
            )
            ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(label="Show a finding", submit_button_label="Show"),
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        view = self(
            ctx.dataset,
            ctx.params["what"],
            grouped=ctx.params.get("grouped", True),
            save=ctx.params.get("save", False),
            prefix=prefix_of(ctx.params),
        )
        ctx.ops.set_view(view=view)
        if ctx.params.get("save"):
            ctx.ops.reload_dataset()
        return {}
