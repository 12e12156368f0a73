"""Tags the images of a finding, or takes the tag off them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.result import Result
from ..core.errors import CurationError, InputError
from ..core.findings.object_registry import OBJECT_FINDINGS
from .adapter.dataset.internals import (
    dataset_of,
    is_grouped_by_field,
    shows_objects,
    stages_of,
)
from .adapter.dataset.objects import chosen_objects, objects_path
from .adapter.dataset.present import present
from .adapter.ui.inputs import (
    SELECTED,
    VIEW,
    ask_prefix,
    counts_now,
    finding_choices,
    object_choices,
    set_choices,
)
from .adapter.ui.surface import Operator, keywords
from .adapter.views.finding_views import found_view
from .adapter.views.object_views import chosen_labels, scanned_objects


@dataclass(frozen=True)
class TagOptions:
    """What can be chosen.

    Attributes:
        what: name of a finding, as for ``show``, or ``view`` for all samples; a
            finding of objects, or a view of patches, tags their labels
        tag: the tag, any text
        remove (False): remove the tag instead
        objects (None): ids of labels: these are tagged, or of a finding only they
        prefix (None): prefix of the scan's fields
    """

    what: str
    tag: str
    _: KW_ONLY
    remove: bool = False
    objects: Sequence[str] | None = None
    prefix: str | None = None

    def __post_init__(self) -> None:
        if not self.tag or not self.tag.strip():
            raise InputError("A tag needs at least one letter, for example 'relabel'.")


@dataclass(frozen=True)
class Tagged(Result):
    """What was tagged.

    Attributes:
        tag: the tag
        count: samples, or objects, of the finding (and of the view)
        removed: True if the tag was removed
        unit: ``image`` or ``object``
    """

    tag: str
    count: int
    removed: bool
    unit: str = "image"

    def summary(self) -> str:
        """Returns what happened, in a sentence."""
        done = "removed from" if self.removed else "added to"
        what = f"{self.count:,} {self.unit}{'' if self.count == 1 else 's'}"
        return f"Tag '{self.tag}' {done} {what}"


class Tag(Operator):
    """``@winnow/curate/tag``"""

    form_names = ("run",)

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

    @keywords(TagOptions)
    def __call__(
        self, samples: fo.core.collections.SampleCollection, options: TagOptions
    ) -> Tagged:
        """Adds a tag to the images of a finding, or removes it.

        Example::

            tag = foo.get_operator("@winnow/curate/tag")
            print(tag(dataset, "outliers", "look at it"))

        Args:
            samples: a scanned data set, or a view that limits the finding

        Returns:
            a :class:`Tagged` with the number of samples of the finding (and of the
            view)

        Raises:
            InputError: there is no such finding, or the tag is empty
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        objects = chosen_objects(samples, options.objects)
        if options.what in OBJECT_FINDINGS or objects is not None:
            return _tag_objects(samples, options, objects)
        view, tag = present(samples), options.tag.strip()
        if options.what != VIEW:
            found = found_view(dataset_of(samples), options.what, options.prefix)
            view = _both(view, found)
        tagged = Tagged(tag, view.count(), options.remove)
        if options.remove:
            view.untag_samples(tag)
        else:
            view.tag_samples(tag)
        return tagged

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            choices = finding_choices(counts_now(ctx))
            object_choices(ctx, choices)
            set_choices(ctx, choices)
        except CurationError as error:
            inputs.view("run", types.Notice(label=str(error)))
            choices = types.Dropdown()
        things = "objects" if shows_objects(ctx.view) else "images"
        count = f"({ctx.view.count():,})"
        choices.add_choice(VIEW, label=f"All {things} in the grid {count}")
        if ctx.selected:
            label = f"The selected {things} ({len(ctx.selected):,})"
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

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        params = dict(ctx.params)
        if params.get("what") == SELECTED:
            params["what"] = VIEW
        return params

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        what = ctx.params.get("what")
        if what == SELECTED:
            grid = ctx.view if shows_objects(ctx.view) else ctx.dataset
            return grid.select(ctx.selected)
        if what == VIEW:
            return ctx.view.flatten() if is_grouped_by_field(ctx.view) else ctx.view
        return ctx.dataset

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        tagged: Tagged = self.run(ctx)
        ctx.ops.notify(tagged.summary(), variant="success")
        ctx.ops.reload_samples()
        return tagged.to_dict()

    def resolve_output(self, ctx: foo.ExecutionContext) -> None:
        """Shows nothing: the App notifies."""


def _tag_objects(
    samples: fo.core.collections.SampleCollection,
    options: TagOptions,
    objects: list[str] | None,
) -> Tagged:
    dataset = dataset_of(samples)
    name = scanned_objects(dataset, options.prefix)
    what = options.what if options.what in OBJECT_FINDINGS else None
    view = chosen_labels(samples, what, objects, options.prefix)
    tag = options.tag.strip()
    count = view.count(objects_path(dataset, name))
    if options.remove:
        view.untag_labels(tag, label_fields=name)
    else:
        view.tag_labels(tag, label_fields=name)
    return Tagged(tag, count, options.remove, "object")


def _both(view: fo.DatasetView, found: fo.DatasetView) -> fo.DatasetView:
    """Returns the samples of the view that the finding's filters let through."""
    for stage in stages_of(found):
        view = view.add_stage(stage)
    return view
