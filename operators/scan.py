"""The main job: find every problem of a data set and put it into fields."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ..core.common.memory import give_back, old_objects_spared
from ..core.errors import InputError
from ..core.progress import OnProgress
from ..core.scan.apply_thresholds import apply_thresholds
from ..core.scan.collect import collect_scan_data
from ..core.scan.collect_videos import collect_video_data
from ..core.scan.scan_data import ScanInput
from ..core.scan.stored_scan import save_scan_data
from ..core.storage.cache import cache_folder
from .adapter.dataset.decisions import read_decisions
from .adapter.dataset.fields import check_fields, fields_of_scan
from .adapter.dataset.internals import dataset_of
from .adapter.dataset.models import load_model, read_vectors
from .adapter.dataset.object_fields import check_attributes
from .adapter.dataset.objects import check_object_field, read_objects
from .adapter.dataset.predictions import check_predictions, read_predictions
from .adapter.dataset.properties import read_properties
from .adapter.dataset.samples import flat_view, is_of_videos, read_samples
from .adapter.dataset.video_metadata import write_video_metadata
from .adapter.runs.lock import exclusive_run, report_progress_to_file
from .adapter.runs.object_run import scan_objects
from .adapter.runs.paths import new_scan_data_path, runs_folder
from .adapter.runs.publish import database_errors_explained, publish
from .adapter.runs.run_record import now
from .adapter.runs.scan_report import ScanReport
from .adapter.runs.stored_run import previous_scan_data
from .adapter.ui.scan_form import SCAN_FORM_NAMES, scan_form, scan_params
from .adapter.ui.scan_options import ScanOptions
from .adapter.ui.surface import LONG, LongOperator, keywords


class Scan(LongOperator):
    """``@winnow/curate/scan``"""

    form_names = SCAN_FORM_NAMES

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
            risk_level=types.RiskLevel.MEDIUM,
            **LONG,
        )

    @keywords(ScanOptions, long=True)
    def __call__(
        self,
        samples: fo.core.collections.SampleCollection,
        options: ScanOptions,
        on_progress: OnProgress,
    ) -> ScanReport:
        """Reads, embeds and compares all images or videos, and writes the fields.

        Images that were embedded before are not embedded again. With ``objects``, the
        labeled boxes are compared as well, each by what it shows: their findings are
        attributes of the labels.

        A data set of videos needs no ffmpeg: every ``every`` seconds a frame of each is
        looked at. Two videos are copies if the frames of the shorter follow one another
        in the longer, too; what each stretch shows is in ``winnow_segments``.

        Example::

            scan = foo.get_operator("@winnow/curate/scan")
            report = scan(
                dataset, label_field="ground_truth", split_by=["train", "test"]
            )
            print(report)

        Args:
            samples: a data set or view of images, or of videos

        Returns:
            a :class:`operators.adapter.runs.scan_report.ScanReport`, or the queued
            operation

        Raises:
            InputError: an argument is not valid; nothing was changed
            CurationError: the scan could not be finished
        """
        return run_scan(samples, options, on_progress)

    def resolve_input(self, ctx: foo.ExecutionContext) -> types.Property:
        return scan_form(ctx)

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        return scan_params(ctx.params)

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        return ctx.target_view()


def run_scan(
    samples: fo.core.collections.SampleCollection,
    options: ScanOptions,
    on_progress: OnProgress,
) -> ScanReport:
    """Reads, embeds, finds, writes. Checks everything before any work."""
    settings = options.settings
    with database_errors_explained(), contextlib.ExitStack() as stack:
        view = flat_view(samples)
        dataset = dataset_of(view)
        stack.enter_context(exclusive_run(dataset))
        stack.enter_context(old_objects_spared())
        on_progress = report_progress_to_file(dataset, on_progress)
        if of_videos := is_of_videos(view):
            _check_for_videos(options)
        check_fields(
            dataset,
            options.prefix,
            fields_of_scan(of_objects=bool(options.objects), of_videos=of_videos),
        )
        if options.objects:
            check_object_field(view, options.objects)
            check_attributes(dataset, options.objects, options.prefix)
        settings.check_against(len(view))
        scanned_at = now()
        table = read_samples(
            view,
            label_field=options.label_field,
            split_by=options.split_by,
            sequence_field=options.sequence_field,
        )
        boxes = read_objects(view, options.objects) if options.objects else None
        predictions = None
        if options.predictions:
            check_predictions(view, options.predictions, options.label_field)
            predictions = read_predictions(view, options.predictions, table.classes)
        vectors = read_vectors(view, options.embeddings) if options.embeddings else None
        embedder = None if options.embeddings else load_model(options.model)
        scan_input = ScanInput(
            table.paths,
            table.labels,
            table.classes,
            table.splits,
            table.split_names,
            table.recordings,
            vectors,
            predictions,
            read_properties(view, options.properties),
        )
        collect = collect_video_data if of_videos else collect_scan_data
        scan_data = collect(
            scan_input,
            embedder,
            folder=cache_folder(),
            settings=settings,
            previous=previous_scan_data(dataset, options.prefix),
            other_scans=runs_folder(),
            on_progress=on_progress,
        )
        started = time.perf_counter()
        decisions = read_decisions(dataset, table.ids, scan_data)
        findings = apply_thresholds(scan_data, settings, decisions)
        stored = new_scan_data_path(dataset, options.prefix)
        save_scan_data(scan_data, stored)
        seconds = {
            **scan_data.seconds,
            "apply thresholds": time.perf_counter() - started,
        }
        objects = None
        if options.objects and boxes is not None and embedder is not None:
            objects = scan_objects(
                dataset,
                options.objects,
                boxes,
                scan_data,
                findings,
                table.paths,
                embedder,
                settings=settings,
                options=options.object_settings,
                prefix=options.prefix,
                stored=stored,
                on_progress=on_progress,
            )
            seconds |= objects.seconds
        give_back()
        if of_videos:
            write_video_metadata(dataset, table.ids, scan_data)
        return publish(
            dataset,
            table.ids,
            findings,
            scan_data,
            stored,
            objects,
            prefix=options.prefix,
            scanned_at=scanned_at,
            settings=asdict(options),
            seconds=seconds,
            on_progress=on_progress,
        )


def _check_for_videos(options: ScanOptions) -> None:
    """Raises :class:`InputError` for what a scan of videos has no use for."""
    for name, why in _NOT_OF_VIDEOS.items():
        if getattr(options, name):
            raise InputError(f"{name}= is of images: {why}. Leave it out for videos.")


_NOT_OF_VIDEOS = {
    "embeddings": "a video is compared by vectors of its frames, which a model makes",
    "objects": "boxes lie on frames; sample_frames makes images of them, with boxes",
    "preset": "fastdup compares images; sample_frames makes images of the frames",
    "calibrate": "known copies are made of images",
}
