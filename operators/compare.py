"""Compares new images or videos with what is there, before they are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.errors import CurationError, InputError
from ..core.progress import OnProgress
from ..core.scan.settings import DEFAULTS, ScanSettings
from .adapter.curation.compare_output import check_names, write_fields, write_files
from .adapter.curation.compare_report import CompareReport
from .adapter.curation.compare_sets import compare_sets
from .adapter.curation.image_sets import image_set
from .adapter.ui.inputs import ask_folder, ask_several, folder_of, show_error
from .adapter.ui.surface import LONG, LongOperator, as_params, keywords

_PREFIX = "ingest"
_THIS, _FOLDER = "this", "folder"


@dataclass(frozen=True)
class CompareOptions:
    """What can be chosen.

    Attributes:
        against: the existing ones: a data set, a view, the name of a data set, a
            folder, or a list of these. For a data set on both sides, only its other
            samples count
        split_by (None): the splits of ``new``, as for ``scan``; None for those of
            its last scan, else tags such as train. Those of ``against`` are found
            the same way, those of folders by their names
        model (None): a model, as for ``scan``; None for that of the last scan of
            ``against``
        min_copy_score (0.6): score above which two images are copies, 0 to 1
        min_copy_similarity (None): cosine similarity that copies need as well
        every (0.5): seconds between the frames of videos that are looked at
        min_shared (0.3): share of the frames of the shorter of two videos that the
            other shows from which on they are copies, 0.05 to 1
        max_megapixels (64): size above which images are reported, not decoded
        prefix ("ingest"): prefix of the fields written to ``new``
        write (True): write fields, if ``new`` is not a folder
        output_dir (None): a folder for ``compare.jsonl`` and ``summary.json``
    """

    against: Any
    _: KW_ONLY
    split_by: str | Sequence[str] | None = None
    model: str | None = None
    min_copy_score: float = DEFAULTS.min_copy_score
    min_copy_similarity: float | None = None
    every: float = DEFAULTS.every
    min_shared: float = DEFAULTS.min_shared
    max_megapixels: float = DEFAULTS.max_megapixels
    prefix: str = _PREFIX
    write: bool = True
    output_dir: str | Path | None = None

    @property
    def settings(self) -> ScanSettings:
        """What decides of copies."""
        return ScanSettings(
            min_copy_score=self.min_copy_score,
            min_copy_similarity=self.min_copy_similarity,
            every=self.every,
            min_shared=self.min_shared,
            max_megapixels=self.max_megapixels,
        )


class Compare(LongOperator):
    """``@winnow/curate/compare``"""

    form_names = ("way", "problem", "status")

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
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(CompareOptions, long=True)
    def __call__(
        self,
        new: fo.core.collections.SampleCollection | str,
        options: CompareOptions,
        on_progress: OnProgress,
    ) -> CompareReport:
        """Compares new images or videos with existing data sets, and among themselves.

        Each one is ``new``, ``known`` (with its copy), a ``repeat`` of another new
        one, or ``unreadable``, and whether it leaks into a test split. No scan is
        needed; images that were embedded before are not embedded again. A new video
        that shows more than its copy is ``new``, and ``resembles`` it. Writes
        ``ingest_*`` fields, or files.

        Example::

            compare = foo.get_operator("@winnow/curate/compare")
            report = compare(dataset.match_tags("train"), dataset)
            print(report)
            known = report.to_pandas().query("status == 'known'")

        Args:
            new: the new images: a data set, a view, the name of a data set, or a
                folder

        Returns:
            a :class:`operators.adapter.curation.compare_report.CompareReport`;
            ``.images`` has one result per new image

        Raises:
            InputError: an argument is not valid; nothing was changed
        """
        settings, against = options.settings, options.against
        is_many = isinstance(against, list | tuple)
        sets = [image_set(one) for one in (against if is_many else [against])]
        images = image_set(new, options.split_by)
        if images.dataset is not None and options.write:
            check_names(images.dataset, options.prefix)
        report = compare_sets(images, sets, options.model, settings, on_progress)
        written = []
        if images.dataset is not None and options.write:
            written.append(write_fields(images, report, options.prefix))
        if options.output_dir:
            folder = Path(options.output_dir).expanduser()
            written.append(write_files(report, folder))
        return replace(report, written=" and ".join(written) or None)

    def queue(self, samples: Any, options: CompareOptions) -> foo.ExecutionResult:
        many = options.against
        sets = list(many) if isinstance(many, list | tuple) else [many]
        names = [one.name if isinstance(one, fo.Dataset) else one for one in sets]
        params = as_params(replace(options, against=names))
        kind = "view" if isinstance(samples, fo.DatasetView) else "dataset"
        context = {kind: samples}
        if isinstance(samples, str | Path):
            # A queued operation is stored with a data set: any that is named does
            params["new"] = str(samples)
            context = {"dataset": next(filter(fo.dataset_exists, names), None)}
            if context["dataset"] is None:
                raise InputError(
                    "Only a comparison with a data set can be queued, not one of "
                    "folders alone. Leave delegate out."
                )
        return foo.execute_operator(
            self.uri, context, params=params, request_delegation=True
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

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        params = dict(ctx.params)
        if _folder_is_new(ctx) and not params.get("against"):
            params["against"] = ctx.dataset
        return params

    def target(self, ctx: foo.ExecutionContext) -> Any:
        if not _folder_is_new(ctx):
            return self.default_target(ctx)
        folder = folder_of(ctx.params, "new")
        if not folder:
            raise InputError("Choose the folder that holds the new images.")
        return folder


def _folder_is_new(ctx: foo.ExecutionContext) -> bool:
    likely = _FOLDER if ctx.params.get("new") else _THIS
    return bool(ctx.params.get("way", likely) == _FOLDER)


def _ask(inputs: types.Object, ctx: foo.ExecutionContext) -> None:
    choices = types.RadioGroup()
    choices.add_choice(
        _THIS,
        label="This data set (or view) is new",
        description="Is it in another data set already?",
    )
    choices.add_choice(
        _FOLDER,
        label="A folder is new",
        description="Is it in this data set already?",
    )
    inputs.enum(
        "way", choices.values(), default=_THIS, label="What is new", view=choices
    )
    if _folder_is_new(ctx):
        ask_folder(inputs, "new", "The new folder")
        ask_folder(
            inputs,
            "output_dir",
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
    count = (ctx.view if ctx.has_custom_view else ctx.dataset).count()
    inputs.str("prefix", default=_PREFIX, label="Prefix of the fields")
    inputs.view("status", types.Notice(label=f"{count:,} will be compared"))
