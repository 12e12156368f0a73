"""The main job: find every problem of a data set and put it into fields."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.memory import give_back
from ..core.models.registry import DEFAULT_MODEL
from ..core.progress import OnProgress
from ..core.scan.apply_thresholds import apply_thresholds
from ..core.scan.collect import collect_scan_data
from ..core.scan.scan_data import ScanInput
from ..core.scan.settings import ScanSettings
from ..core.scan.stored_scan import save_scan_data
from ..core.storage.cache import cache_folder
from .adapter.dataset.decisions import read_decisions
from .adapter.dataset.fields import check_fields
from .adapter.dataset.internals import dataset_of
from .adapter.dataset.models import load_model, read_vectors
from .adapter.dataset.samples import flat_image_view, read_samples
from .adapter.runs.lock import exclusive_run, report_progress_to_file
from .adapter.runs.paths import new_scan_data_path
from .adapter.runs.publish import database_errors_explained, publish
from .adapter.runs.run_record import now
from .adapter.runs.scan_report import ScanReport
from .adapter.runs.stored_run import previous_scan_data
from .adapter.ui.progress import ProgressOption, progress_bars
from .adapter.ui.scan_forms import scan_form, scan_params
from .adapter.ui.stream import stream


@dataclass(frozen=True)
class ScanOptions:
    """What a person chooses for a scan, beside its settings.

    Attributes:
        label_field: a Classification or string field; None for no labels
        split_by: a string field, or sample tags; None for no splits
        model: a built-in model, an ONNX file's path or a zoo model's name
        embeddings: a field of vectors to use in place of a model
        prefix: put before all field names
    """

    label_field: str | None = None
    split_by: str | Sequence[str] | None = None
    model: str = DEFAULT_MODEL
    embeddings: str | None = None
    prefix: str | None = None


class Scan(foo.Operator):
    """``@winnow/curate/scan``"""

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name="scan",
            label="Winnow: scan for problems",
            description=(
                "Find duplicates, outliers, wrong labels, leaks between splits and "
                "bad images"
            ),
            icon="grain",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        *,
        label_field: str | None = None,
        split_by: str | Sequence[str] | None = None,
        model: str = DEFAULT_MODEL,
        embeddings: str | None = None,
        prefix: str | None = None,
        delegate: bool = False,
        progress: ProgressOption = None,
        **settings: Any,
    ) -> ScanReport | foo.ExecutionResult:
        """Reads, embeds and compares all images, and writes the fields.

        Images that were embedded before are not embedded again.

        Args:
            samples: a data set or view of images
            label_field (None): a Classification or string field; without it, wrong
                labels are not looked for
            split_by (None): a list of sample tags, or a string field, that names the
                splits; without it, leaks are not looked for
            model ("efficientnet-lite0"): a built-in model, the path of an ONNX
                image model, or the name of a model of FiftyOne's zoo
            embeddings (None): a field of vectors to use in place of a model
            prefix (None): prefix of all field names, to keep several scans
            delegate (False): queue the scan for ``fiftyone delegated launch``
            progress (None): True or False for progress bars, or a function that is
                called with each :class:`core.progress.Progress`
            **settings: fields of :class:`core.scan.settings.ScanSettings`

        Returns:
            a :class:`operators.adapter.runs.scan_report.ScanReport`, or the queued
            operation

        Raises:
            InputError: an argument is not valid; nothing was changed
            CurationError: the scan could not be finished
        """
        options = ScanOptions(label_field, split_by, model, embeddings, prefix)
        checked = ScanSettings(**settings)
        if delegate:
            params = {**asdict(options), **asdict(checked)}
            kind = "view" if isinstance(samples, fo.DatasetView) else "dataset"
            return foo.execute_operator(
                self.uri, {kind: samples}, params=params, request_delegation=True
            )
        with progress_bars(progress) as on_progress:
            return run_scan(samples, options, checked, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return scan_form(ctx)

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        def work(on_progress: OnProgress) -> ScanReport:
            options, settings = scan_params(ctx.params)
            return run_scan(
                ctx.target_view(),
                ScanOptions(**options),
                ScanSettings(**settings),
                on_progress,
            )

        yield from stream(ctx, work)


def run_scan(
    samples: fo.core.collections.SampleCollection,
    options: ScanOptions,
    settings: ScanSettings,
    on_progress: OnProgress,
) -> ScanReport:
    """Reads, embeds, finds, writes. Checks everything before any work."""
    with database_errors_explained(), contextlib.ExitStack() as stack:
        view = flat_image_view(samples)
        dataset = dataset_of(view)
        stack.enter_context(exclusive_run(dataset))
        on_progress = report_progress_to_file(dataset, on_progress)
        check_fields(dataset, options.prefix)
        settings.check_against(len(view))
        scanned_at = now()
        table = read_samples(
            view, label_field=options.label_field, split_by=options.split_by
        )
        vectors = read_vectors(view, options.embeddings) if options.embeddings else None
        embedder = None if options.embeddings else load_model(options.model)
        scan_data = collect_scan_data(
            ScanInput(
                table.paths,
                table.labels,
                table.classes,
                table.splits,
                table.split_names,
                vectors,
            ),
            embedder,
            folder=cache_folder(),
            settings=settings,
            previous=previous_scan_data(dataset, options.prefix),
            on_progress=on_progress,
        )
        started = time.perf_counter()
        decisions = read_decisions(dataset, table.ids, scan_data)
        findings = apply_thresholds(scan_data, settings, decisions)
        stored = new_scan_data_path(dataset, options.prefix)
        save_scan_data(scan_data, stored)
        seconds = {
            **scan_data.seconds,
            "apply_thresholds": time.perf_counter() - started,
        }
        give_back()
        return publish(
            dataset,
            table.ids,
            findings,
            scan_data,
            stored,
            prefix=options.prefix,
            scanned_at=scanned_at,
            settings={**asdict(options), **asdict(settings)},
            seconds=seconds,
            on_progress=on_progress,
        )
