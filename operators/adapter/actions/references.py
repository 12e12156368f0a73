"""Who else uses a file: other samples, other data sets, masks, thumbnails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
from fiftyone.core.odm import get_db_conn

from ..dataset.internals import dataset_id, is_generated

_PATHS_A_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class Reference:
    """A sample of another data set that uses a file.

    Attributes:
        dataset: name of the data set
        collection: of its samples
        sample: its id
        path: of the file
    """

    dataset: str
    collection: str
    sample: str
    path: str


def references_elsewhere(
    dataset: fo.Dataset, paths: Sequence[str]
) -> dict[str, list[Reference]]:
    """Returns the samples of other data sets by the file that they use."""
    found: dict[str, list[Reference]] = {}
    for other in _other_datasets(dataset):
        collection = get_db_conn()[other["sample_collection_name"]]
        for chunk in _chunks(paths):
            query = {"filepath": {"$in": chunk}}
            for document in collection.find(query, {"filepath": True}):
                path = document["filepath"]
                found.setdefault(path, []).append(
                    Reference(
                        other["name"],
                        other["sample_collection_name"],
                        str(document["_id"]),
                        path,
                    )
                )
    return found


def paths_in_media_fields(dataset: fo.Dataset) -> set[str]:
    """Returns all files that are masks, maps or thumbnails of samples here."""
    paths: set[str] = set()
    for field in _media_fields(dataset):
        values = dataset.values(field, unwind=True)
        paths.update(value for value in values if value)
    return paths


def _other_datasets(dataset: fo.Dataset) -> Iterator[dict[str, Any]]:
    """Yields what people made; views of patches and clips are data sets as well."""
    wanted = {"name": True, "sample_collection_name": True}
    own = dataset_id(dataset)
    for document in get_db_conn()["datasets"].find({}, wanted):
        samples = document.get("sample_collection_name")
        if str(document["_id"]) != own and samples and not is_generated(samples):
            yield document


def _media_fields(dataset: fo.Dataset) -> Iterator[str]:
    schema = dataset.get_field_schema(flat=True)
    extra = set(dataset.app_config.media_fields or ()) - {"filepath"}
    for name, field in schema.items():
        is_path = name.rsplit(".", 1)[-1] in ("mask_path", "map_path", "overlay_path")
        if isinstance(field, fof.StringField) and (is_path or name in extra):
            yield name


def _chunks(paths: Sequence[str]) -> Iterable[list[str]]:
    for start in range(0, len(paths), _PATHS_A_QUERY):
        yield list(paths[start : start + _PATHS_A_QUERY])
