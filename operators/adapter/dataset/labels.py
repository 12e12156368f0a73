"""The field that holds each image's label: a text for each, whatever its kind.

A scan compares words. Booleans and whole numbers are told as words, and the labels of
an image that may have several are told as one: the set of them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof

from ....core.errors import InputError
from .internals import sample_documents

KINDS = "Classification, Classifications, or a text, boolean or whole number"
_AND = ", "
"""Between the labels of an image that has several. As in a CSV file a label that holds
a comma or a quotation mark is quoted, so that labels of ImageNet stay one label each
("tench, Tinca tinca")."""


@dataclass(frozen=True)
class LabelField:
    """A field of labels.

    Attributes:
        name: of the field
        path: where the values stand that say the label
        kind: of these values: ``str``, ``bool`` or ``int``; ``list`` for the names of
            several labels
    """

    name: str
    path: str
    kind: type

    def text(self, value: Any) -> str | None:
        """Returns the label that a value at the path says; None for none."""
        if isinstance(value, list):
            return (
                _AND.join(map(_quoted, sorted({one for one in value if one}))) or None
            )
        return None if value is None else str(value)

    def texts(self, samples: fo.core.collections.SampleCollection) -> list[str | None]:
        """Returns the label of each sample."""
        return [self.text(value) for value in samples.values(self.path)]

    def distinct(self, samples: fo.core.collections.SampleCollection) -> list[str]:
        """Returns all labels, sorted."""
        if self.kind is not list:
            return sorted(map(str, samples.distinct(self.path)))
        return sorted({text for text in self.texts(samples) if text is not None})

    def values(self, text: str) -> list[Any]:
        """Returns the values that a label stands for: several for a set.

        Raises:
            InputError: a word that is no value of the field
        """
        if self.kind is list:
            return next(csv.reader([text], skipinitialspace=True), [])
        if self.kind is bool and text in ("True", "False"):
            return [text == "True"]
        if self.kind is int and text.removeprefix("-").isdecimal():
            return [int(text)]
        if self.kind is not str:
            kind = "True or False" if self.kind is bool else "a whole number"
            raise InputError(
                f"'{text}' cannot be a label in '{self.name}', which holds {kind}."
            )
        return [text]

    def matches(self, text: str) -> dict[str, Any]:
        """Returns the filter of MongoDB of the samples with a label."""
        values = self.values(text)
        if self.kind is not list:
            return {self.path: values[0]}
        # As a set: in any order
        others = {"$not": {"$elemMatch": {"label": {"$nin": values}}}}
        return {"$and": [{self.path: {"$all": values}}, {self.where: others}]}

    @property
    def where(self) -> str:
        """What a new label replaces: the value at the path, or the list above it."""
        return self.path.rpartition(".")[0] if self.kind is list else self.path

    def stored(self, dataset: fo.Dataset, ids: Sequence[str]) -> list[Any]:
        """Returns what stands there now for each sample, as the database has it."""
        if self.kind is not list:
            found = dict(zip(*dataset.values(["id", self.path]), strict=True))
        else:
            documents = sample_documents(dataset).find({}, {self.where: 1})
            found = {
                str(one["_id"]): (one.get(self.name) or {}).get("classifications")
                for one in documents
            }
        return [found.get(one) for one in ids]

    def changed(self, text: str, stored: Any) -> Any:
        """Returns what stands there for a new label.

        Args:
            text: the label
            stored: what stands there now; of several labels those that stay are kept
                as they are
        """
        values = self.values(text)
        if self.kind is not list:
            return values[0]
        kept = [one for one in stored or () if one.get("label") in values]
        there = {one["label"] for one in kept}
        new = [value for value in values if value not in there]
        return kept + [fo.Classification(label=value).to_dict() for value in new]


def label_field_of(
    samples: fo.core.collections.SampleCollection, name: str
) -> LabelField:
    """Returns how the labels of a field are read and written.

    Args:
        samples: a data set or a view
        name: of the field

    Raises:
        InputError: it holds no label of a whole image
    """
    field = samples.get_field(name)
    found = _kind_of(field) if field is not None else None
    if found is None:
        raise InputError(f"'{name}' holds no labels of images: {KINDS} is needed.")
    kind, below = found
    return LabelField(name, name + below, kind)


def _quoted(label: str) -> str:
    if label == label.strip() and not set(label) & {",", '"', "\n", "\r"}:
        return label
    return '"' + label.replace('"', '""') + '"'


def _kind_of(field: fof.Field) -> tuple[type, str] | None:
    """Returns the kind of a field's values, and where they stand below it."""
    if isinstance(field, fof.EmbeddedDocumentField):
        if issubclass(field.document_type, fo.Classification):
            return str, ".label"
        if issubclass(field.document_type, fo.Classifications):
            return list, ".classifications.label"
        return None
    kinds: Mapping[type, type] = {
        fof.StringField: str,
        fof.BooleanField: bool,
        fof.IntField: int,
    }
    for one, kind in kinds.items():
        if isinstance(field, one):
            return kind, ""
    return None


def holds_labels(field: fof.Field) -> bool:
    """True if a field holds the label of a whole image."""
    return _kind_of(field) is not None
