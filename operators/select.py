"""Selects images that stand for the rest: to label next, or to keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError
from .adapter.curation.select import (
    DEFAULT_TAG,
    SPLITS,
    SelectChoice,
    Selected,
    balance_candidates,
    select_images,
)
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import (
    ask_one,
    ask_prefix,
    prefix_of,
    show_error,
    without_none,
)
from .adapter.ui.surface import Operator, keywords

_DEFAULT_N = 100


class Select(Operator):
    """``@winnow/curate/select``"""

    form_names = ("problem",)

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="select",
            label="Winnow: select images",
            description="Select images that stand for the rest, to label or to keep",
            icon="checklist",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    @keywords(SelectChoice)
    def __call__(
        self, samples: fo.core.collections.SampleCollection, options: SelectChoice
    ) -> Selected:
        """Selects images that stand for the rest, to label next or to keep.

        Greedily, by the similarity that the last scan measured: each selected image
        covers most of what those before it do not (facility location). Copies, bad
        images and images of test and validation splits are never selected. The same
        call selects the same images.

        Example::

            select = foo.get_operator("@winnow/curate/select")
            labeled = dataset.match_tags("labeled")
            print(select(dataset, 10, given=labeled, tag="label next"))

        Args:
            samples: a scanned data set, or a view; only its images are selected

        Returns:
            a :class:`operators.adapter.curation.select.Selected`; its ``view`` is the
            selection

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        return select_images(samples, options)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(
            ctx, action_description="Select", default_target=foo.ViewTarget.DATASET
        )
        try:
            run = complete_run(ctx.dataset, prefix_of(ctx.params))
        except CurationError as error:
            show_error(inputs, "problem", error)
        else:
            inputs.int(
                "n", default=_DEFAULT_N, min=1, required=True, label="How many images"
            )
            given = types.AutocompleteView()
            for tag in ctx.dataset.distinct("tags"):
                given.add_choice(tag, label=tag)
            inputs.str(
                "given",
                label="Given images",
                description="Tag of images that are there already, such as labeled "
                "ones: what resembles them is selected last",
                view=given,
            )
            of_scan = {SPLITS: "The splits of the scan"} if run.split_by else {}
            fields = {name: name for name in balance_candidates(ctx.dataset)}
            ask_one(
                inputs,
                "balance",
                of_scan | fields,
                none="No balance",
                label="Balance",
                description="Select equally many images of each value",
            )
            inputs.str("tag", default=DEFAULT_TAG, label="Tag of the selected images")
            inputs.str("field", label="Or field, for the place of each")
            ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(label="Select images", submit_button_label="Select"),
        )

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        return without_none(ctx.params, "given", "balance")

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        return ctx.target_view()

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        selected = self.run(ctx)
        ctx.ops.set_view(view=selected.view)
        ctx.ops.reload_dataset()
        ctx.ops.notify(selected.summary(), variant="success")
        return {"text": selected.to_markdown()}
