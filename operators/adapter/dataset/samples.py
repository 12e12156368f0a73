"""Reads from a data set what a scan needs: ids, paths, labels and splits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import fiftyone as fo
import fiftyone.core.fields as fof
import numpy as np
from numpy.typing import NDArray

from ....core.common.text import first_of
from ....core.errors import InputError
from ....core.reading.image_names import VIDEOS
from ....core.scan.scan_data import Recordings
from .fields import is_ours
from .internals import (
    dataset_of,
    is_grouped_by_field,
    shows_parts,
    stored_values,
)
from .labels import KINDS as LABEL_KINDS
from .labels import holds_labels, label_field_of
from .present import present

VIDEO = fo.core.media.VIDEO
NO_CODE = -1
"""Codes a sample without a label or without a split."""

_GROUP_FIELDS = (fof.StringField, fof.IntField, fof.ObjectIdField)
_OWN_GROUPS = ("winnow_sequence", "scene_group")
"""Of the fields that a scan writes, those that say what should stay together."""

_SHOWN = 8
_MOST_SPLITS = 20


@dataclass(frozen=True, eq=False)
class SampleTable:
    """n samples, in the view's order.

    Attributes:
        ids: sample ids
        paths: of the media files, as the file system spells them
        labels: int32[n], codes into ``classes``; None without a label field
        classes: the label names, sorted
        splits: int32[n], codes into ``split_names``; None without splits
        split_names: in the order given, or sorted
        recordings: None without a field of them
    """

    ids: list[str]
    paths: list[bytes]
    labels: NDArray[np.int32] | None
    classes: list[str]
    splits: NDArray[np.int32] | None
    split_names: list[str]
    recordings: Recordings | None


def flat_image_view(
    samples: fo.core.collections.SampleCollection, at_least: int = 2
) -> fo.DatasetView:
    """Returns the samples as a plain view of images, sorted by id.

    Args:
        samples: a data set or a view
        at_least: so many samples; a scan compares them with each other

    Raises:
        InputError: no samples, or samples that are not whole images
    """
    view = flat_view(samples, at_least)
    if is_of_videos(view):
        raise InputError(
            f"'{dataset_of(view).name}' holds videos, and this works on images. "
            "sample_frames writes the frames that differ, as a data set of images."
        )
    return view


def flat_view(
    samples: fo.core.collections.SampleCollection, at_least: int = 2
) -> fo.DatasetView:
    """Returns the samples as a plain view of images or of videos, sorted by id.

    Args:
        samples: a data set or a view
        at_least: so many samples; a scan compares them with each other

    Raises:
        InputError: no samples, or samples that are not whole images or videos
    """
    if not isinstance(samples, fo.core.collections.SampleCollection):
        raise InputError(
            f"Give a FiftyOne data set or view to scan, not {samples!r}. A data set "
            "is loaded by its name with fo.load_dataset(NAME)."
        )
    view = samples.view()
    if shows_parts(view):
        raise InputError(
            "This view shows parts of samples (patches, frames or clips). Winnow "
            "scans whole images and videos: go back to the data set and scan that, "
            "with objects= for what boxes show."
        )
    if is_grouped_by_field(view):
        view = view.flatten()
    view = present(view)
    media, name = view.media_type, dataset_of(samples).name
    if media == "group":
        names = ", ".join(dataset_of(samples).group_slices)
        raise InputError(
            f"'{name}' is a grouped data set. Scan one slice of it: "
            f"dataset.select_group_slices(SLICE), where SLICE is one of {names}."
        )
    if media == "mixed":
        raise InputError(
            f"This view of '{name}' holds images and videos. Scan them one after the "
            "other: dataset.select_group_slices(media_type='image'), and "
            "media_type='video'."
        )
    if media not in ("image", VIDEO, "unknown", None):
        raise InputError(
            f"'{name}' holds media of type '{media}'. Winnow scans images and videos."
        )
    count = len(view)
    if count < at_least:
        raise InputError(
            f"There {'is 1 sample' if count == 1 else 'are no samples'} to scan. "
            f"Winnow compares {kind_of(view)} with each other: add at least 2."
        )
    return view.sort_by("id")


def is_of_videos(samples: fo.core.collections.SampleCollection) -> bool:
    """Returns whether the samples are videos."""
    return bool(samples.media_type == VIDEO)


def kind_of(samples: fo.core.collections.SampleCollection) -> str:
    """Returns what the samples are, in the plural."""
    return VIDEOS if is_of_videos(samples) else "images"


def label_field_candidates(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Returns the names of the fields that can hold the label of each image."""
    schema = samples.get_field_schema(flat=False)
    return [name for name, field in schema.items() if _is_label(name, field)]


