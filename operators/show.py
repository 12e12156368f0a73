"""Shows a finding in the grid, and keeps all of them as saved views."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from .adapter.ui.inputs import ask_finding, ask_prefix
from .adapter.ui.surface import Operator, keywords
from .adapter.views.finding_views import found_view, grouped_view, save_found_views


@dataclass(frozen=True)
class ShowOptions:
    """What can be chosen.

    Attributes:
        what: name of the finding: ``duplicates``, ``redundant_copies`` (all but the
            keepers), ``conflicts``, ``outliers``, ``label_issues``, ``leaks``,
            ``leaks_to_remove`` (the side of each leak to remove), ``scenes``,
            ``scene_leaks``, ``sequences`` (frames of recordings), ``sequence_leaks``,
            ``bursts`` (what ``thin`` found to be redundant), ``image_issues``,
            ``unreadable`` or ``not_read``; after a scan of objects also
            ``object_label_issues``, ``object_outliers``, ``object_duplicates``,
            ``object_leaks`` or ``bad_boxes``, as a view of patches; of the set as a
            whole ``imbalance``, ``label_shift``, ``appearance_shift``, ``shortcuts``,
            ``overlapping_classes``, ``divided_classes``, ``thin_regions``, or the key
            of one such finding; of videos ``video_issues``, or ``segments``, a view of
            clips: each stretch that is black, frozen, blurry, dark or damaged, or that
            another video shows too
        grouped (False): show one tile per cluster
        save (False): also keep a saved view of every finding; saved views are
            filters, so they follow later scans
        prefix (None): prefix of the scan's fields
    """

    what: str
    _: KW_ONLY
    grouped: bool = False
    save: bool = False
    prefix: str | None = None


class Show(Operator):
    """``@winnow/curate/show``"""

    form_names = ("run",)

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

    @keywords(ShowOptions)
    def __call__(self, dataset: fo.Dataset, options: ShowOptions) -> fo.DatasetView:
        """Returns the view of a finding, sorted by severity or by cluster.

        In the App, the grid shows it.

        Example::

            show = foo.get_operator("@winnow/curate/show")
            view = show(dataset, "duplicates")
            print(view.count())

        Args:
            dataset: the scanned data set

        Returns:
            the view

        Raises:
            InputError: there is no such finding
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        make = grouped_view if options.grouped else found_view
        view = make(dataset, options.what, options.prefix)
        if options.save:
            save_found_views(dataset, options.prefix)
        return view

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        if ask_finding(inputs, ctx, "Show", of_parts=True):
            inputs.bool(
                "grouped",
                default=False,
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
        ctx.ops.set_view(view=self.run(ctx))
        if ctx.params.get("save"):
            ctx.ops.reload_dataset()
        return {}

    def resolve_output(self, ctx: foo.ExecutionContext) -> None:
        """Shows nothing: the grid does."""
