"""Compares new images with what is there, before they are added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.progress import OnProgress
from ..core.scan.settings import DEFAULTS, ScanSettings
from .adapter.curation.compare_sets import (
    CompareReport,
    check_names,
    compare_sets,
    write_fields,
    write_files,
)
from .adapter.curation.image_sets import image_set
from .adapter.ui.inputs import ask_folder, ask_several, folder_of, show_error
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import stream

_PREFIX = "ingest"
_THIS, _FOLDER = "this", "folder"


class Compare(foo.Operator):
    """``@winnow/curate/compare``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="compare",
            label="Winnow: compare with other data sets",
            description=(
                "Which images are new, already in another data set, or leak into its "
                "test split"
            ),
            icon="compare",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        new: fo.core.collections.SampleCollection | str,
        against: Any,
        *,
        split_by: str | Sequence[str] | None = None,
        model: str | None = None,
        min_copy_score: float = DEFAULTS.min_copy_score,
        min_copy_similarity: float | None = None,
        max_megapixels: float = DEFAULTS.max_megapixels,
        prefix: str = _PREFIX,
        write: bool = True,
        out: str | None = None,
        progress: ProgressOption = None,
    ) -> CompareReport:
        """Compares new images with existing data sets, and among themselves.

        Each image is ``new``, ``known`` (with its copy), a ``repeat`` of another new
        one, or ``unreadable``, and whether it leaks into a test split. No scan is
        needed; images that were embedded before are not embedded again. Writes
        ``ingest_*`` fields, or files.

        Args:
            new: the new images: a data set, a view, the name of a data set, or a
                folder
            against: the existing images: one of these, or a list. For a data set on
                both sides, only its other samples count
            split_by (None): the splits of ``new``, as for ``scan``; None for those of
                its last scan, else tags such as train. Those of ``against`` are
                found the same way, those of folders by their names
            model (None): a model, as for ``scan``; None for that of the last scan of
                ``against``
            min_copy_score (0.6): score above which two images are copies, 0 to 1
            min_copy_similarity (None): cosine similarity that copies need as well
            max_megapixels (64): size above which images are reported, not decoded
            prefix ("ingest"): prefix of the fields written to ``new``
            write (True): write fields, if ``new`` is not a folder
            out (None): a folder for ``compare.jsonl`` and ``summary.json``
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            a :class:`operators.adapter.curation.compare_sets.CompareReport`;
            ``.images`` has one result per new image

        Raises:
            InputError: an argument is not valid; nothing was changed
        """
        settings = ScanSettings(
            min_copy_score=min_copy_score,
            min_copy_similarity=min_copy_similarity,
            max_megapixels=max_megapixels,
        )
        with progress_bars(progress) as on_progress:
            return run_compare(
                new, against, split_by, model, settings, prefix, write, out, on_progress
            )

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        try:
            _ask(inputs, ctx)
        except CurationError as error:
            show_error(inputs, "problem", error)
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Compare with what is there", submit_button_label="Compare"
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> CompareReport:
            params = ctx.params
            new, against = _sides(ctx)
            names = ("min_copy_score", "min_copy_similarity", "max_megapixels")
            settings = ScanSettings(
                **{name: params[name] for name in names if name in params}
            )
            return run_compare(
                new,
                against,
                params.get("split_by"),
                params.get("model"),
                settings,
                params.get("prefix") or _PREFIX,
                params.get("write", True),
                folder_of(params, "out") or None,
                on_progress,
            )

        yield from stream(ctx, work)


def run_compare(
    new: Any,
    against: Any,
    split_by: str | Sequence[str] | None,
    model: str | None,
    settings: ScanSettings,
    prefix: str,
    write: bool,
    out: str | None,
    on_progress: OnProgress,
) -> CompareReport:
    """Compares, and writes what came out. Checks everything before any work."""
    is_many = isinstance(against, list | tuple)
    sets = [image_set(one) for one in (against if is_many else [against])]
    images = image_set(new, split_by)
    if images.dataset is not None and write:
        check_names(images.dataset, prefix)
    report = compare_sets(images, sets, model, settings, on_progress)
    written = []
    if images.dataset is not None and write:
        written.append(write_fields(images, report, prefix))
    if out:
        written.append(write_files(report, Path(out).expanduser()))
    return replace(report, written=" and ".join(written) or None)


def _ask(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    ways = types.RadioGroup()
    ways.add_choice(
        _THIS,
        label="This data set (or view) is new",
        description="Is it in another data set already?",
    )
    ways.add_choice(
        _FOLDER,
        label="A folder is new",
        description="Is it in this data set already?",
    )
    inputs.enum("way", ways.values(), default=_THIS, label="What is new", view=ways)
    if ctx.params.get("way", _THIS) == _FOLDER:
        ask_folder(inputs, "folder", "The new folder")
        ask_folder(
            inputs,
            "out",
            "Write compare.jsonl and summary.json to",
            required=False,
            description="Empty: only show what was found",
        )
        return
    others = [name for name in fo.list_datasets() if name != ctx.dataset.name]
    if not others and not ctx.params.get("against"):
        raise InputError(
            "There is no other data set to compare with. Load one, or compare a folder."
        )
    ask_several(
        inputs,
        "against",
        others,
        required=True,
        label="Compare with",
        description="Data sets that exist already, such as a benchmark",
    )
    prefix = ctx.params.get("prefix") or _PREFIX
    check_names(ctx.dataset, prefix)
    count = _samples(ctx).count()
    inputs.str("prefix", default=_PREFIX, label="Prefix of the fields")
    inputs.view("status", types.Notice(label=f"{count:,} images will be compared"))


def _sides(ctx: foo.ExecutionContext) -> tuple[Any, Any]:
    """Returns what is new and what exists."""
    if ctx.params.get("way", _THIS) == _THIS:
        return _samples(ctx), ctx.params.get("against") or []
    folder = folder_of(ctx.params)
    if not folder:
        raise InputError("Choose the folder that holds the new images.")
    return folder, ctx.dataset


def _samples(ctx: foo.ExecutionContext) -> fo.core.collections.SampleCollection:
    return ctx.view if ctx.has_custom_view else ctx.dataset
