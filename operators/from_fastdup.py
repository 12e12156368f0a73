"""Reads the features of a fastdup work_dir, to scan with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.fastdup.files import read_work_dir
from ..core.progress import OnProgress
from .adapter.curation.fastdup import Imported, put_features
from .adapter.ui.inputs import ask_folder, folder_of, show_error
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.stream import stream

_FIELD = "fastdup_embedding"


class FromFastdup(foo.Operator):
    """``@winnow/curate/from_fastdup``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="from_fastdup",
            label="Winnow: read fastdup's features",
            description="Put the features of a fastdup work_dir into a field",
            icon="input",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        work_dir: str,
        *,
        field: str = _FIELD,
        root: str | None = None,
        progress: ProgressOption = None,
    ) -> Imported:
        """Puts the features that fastdup extracted into a field of vectors.

        Then ``scan(dataset.exists(field), embeddings=field)`` scans with them, and with
        ``preset="fastdup"`` reproduces the findings of fastdup.

        Args:
            samples: a data set or view of the images that fastdup processed
            work_dir: fastdup's work_dir
            field ("fastdup_embedding"): a new field, or one from an earlier call
            root (None): where fastdup's input_dir is now, if it was moved or given
                as a relative path
            progress (None): progress bars on or off, or a callback, as for ``scan``

        Returns:
            an :class:`operators.adapter.curation.fastdup.Imported` with the number
            of images that have features

        Raises:
            InputError: there is no work_dir, or none of its images is in ``samples``;
                nothing was changed
        """
        with progress_bars(progress) as on_progress:
            return _read(samples, work_dir, field, root, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        inputs = types.Object()
        ask_folder(inputs, "work_dir", "fastdup's work_dir")
        if folder_of(ctx.params, "work_dir"):
            try:
                found = read_work_dir(Path(folder_of(ctx.params, "work_dir")))
            except CurationError as error:
                show_error(inputs, "problem", error)
            else:
                count, dims = found.vectors.shape
                text = f"{count:,} images, {dims:,} numbers each"
                inputs.view("status", types.Notice(label=text))
        moved = "Where the images are now, if they were moved"
        ask_folder(inputs, "root", moved, required=False)
        inputs.str("field", default=_FIELD, required=True, label="Into the field")
        return types.Property(
            inputs,
            view=types.PromptView(
                label="Read fastdup's features", submit_button_label="Read"
            ),
        )

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> Imported:
            return _read(
                ctx.dataset,
                folder_of(ctx.params, "work_dir"),
                ctx.params.get("field") or _FIELD,
                folder_of(ctx.params, "root") or None,
                on_progress,
            )

        yield from stream(ctx, work)


def _read(
    samples: fo.core.collections.SampleCollection,
    work_dir: str,
    field: str,
    root: str | None,
    on_progress: OnProgress,
) -> Imported:
    if not field.isidentifier() or field.startswith("_"):
        raise InputError(
            f"field={field!r} is no name of a field: begin with a letter, then "
            "letters, digits and underscores."
        )
    found = read_work_dir(Path(work_dir).expanduser())
    return put_features(samples, found, field, root, on_progress)
