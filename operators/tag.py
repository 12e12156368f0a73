"""Tags the images of a finding, or takes the tag off them."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from .adapter.dataset.internals import dataset_of, is_grouped_by_field, stages_of
from .adapter.dataset.present import present
from .adapter.ui.inputs import (
    SELECTED,
    VIEW,
    ask_prefix,
    counts_now,
    finding_choices,
    prefix_of,
)
from .adapter.views.finding_views import found_view


class Tag(foo.Operator):
    """``@winnow/curate/tag``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="tag",
            label="Winnow: tag a finding",
            description="Add a tag to the images of a finding, or remove it",
            icon="sell",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        what: str,
        tag: str,
        *,
        remove: bool = False,
        prefix: str | None = None,
    ) -> int:
        """Adds a tag to the images of a finding, or removes it.

        Args:
            samples: a scanned data set, or a view that limits the finding
            what: name of a finding, as for ``show``, or ``view`` for all samples
            tag: the tag, any text
            remove (False): remove the tag instead
            prefix (None): prefix of the scan's fields

        Returns:
            the number of samples of the finding (and of the view)

        Raises:
            InputError: there is no such finding, or the tag is empty
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        if not tag or not tag.strip():
            raise InputError("A tag needs at least one letter, for example 'relabel'.")
        view = present(samples)
        if what != VIEW:
            view = _both(view, found_view(dataset_of(samples), what, prefix))
        count: int = view.count()
        if remove:
            view.untag_samples(tag.strip())
        else:
            view.tag_samples(tag.strip())
        return count

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            choices = finding_choices(counts_now(ctx))
        except CurationError as error:
            inputs.view("run", types.Notice(label=str(error)))
            choices = types.Dropdown()
        choices.add_choice(VIEW, label=f"All images in the grid ({ctx.view.count():,})")
        if ctx.selected:
            label = f"The selected images ({len(ctx.selected):,})"
            choices.add_choice(SELECTED, label=label)
        inputs.enum("what", choices.values(), required=True, label="Tag", view=choices)
        known = types.AutocompleteView()
        for tag in ctx.dataset.distinct("tags"):
            known.add_choice(tag, label=tag)
        inputs.str("tag", required=True, label="With the tag", view=known)
        inputs.bool("remove", default=False, label="Remove the tag instead")
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs, view=types.PromptView(label="Tag", submit_button_label="Tag")
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        what, tag = ctx.params["what"], ctx.params["tag"]
        remove = ctx.params.get("remove", False)
        samples = ctx.dataset
        if what == SELECTED:
            samples, what = ctx.dataset.select(ctx.selected), VIEW
        elif what == VIEW:
            samples = ctx.view.flatten() if is_grouped_by_field(ctx.view) else ctx.view
        count = self(samples, what, tag, remove=remove, prefix=prefix_of(ctx.params))
        done = "removed from" if remove else "added to"
        images = f"{count:,} image{'' if count == 1 else 's'}"
        ctx.ops.notify(f"Tag '{tag}' {done} {images}", variant="success")
        ctx.ops.reload_samples()
        return {"samples": count}


def _both(view: fo.DatasetView, found: fo.DatasetView) -> fo.DatasetView:
    """Returns the samples of the view that the finding's filters let through."""
    for stage in stages_of(found):
        view = view.add_stage(stage)
    return view
