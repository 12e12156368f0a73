"""Views of labeled objects: those of a finding, and those that a call is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone as fo

from ....core.errors import InputError
from ....core.findings.object_registry import OBJECT_FINDINGS
from ..dataset.fields import field_name
from ..dataset.internals import dataset_of, shows_objects
from ..dataset.objects import objects_path
from ..dataset.present import present
from ..runs.run_record import complete_run
from .expressions import object_expression


def chosen_labels(
    samples: fo.core.collections.SampleCollection,
    what: str | None,
    ids: Sequence[str] | None,
    prefix: str | None,
) -> fo.DatasetView:
    """Returns the samples with the chosen objects alone.

    Args:
        samples: a data set that was scanned, or a view of it; one of patches limits
            nothing but by the ids
        what: a name of :data:`~core.findings.object_registry.OBJECT_FINDINGS`; None
            for all
        ids: of the labels that it is limited to; None for no limit
        prefix: of the scan's fields

    Raises:
        InputError: objects were not scanned
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    dataset = dataset_of(samples)
    name = scanned_objects(dataset, prefix)
    view = present(dataset if shows_objects(samples) else samples)
    if what is not None:
        view = view.filter_labels(name, object_expression(what, prefix))
    if ids is not None:
        view = view.select_labels(ids=ids, fields=name)
    return view


def scanned_objects(dataset: fo.Dataset, prefix: str | None) -> str:
    """Returns the field whose objects the last scan looked at.

    Raises:
        InputError: objects were not scanned
        ScanNotFoundError: it was not scanned yet
        StaleRunError: its scan was cut short, or is out of date
    """
    run = complete_run(dataset, prefix)
    if run.objects is None:
        raise InputError(
            "The last scan did not look at objects, so nothing is known of them. Scan "
            'again with objects= and the name of their field, such as "ground_truth".'
        )
    return run.objects


def patches_of(samples: fo.DatasetView, name: str, wanted: Any) -> fo.DatasetView:
    """Returns the objects of a field that a filter lets through, as patches.

    If the field holds one object an image, these are images.
    """
    # Filtered first: to_patches copies what it gets
    view = samples.filter_labels(name, wanted)
    return view if objects_path(samples, name) == name else view.to_patches(name)


def worst_first(
    objects: fo.DatasetView, name: str, what: str, prefix: str | None
) -> fo.DatasetView:
    """Returns the objects of a finding in its order.

    Args:
        objects: from :func:`patches_of`
        name: field of the objects
        what: a name of :data:`~core.findings.object_registry.OBJECT_FINDINGS`
        prefix: of the scan's fields
    """
    finding = OBJECT_FINDINGS[what]
    by = f"{name}.{field_name(finding.sort_by, prefix)}"
    return objects.sort_by(by, reverse=finding.descending)


def object_view(dataset: fo.Dataset, what: str, prefix: str | None) -> fo.DatasetView:
    """Returns the objects of a finding as a grid shows them, worst first."""
    name = scanned_objects(dataset, prefix)
    objects = patches_of(present(dataset), name, object_expression(what, prefix))
    return worst_first(objects, name, what, prefix)
