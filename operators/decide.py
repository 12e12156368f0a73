"""Remembers what a person decided, so that no later scan flags it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.progress import silent
from ._fo.choices import ask_prefix, prefix_of, refuse
from ._fo.decisions import forget, keep, part_duplicates, verify_labels
from ._fo.refind import run_find, settings_of
from ._fo.runs import complete_run

_DECISIONS = {
    "keep": (
        "Keep",
        "It stays and is fine: never again a duplicate to drop, an outlier, a leak or "
        "a bad image",
        "{} kept: not flagged again",
    ),
    "not_duplicate": (
        "Not a duplicate",
        "It is no copy of the other images in its cluster, however alike they are",
        "{} remembered as no duplicates",
    ),
    "label_verified": (
        "The label is right",
        "Its label is never again an issue, as long as it stays the same",
        "{} remembered as rightly labelled",
    ),
    "forget": (
        "Forget",
        "Take back everything that was decided of it",
        "Decisions on {} taken back",
    ),
}


@dataclass(frozen=True)
class Decided:
    """The outcome of a decision.

    Attributes:
        images: how many it is remembered of
        updated: whether the findings follow it already; else the next scan does
        text: one sentence
    """

    images: int
    updated: bool
    text: str

    def __str__(self) -> str:
        return self.text


class Decide(foo.Operator):
    """``@winnow/curate/decide``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="decide",
            label="Winnow: decide",
            description=(
                "Keep images, part duplicates or confirm labels, for this and all "
                "later scans"
            ),
            icon="how_to_reg",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        what: str,
        *,
        prefix: str | None = None,
    ) -> Decided:
        """Remembers a decision on all of the samples, and updates the findings.

        Args:
            samples: a view of the images, such as ``dataset.select(ids)``
            what: ``keep``: the images stay, and are never again flagged as
                duplicates to drop, leaks, outliers or bad images;
                ``not_duplicate``: each is no copy of the others in its cluster;
                ``label_verified``: their labels are right;
                ``forget``: take all decisions on them back
            prefix (None): of the scan's fields

        Returns:
            a :class:`Decided`

        Raises:
            InputError: no such decision, or one that cannot be made
            StaleRunError: no finished scan
        """
        if what not in _DECISIONS:
            raise InputError(
                f"There is no decision '{what}'. Use one of {', '.join(_DECISIONS)}."
            )
        dataset = samples._dataset
        run = complete_run(dataset, prefix)
        if what == "keep":
            images = keep(samples)
        elif what == "not_duplicate":
            images = part_duplicates(samples, prefix)
        elif what == "label_verified":
            images = verify_labels(samples, run.settings["label_field"])
        else:
            images = forget(samples)
        text = _DECISIONS[what][2].format(
            f"{images:,} image{'' if images == 1 else 's'}"
        )
        try:
            run_find(dataset, settings_of(run), prefix, silent)
        except CurationError as error:
            # The decision stands; only the findings on screen are older
            dataset.reload()
            return Decided(images, False, f"{text} from the next scan on. {error}")
        return Decided(images, True, text + ".")

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        choices = types.RadioGroup()
        for name, (label, description, _) in _DECISIONS.items():
            choices.add_choice(name, label=label, description=description)
        inputs.enum(
            "what", choices.values(), required=True, label="Decide", view=choices
        )
        try:
            complete_run(ctx.dataset, prefix_of(ctx.params))
            count = _samples(ctx).count()
        except CurationError as error:
            refuse(inputs, "problem", error)
        else:
            inputs.view("status", types.Notice(label=f"For {count:,} selected images"))
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(label="Decide", submit_button_label="Remember"),
        )

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        decided = self(_samples(ctx), ctx.params["what"], prefix=prefix_of(ctx.params))
        variant = "success" if decided.updated else "warning"
        ctx.ops.notify(decided.text, variant=variant)
        ctx.ops.reload_samples()
        return {"images": decided.images, "text": decided.text}


def _samples(ctx: foo.ExecutionContext) -> fo.DatasetView:
    """Returns the samples that the caller names, or those selected in the grid."""
    ids = ctx.params.get("samples") or ctx.selected
    if not ids:
        raise InputError("Select the images in the grid first, then decide.")
    return ctx.dataset.select(ids)
