"""Proposes a split that no copy crosses, and writes it beside the present one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    group_field_candidates,
    propose_split,
    write_split,
)
from .adapter.dataset.internals import dataset_of
from .adapter.dataset.samples import flat_image_view, read_samples
from .adapter.runs.run_record import complete_run
from .adapter.ui.inputs import ask_prefix, ask_several, prefix_of, show_error
from .adapter.ui.stream import text_output

_NEW, _KEEP = "new", "keep"
_NONE = "(none)"
_DEFAULT_TEXT = ", ".join(f"{name} {share}" for name, share in DEFAULT_SHARES.items())


class Split(foo.Operator):
    """``@winnow/curate/split``"""

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

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        shares: Mapping[str, float] | None = None,
        *,
        fixed: Sequence[str] = (),
        group_field: str | None = None,
        label_field: str | None = None,
        split_by: str | Sequence[str] | None = None,
        seed: int = 0,
        to: str = DEFAULT_FIELD,
        tag_prefix: str | None = None,
        dry_run: bool = True,
        prefix: str | None = None,
    ) -> SplitReport:
        """Proposes splits without leaks: no cluster or group spans two splits.

        Classes are balanced. The current split, images and labels do not change: the
        proposal is written to a field, or to tags, of its own, and says what it costs.

        Args:
            samples: a scanned data set, or a view; only its images get a split
            shares (None): share of each split, such as ``{"train": 0.8, "valid": 0.1,
                "test": 0.1}``, for a new split; None for the current one with as
                few images moved as possible
            fixed: current splits that must not change, such as ``["test"]``; copies
                of their images in other splits get no split
            group_field (None): a field, such as the video or the patient, whose
                equal values stay together
            label_field (None): the field with the classes to balance; None for the
                scan's
            split_by (None): the current splits, as for ``scan``; None for the
                scan's
            seed (0): seed of a new split
            to ("winnow_split"): the field to write; it must be new, or hold an
                earlier split of this operator
            tag_prefix (None): prefix of tags to write in place of the field, before
                the split's name; "" for the names alone
            dry_run (True): only return the proposal; nothing is written
            prefix (None): prefix of the scan's fields

        Returns:
            a :class:`operators.adapter.curation.split.SplitReport`

        Raises:
            InputError: an argument is not valid; nothing was written
            ScanNotFoundError: it was not scanned yet
            StaleRunError: its scan was cut short, or is out of date
        """
        if fixed and shares is not None:
            raise InputError(
                "A new split changes all splits: give either shares or fixed."
            )
        choice = SplitChoice(
            shares, fixed, group_field, label_field, split_by, seed, prefix
        )
        dataset = dataset_of(samples)
        check_target(dataset, to, tag_prefix)
        report = propose_split(samples, choice)
        if dry_run:
            return report
        return replace(report, written=write_split(dataset, report, to, tag_prefix))

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        inputs.view_target(
            ctx, action_description="Split", default_target=foo.ViewTarget.DATASET
        )
        try:
            _ask(inputs, ctx)
            report = self(ctx.target_view(), **_arguments(ctx), dry_run=True)
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

    def execute(self, ctx: foo.ExecutionContext) -> dict[str, Any]:
        dry_run = ctx.params.get("dry_run", True)
        report = self(ctx.target_view(), **_arguments(ctx), dry_run=dry_run)
        ctx.ops.notify(report.summary(), variant="success")
        if report.written:
            ctx.ops.reload_dataset()
        return {"text": report.to_markdown(), "sizes": dict(report.sizes)}

    def resolve_output(self, ctx: foo.ExecutionContext) -> types.Property:
        return text_output()


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
    ways = types.RadioGroup()
    if split_by is not None:
        ways.add_choice(
            _KEEP,
            label="Keep the current split",
            description="Move as few images as possible",
        )
    ways.add_choice(
        _NEW, label="A new split", description="Divide all images, by given shares"
    )
    inputs.enum("way", ways.values(), default=ways.values()[0], label="How", view=ways)
    if _way(ctx) == _NEW:
        inputs.str("shares", default=_DEFAULT_TEXT, label="Shares")
        inputs.int("seed", default=0, label="Seed: another one, another split")
    else:
        view = flat_image_view(ctx.target_view())
        ask_several(
            inputs,
            "fixed",
            read_samples(view, split_by=split_by).split_names,
            label="Splits that must not change",
            description="Copies of their images in other splits then get no split",
        )
    groups = types.Dropdown()
    groups.add_choice(_NONE, label="No groups")
    for name in group_field_candidates(ctx.dataset):
        groups.add_choice(name, label=name)
    inputs.enum(
        "group_field",
        groups.values(),
        default=_NONE,
        label="Groups",
        description="Images with one value of this field stay together",
        view=groups,
    )
    inputs.str("to", default=DEFAULT_FIELD, label="Into the field")
    # Without it, as from Python, nothing is written
    inputs.bool("dry_run", default=False, label="Only propose it, write nothing")


def _way(ctx: foo.ExecutionContext) -> str:
    run = complete_run(ctx.dataset, prefix_of(ctx.params))
    likely = _NEW if run.split_by is None else _KEEP
    if ctx.params.get("way") is not None:
        return str(ctx.params["way"])
    return _NEW if ctx.params.get("shares") is not None else likely


def _arguments(ctx: foo.ExecutionContext) -> dict[str, Any]:
    params, group = ctx.params, ctx.params.get("group_field")
    is_new = _way(ctx) == _NEW
    shares = params.get("shares") or _DEFAULT_TEXT
    if isinstance(shares, str) and is_new:
        shares = parse_shares(shares)
    return {
        "shares": shares if is_new else None,
        "fixed": () if is_new else params.get("fixed") or (),
        "group_field": None if group in (None, "", _NONE) else group,
        "seed": int(params.get("seed") or 0),
        "to": params.get("to") or DEFAULT_FIELD,
        "tag_prefix": params.get("tag_prefix"),
        "prefix": prefix_of(params),
        **{
            name: params[name]
            for name in ("label_field", "split_by")
            if params.get(name) is not None
        },
    }