def split_field_candidates(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Returns the names of the fields that can name a split."""
    schema = samples.get_field_schema(flat=False)
    return [
        name
        for name, field in schema.items()
        if isinstance(field, fof.StringField)
        and name != "filepath"
        and not is_ours(field)
    ]


def check_label_field(
    samples: fo.core.collections.SampleCollection, label_field: str
) -> None:
    """Raises :class:`InputError` unless the field holds labels of whole images."""
    candidates = label_field_candidates(samples)
    if label_field in candidates:
        return
    schema = samples.get_field_schema(flat=False)
    hint = _list_of(candidates, "Fields that can be used", "No field can be used")
    if label_field not in schema:
        raise InputError(f"There is no label field '{label_field}'. {hint}")
    field = schema[label_field]
    if label_field == "filepath":
        raise InputError(f"Field 'filepath' says where images are, not what. {hint}")
    if is_ours(field):
        raise InputError(
            f"Field '{label_field}' was written by Winnow, and is no label to check. "
            f"{hint}"
        )
    kind = getattr(field, "document_type", None) or type(field)
    raise InputError(
        f"Field '{label_field}' holds {kind.__name__}, which is no label of a whole "
        f"image: {LABEL_KINDS} is needed. {hint}"
    )


def read_samples(
    view: fo.DatasetView,
    *,
    label_field: str | None = None,
    split_by: str | Sequence[str] | None = None,
    sequence_field: str | None = None,
) -> SampleTable:
    """Reads ids, paths, labels and splits in a few queries.

    Args:
        view: of images or videos, see :func:`flat_view`
        label_field: a field of labels, see :mod:`~.labels`
        split_by: a string field, or a list of sample tags, one a split
        sequence_field: a field of texts or whole numbers that names recordings

    Raises:
        InputError: a field or a tag that is absent or cannot be used
    """
    if label_field is not None:
        check_label_field(view, label_field)
    ids, paths = view.values(["id", "filepath"])
    if len(set(ids)) != len(ids):
        raise InputError(
            "The view holds some samples twice, and an image is not a duplicate of "
            "itself. Scan the data set, or a view that was not concatenated."
        )
    splits, split_names = None, list[str]()
    if split_by is not None:
        splits, split_names = _read_splits(view, split_by)
    labels, classes = None, list[str]()
    if label_field is not None:
        labels, classes = _codes(label_field_of(view, label_field).texts(view))
        if not classes:
            raise InputError(
                f"No sample has a label in field '{label_field}'. Choose another "
                "field, or scan without labels."
            )
    recordings = None
    if sequence_field is not None:
        recordings = Recordings(*_codes(read_groups(view, sequence_field)))
    return SampleTable(
        ids,
        [os.fsencode(path) for path in paths],
        labels,
        classes,
        splits,
        split_names,
        recordings,
    )


def group_field_candidates(
    samples: fo.core.collections.SampleCollection, *, with_own: bool = True
) -> list[str]:
    """Returns the fields that may say what belongs together.

    Args:
        samples: a data set or a view
        with_own: also those that a scan wrote
    """
    schema = samples.get_field_schema(flat=True)
    return [
        name
        for name, field in schema.items()
        if name not in ("id", "filepath")
        and isinstance(field, _GROUP_FIELDS)
        and not name.startswith(("metadata.", "_"))
        and not name.endswith((".id", "._id"))
        and (
            (with_own and name.endswith(_OWN_GROUPS))
            or not {"created_by", "made_by"} & (field.info or {}).keys()
        )
    ]


def read_groups(view: fo.DatasetView, field: str) -> list[str | None]:
    """Returns which group each sample is in, by a field; None for none.

    Raises:
        InputError: a field that cannot name groups
    """
    # A path is a group of one
    if field == "filepath" or not isinstance(view.get_field(field), _GROUP_FIELDS):
        names = ", ".join(group_field_candidates(view)) or "none"
        raise InputError(
            f"'{field}' is not a field of texts or whole numbers that could name "
            f"groups. Fields here: {names}."
        )
    values = view.values(field)
    if any(isinstance(value, list) for value in values):
        raise InputError(
            f"'{field}' holds several values a sample; a group field must hold one."
        )
    return [None if value is None else str(value) for value in values]


def _read_splits(
    view: fo.DatasetView, split_by: str | Sequence[str]
) -> tuple[NDArray[np.int32], list[str]]:
    if isinstance(split_by, str):
        return _splits_of_field(view, split_by)
    return _splits_of_tags(view, list(split_by))


def _splits_of_field(
    view: fo.DatasetView, field: str
) -> tuple[NDArray[np.int32], list[str]]:
    candidates = split_field_candidates(view)
    if field not in candidates:
        hint = _list_of(candidates, "String fields here", "There is no string field")
        tags = view.distinct("tags")
        more = _list_of(tags, "To split by sample tags, give a list of them", "")
        raise InputError(
            f"'{field}' is not a string field that could name a split. {hint} {more}"
        )
    codes, names = _codes(view.values(field))
    if len(names) > _MOST_SPLITS:
        raise InputError(
            f"Field '{field}' has {len(names):,} different values, too many to be "
            f"splits (at most {_MOST_SPLITS}). Choose the one that says train or test."
        )
    if len(names) < 2:
        raise InputError(
            f"Field '{field}' names {len(names)} split here, and leaks need two. "
            "Choose another field, or scan without splits."
        )
    return codes, names


def _splits_of_tags(
    view: fo.DatasetView, tags: list[str]
) -> tuple[NDArray[np.int32], list[str]]:
    if len(set(tags)) != len(tags) or len(tags) < 2:
        raise InputError(
            f"split_by={tags!r} must list at least two different sample tags."
        )
    counts = view.count_values("tags")
    empty = [tag for tag in tags if not counts.get(tag)]
    if empty:
        hint = _list_of(sorted(counts), "Tags here", "No sample has a tag")
        raise InputError(
            f"No sample is tagged {_quoted(empty)}, so that split is empty. {hint}"
        )
    tags_of = stored_values(view, "tags")
    codes = np.full(len(tags_of), NO_CODE, np.int32)
    wanted = {tag: code for code, tag in enumerate(tags)}
    overlaps = 0
    for row, own in enumerate(tags_of):
        found = [wanted[tag] for tag in own or () if tag in wanted]
        overlaps += len(found) > 1
        if found:
            codes[row] = found[0]
    if overlaps:
        raise InputError(
            f"{overlaps:,} samples carry more than one of the tags {_quoted(tags)}, "
            "so the splits overlap. Untag them until each sample is in one split."
        )
    return codes, tags


def _codes(values: list[str | None]) -> tuple[NDArray[np.int32], list[str]]:
    names = sorted({value for value in values if value is not None})
    code = {name: number for number, name in enumerate(names)}
    codes = [NO_CODE if value is None else code[value] for value in values]
    return np.array(codes, np.int32), names


def _is_label(name: str, field: fof.Field) -> bool:
    return name not in ("id", "filepath") and holds_labels(field) and not is_ours(field)


def _list_of(names: Sequence[str], some: str, none: str) -> str:
    if not names:
        return f"{none}." if none else ""
    return f"{some}: {first_of(names, _SHOWN)}."


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
