"""Reads the features of a fastdup work_dir, to scan with them."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.fastdup.files import read_work_dir
from ..core.progress import OnProgress
from .adapter.curation.fastdup import Imported, put_features
from .adapter.ui.inputs import ask_folder, folder_of, show_error
from .adapter.ui.surface import LONG, LongOperator, keywords

_FIELD = "fastdup_embedding"


@dataclass(frozen=True)
class FromFastdupOptions:
    """What can be chosen.

    Attributes:
        work_dir: fastdup's work_dir
        field ("fastdup_embedding"): a new field, or one from an earlier call
        root (None): where fastdup's input_dir is now, if it was moved or given as a
            relative path
    """

    work_dir: str | Path
    _: KW_ONLY
    field: str = _FIELD
    root: str | Path | None = None

    def __post_init__(self) -> None:
        if not self.field.isidentifier() or self.field.startswith("_"):
            raise InputError(
                f"field={self.field!r} is no name of a field: begin with a letter, "
                "then letters, digits and underscores."
            )


class FromFastdup(LongOperator):
    """``@winnow/curate/from_fastdup``"""

    form_names = ("problem", "status")

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="from_fastdup",
            label="Winnow: read fastdup's features",
            description="Put the features of a fastdup work_dir into a field",
            icon="input",
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(FromFastdupOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: FromFastdupOptions,
        on_progress: OnProgress,
    ) -> Imported:
        """Puts the features that fastdup extracted into a field of vectors.

        Then ``scan(dataset.exists(field), embeddings=field)`` scans with them, and with
        ``preset="fastdup"`` reproduces the findings of fastdup.

        Example::

            to_fastdup = foo.get_operator("@winnow/curate/to_fastdup")
            written = to_fastdup(dataset, "work_dir")
            from_fastdup = foo.get_operator("@winnow/curate/from_fastdup")
            read = from_fastdup(dataset, written.output_dir)
            print(read.count)

        Args:
            samples: a data set or view of the images that fastdup processed

        Returns:
            an :class:`operators.adapter.curation.fastdup.Imported` with the number
            of images that have features

        Raises:
            InputError: there is no work_dir, or none of its images is in ``samples``;
                nothing was changed
        """
        found = read_work_dir(Path(options.work_dir).expanduser())
        return put_features(samples, found, options.field, options.root, on_progress)

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
