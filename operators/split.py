"""Proposes a split that no copy crosses, and writes it beside the present one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from .adapter.curation.split import (
    DEFAULT_FIELD,
    DEFAULT_SHARES,
    SplitChoice,
    SplitReport,
    check_target,
    propose_split,
    write_split,
)
from .adapter.dataset.internals import dataset_of
from .adapter.dataset.samples import (
    flat_view,
    group_field_candidates,
    read_samples,
)
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import (
    ask_one,
    ask_prefix,
    ask_several,
    prefix_of,
    show_error,
    without_none,
)
from .adapter.ui.surface import Operator, keywords, may_be_empty, read_options

_NEW, _KEEP = "new", "keep"
_DEFAULT_TEXT = ", ".join(f"{name} {share}" for name, share in DEFAULT_SHARES.items())


@dataclass(frozen=True, kw_only=True)
class SplitOptions(SplitChoice):
    """What can be chosen.

    Attributes:
        field ("winnow_split"): the field to write; it must be new, or hold an earlier
            split of this operator
        tag_prefix (None): prefix of tags to write in place of the field, before the
            split's name; "" for the names alone
        dry_run (True): only return the proposal; nothing is written
    """

    field: str = DEFAULT_FIELD
    tag_prefix: str | None = may_be_empty(None)
    dry_run: bool = True


class Split(Operator):
    """``@winnow/curate/split``"""

    form_names = ("way", "problem", "proposal")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="split",
            label="Winnow: split without leaks",
            description=(
                "Propose balanced splits that keep copies and groups together"
            ),
            icon="call_split",
            dynamic=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    @keywords(SplitOptions)
    def __call__(
        self, samples: fo.core.collections.SampleCollection, options: SplitOptions
    ) -> SplitReport:
        """Proposes splits without leaks: no cluster or group spans two splits.

        Classes are balanced. The current split, images and labels do not change: the
        proposal is written to a field, or to tags, of its own, and says what it costs.

        Example::

            split = foo.get_operator("@winnow/curate/split")
            proposal = split(dataset, {"train": 0.8, "valid": 0.1, "test": 0.1})
            print(proposal)
            written = split(dataset, fixed=["test"], field="my_split", dry_run=False)

        Args:
            samples: a scanned data set, or a view; only its images get a split

        Returns:
            a :class:`operators.adapter.curation.split.SplitReport`

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        dataset = dataset_of(samples)
        check_target(dataset, options.field, options.tag_prefix)
        report = propose_split(samples, options)
        if options.dry_run:
            return report
        written = write_split(dataset, report, options.field, options.tag_prefix)
        return replace(report, written=written)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(
            ctx, action_description="Split", default_target=foo.ViewTarget.DATASET
        )
        try:
            _ask(inputs, ctx)
            params = _chosen({"way": _way(ctx), **ctx.params})
            options = read_options(SplitOptions, params)
            check_target(ctx.dataset, options.field, options.tag_prefix)
            report = propose_split(self.target(ctx), options)
        except CurationError as error:
            show_error(inputs, "problem", error)
        else:
            inputs.md(report.to_markdown(), name="proposal")
        ask_prefix(inputs, ctx)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Split without leaks", submit_button_label="Write this split"
            ),
        )

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        return _chosen(ctx.params)

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        return ctx.target_view()

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        report = self.run(ctx)
        ctx.ops.notify(report.summary(), variant="success")
        if report.written:
            ctx.ops.reload_dataset()
        return {"text": report.to_markdown(), "sizes": dict(report.sizes)}


def _chosen(params: Mapping[str, Any]) -> dict[str, Any]:
    """Returns ``params`` with the form's names turned into options."""
    options = without_none(params, "group_field")
    way, shares = params.get("way"), params.get("shares")
    if way == _NEW:
        # The form keeps what was chosen before another way was
        options["fixed"] = ()
        shares = shares or _DEFAULT_TEXT
    elif way == _KEEP:
        shares = None
    options["shares"] = parse_shares(shares) if isinstance(shares, str) else shares
    return options


def parse_shares(text: str) -> dict[str, float]:
    """Reads "train 0.8, valid 0.1, test 0.1".

    Raises:
        InputError: it does not say that
    """
    shares = {}
    for part in text.replace("=", " ").replace(":", " ").split(","):
        name, _, share = part.strip().rpartition(" ")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            raise InputError(
                f"'{part.strip()}' is not a name and a share. Write for example: "
                f"{_DEFAULT_TEXT}."
            ) from None
    return shares


def _ask(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    run = complete_run(ctx.dataset, prefix_of(ctx.params))
    split_by = run.split_by
    choices = types.RadioGroup()
    if split_by is not None:
        choices.add_choice(
            _KEEP,
            label="Keep the current split",
            description="Move as few images as possible",
        )
    choices.add_choice(
        _NEW, label="A new split", description="Divide all images, by given shares"
    )
    inputs.enum(
        "way", choices.values(), default=choices.values()[0], label="How", view=choices
    )
    if _way(ctx) == _NEW:
        inputs.str("shares", default=_DEFAULT_TEXT, label="Shares")
        inputs.int("seed", default=0, label="Seed: another one, another split")
    else:
        view = flat_view(ctx.target_view())
        ask_several(
            inputs,
            "fixed",
            read_samples(view, split_by=split_by).split_names,
            label="Splits that must not change",
            description="Copies of their images in other splits then get no split",
        )
    ask_one(
        inputs,
        "group_field",
        {name: name for name in group_field_candidates(ctx.dataset)},
        none="No groups",
        label="Groups",
        description="Images with one value of this field stay together",
    )
    inputs.str("field", default=DEFAULT_FIELD, label="Into the field")
    # Without it, as from Python, nothing is written
    inputs.bool("dry_run", default=False, label="Only propose it, write nothing")


def _way(ctx: foo.ExecutionContext) -> str:
    """Returns which way the form shows."""
    run = complete_run(ctx.dataset, prefix_of(ctx.params))
    likely = _NEW if run.split_by is None else _KEEP
    if ctx.params.get("way") is not None:
        return str(ctx.params["way"])
    return _NEW if ctx.params.get("shares") is not None else likely
