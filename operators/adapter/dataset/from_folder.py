"""Keeps a folder of images as a data set: splits as tags, classes as labels."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiftyone as fo
import fiftyone.core.media as fom
from fiftyone import ViewField as F

from ....core.actions.quarantine import is_quarantined
from ....core.reading.folders import FolderListing, ImageFile, folder_of
from ....core.reading.image_names import starts_like_an_image
from .internals import document_like, new_document, sample_documents
from .layout_record import changed_places, record_layout
from .present import GONE_TAG, present

LABEL_FIELD = "ground_truth"

_ADDED_AT_ONCE = 10_000
"""Samples per insertion: some 5 MB."""


@dataclass(frozen=True)
class FolderData:
    """A folder's data set.

    Attributes:
        dataset: persistent, named after the folder
        view: the samples whose files are in the folder now
        gone: samples whose files are gone; they stay, tagged ``file gone``
        not_held: path -> status of files that FiftyOne cannot hold as images
        changed: samples whose split or label is another one than at the last run,
            since the folders are understood otherwise
        label_field: if samples have classes
        split_tags: that name the splits of samples, if there are two or more
    """

    dataset: fo.Dataset
    view: fo.DatasetView
    gone: int
    not_held: dict[str, str]
    changed: int
    label_field: str | None
    split_tags: list[str] | None


def load_folder(listing: FolderListing, *, progress: bool | None = None) -> FolderData:
    """Brings the folder's data set up to date; removes no sample.

    A folder that held images and holds videos now is another data set.

    Splits and labels that came from folders follow how those are understood now;
    what a person gave a sample since stays.
    """
    name = dataset_name(listing.root) + "-videos" * listing.of_videos
    if fo.dataset_exists(name):
        dataset = fo.load_dataset(name)
    else:
        dataset = fo.Dataset(name, persistent=True)
        dataset.info["root"] = str(listing.root)
        dataset.save()
    media = fom.VIDEO if listing.of_videos else fom.IMAGE
    not_held = {
        image.path: status
        for image in listing.images
        if (status := _why_not_held(image.path, media)) is not None
    }
    held = {image.path: image for image in listing.images if image.path not in not_held}
    known = dict(zip(*dataset.values(["filepath", "id"]), strict=True))
    added = [image for path, image in held.items() if path not in known]
    if added:
        _add(dataset, added, media, progress)
    changed = _update(dataset, listing, held, known)
    # Files that an action put elsewhere are not gone
    inside = os.path.join(listing.root, "")
    gone = [
        sample
        for path, sample in known.items()
        if path not in held and path.startswith(inside) and not is_quarantined(path)
    ]
    dataset.match_tags(GONE_TAG).untag_samples(GONE_TAG)
    if gone:
        dataset.select(gone).tag_samples(GONE_TAG)
    view = present(dataset.match(F("filepath").starts_with(inside)))
    found = {image.split for image in held.values()}
    splits = [split for split in listing.splits if split in found]
    return FolderData(
        dataset,
        view,
        len(gone),
        not_held,
        changed,
        LABEL_FIELD if any(image.label for image in held.values()) else None,
        splits if len(splits) > 1 else None,
    )


def dataset_name(root: Path) -> str:
    """Returns the name of a folder's data set, one a path."""
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-") or "images"
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:8]
    return f"winnow-{slug[:60]}-{digest}"


def _why_not_held(path: str, media: str) -> str | None:
    """Returns the status of a file that cannot be a sample, else None.

    Args:
        path: of the file
        media: what the data set holds
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        return "bad_name"
    # FiftyOne goes by the suffix; where that says nothing, the first bytes do
    if (
        media == fom.VIDEO
        or fom.get_media_type(path) == media
        or starts_like_an_image(path)
    ):
        return None
    return "unsupported"


def sample_of(image: ImageFile, media: str = fom.IMAGE) -> fo.Sample:
    """Returns the sample of a file: its split a tag, its class a label."""
    tags = [image.split] if image.split else []
    # Named, since a data set refuses what it would call of another kind
    return fo.Sample(
        filepath=image.path,
        tags=tags,
        _media_type=media,
        **{LABEL_FIELD: _classification(image.label)},
    )


def _add(
    dataset: fo.Dataset, files: list[ImageFile], media: str, progress: bool | None
) -> None:
    """Adds the samples of files.

    FiftyOne takes 0.3 ms to make one. Images of one split and class are alike but for
    their file, so the first of each is made and the others are documents like it.
    """
    if media == fom.VIDEO:
        samples = [sample_of(file, media) for file in files]
        dataset.add_samples(samples, progress=progress)
        return
    dataset.add_sample(sample_of(files[0], media))
    if any(file.label for file in files):
        kind = {"embedded_doc_type": fo.Classification}
        dataset.add_sample_field(LABEL_FIELD, fo.EmbeddedDocumentField, **kind)
    alike: dict[tuple[str | None, str | None], dict[str, Any]] = {}
    with fo.ProgressBar(total=len(files), progress=progress) as bar:
        bar.update()
        for start in range(1, len(files), _ADDED_AT_ONCE):
            part = files[start : start + _ADDED_AT_ONCE]
            documents = []
            for file in part:
                place = file.split, file.label
                if place not in alike:
                    alike[place] = new_document(dataset, sample_of(file, media))
                documents.append(document_like(alike[place], file.path))
            sample_documents(dataset).insert_many(documents)
            bar.update(len(part))


def _update(
    dataset: fo.Dataset,
    listing: FolderListing,
    held: dict[str, ImageFile],
    known: dict[str, str],
) -> int:
    """Gives known samples the splits and labels that their folders have now."""
    was = changed_places(dataset, listing)
    if was is None:
        return 0
    labels, tags = _labels_and_tags(dataset)
    new_labels: dict[str, fo.Classification | None] = {}
    new_tags: dict[str, list[str]] = {}
    for path, image in held.items():
        sample = known.get(path)
        if sample is None:
            continue
        then = was(folder_of(listing, image.path))
        if labels[sample] in then.labels and labels[sample] != image.label:
            new_labels[sample] = _classification(image.label)
        own = [tag for tag in tags[sample] if tag not in then.splits]
        is_ours = len(own) < len(tags[sample]) or None in then.splits
        if image.split and is_ours and not set(own) & set(listing.splits):
            own.append(image.split)
        if sorted(own) != sorted(tags[sample]):
            new_tags[sample] = own
    if new_labels:
        dataset.set_values(LABEL_FIELD, new_labels, key_field="id")
    if new_tags:
        dataset.set_values("tags", new_tags, key_field="id")
    record_layout(dataset, listing)
    return len(new_labels.keys() | new_tags.keys())


def _labels_and_tags(
    dataset: fo.Dataset,
) -> tuple[dict[str, str | None], dict[str, list[str]]]:
    ids, tags = dataset.values(["id", "tags"])
    labels: list[str | None] = [None] * len(ids)
    if dataset.has_sample_field(LABEL_FIELD):
        labels = dataset.values(f"{LABEL_FIELD}.label")
    return (
        dict(zip(ids, labels, strict=True)),
        {name: own or [] for name, own in zip(ids, tags, strict=True)},
    )


def _classification(label: str | None) -> fo.Classification | None:
    return None if label is None else fo.Classification(label=label)
