"""Says how often a finding is right, from a sample that a person marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import InputError
from ..core.findings.registry import image_finding
from .adapter.curation.precision_sample import (
    RIGHT,
    WRONG,
    PrecisionEstimate,
    draw_sample,
    has_sample,
    mark,
    result,
)
from .adapter.ui.inputs import ask_finding, ask_prefix
from .adapter.ui.surface import Operator, keywords

_DRAW, _REST, _RESULT = "draw", "rest", "result"
_DEFAULT_N = 100
"""With 100 marked, the interval is 20 points wide at worst."""


@dataclass(frozen=True)
class EstimateOptions:
    """What can be chosen.

    Attributes:
        what: name of a finding, as for ``show``; for ``duplicates`` the redundant
            copies
        n (100): sample size, at most the size of the finding
        seed (0): seed of the draw
        right: images of the sample, or their ids, where the finding is right
        wrong: images, or their ids, where it is wrong
        rest_right (False): mark all others right
        new (False): draw again; earlier marks are removed
        prefix (None): prefix of the scan's fields
    """

    what: str
    n: int = _DEFAULT_N
    _: KW_ONLY
    seed: int = 0
    right: Sequence[str] | fo.DatasetView = ()
    wrong: Sequence[str] | fo.DatasetView = ()
    rest_right: bool = False
    new: bool = False
    prefix: str | None = None

    def __post_init__(self) -> None:
        image_finding(self.what)


class EstimatePrecision(Operator):
    """``@winnow/curate/estimate_precision``"""

    form_names = ("run", "step", "so_far")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="estimate_precision",
            label="Winnow: estimate the precision of a finding",
            description="Precision of a finding, from a random sample that you mark",
            icon="fact_check",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    @keywords(EstimateOptions)
    def __call__(
        self, dataset: fo.Dataset, options: EstimateOptions
    ) -> PrecisionEstimate:
        """Estimates the precision of a finding from a random sample that you mark.

        The first call draws the sample; later calls keep it. The result has a 95 %
        interval. Mark with this operator, or with the tags ``precision WHAT: right``
        and ``precision WHAT: wrong``.

        Example::

            estimate = foo.get_operator("@winnow/curate/estimate_precision")
            drawn = estimate(dataset, "duplicates", 20)
            wrong = drawn.view.limit(0).values("id")  # those you found wrong
            print(estimate(dataset, "duplicates", wrong=wrong, rest_right=True))

        Args:
            dataset: the scanned data set

        Returns:
            a :class:`operators.adapter.curation.precision_sample.PrecisionEstimate`;
            its ``view`` is the sample

        Raises:
            InputError: there is no such finding, it is empty, or an image is not in
                the sample
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        what = options.what
        if options.new or not has_sample(dataset, what):
            draw_sample(dataset, what, options.n, options.seed, options.prefix)
        for samples, as_ in ((options.right, RIGHT), (options.wrong, WRONG)):
            mark(dataset, what, _ids(samples), as_)
        if options.rest_right:
            mark(dataset, what, None, RIGHT)
        dataset.reload()
        return result(dataset, what)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        if ask_finding(inputs, ctx, "Finding"):
            if ctx.params.get("what"):
                _ask_step(inputs, ctx)
            ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(label="Estimate precision", submit_button_label="Go"),
        )

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        params, step = dict(ctx.params), ctx.params.get("step")
        if step in (RIGHT, WRONG):
            if not ctx.selected:
                raise InputError("Select the images in the grid first, then mark them.")
            params[step] = list(ctx.selected)
        elif step == _REST:
            params["rest_right"] = True
        elif step == _DRAW:
            params["new"] = True
        return params

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        estimate = self.run(ctx)
        ctx.ops.set_view(view=estimate.view)
        ctx.ops.reload_samples()
        ctx.ops.notify(estimate.summary(), variant="success")
        return {"text": estimate.to_markdown()}


def _ask_step(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    what = ctx.params["what"]
    drawn = has_sample(ctx.dataset, what)
    steps = types.RadioGroup()
    if drawn:
        inputs.md(result(ctx.dataset, what).to_markdown(), name="so_far")
        steps.add_choice(_RESULT, label="Show the sample and the result")
        selected = f"The selected images ({len(ctx.selected or ()):,}) are"
        steps.add_choice(RIGHT, label=f"{selected} right")
        steps.add_choice(WRONG, label=f"{selected} wrong")
        steps.add_choice(_REST, label="All that are not marked are right")
    steps.add_choice(
        _DRAW, label="Draw a new sample" if drawn else "Draw a random sample"
    )
    default = steps.values()[0]
    inputs.enum("step", steps.values(), default=default, label="Do", view=steps)
    if ctx.params.get("step", default) == _DRAW:
        inputs.int("n", default=_DEFAULT_N, label="Images to look at")
        inputs.int("seed", default=0, label="Seed: another one, another sample")


def _ids(samples: Sequence[str] | fo.DatasetView) -> list[str]:
    if isinstance(samples, fo.core.collections.SampleCollection):
        return list(samples.values("id"))
    return list(samples)
