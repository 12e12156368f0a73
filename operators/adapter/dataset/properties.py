"""Reads fields whose values should tell neither the class nor the split of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof

from ....core.common.text import first_of
from ....core.errors import InputError
from .fields import is_ours

_KINDS = (fof.StringField, fof.BooleanField, fof.IntField, fof.FloatField)
_SHOWN = 8


def property_candidates(samples: fo.core.collections.SampleCollection) -> list[str]:
    """Returns the fields that may hold a property: a text, a boolean or a number."""
    schema = samples.get_field_schema(flat=False)
    return [
        name
        for name, field in schema.items()
        if name not in ("id", "filepath")
        and isinstance(field, _KINDS)
        and not is_ours(field)
    ]


def read_properties(view: fo.DatasetView, names: Sequence[str]) -> dict[str, list[Any]]:
    """Reads the values of the samples.

    Args:
        view: the samples, in the order of the scan
        names: of the fields

    Raises:
        InputError: a field that holds no text, boolean or number
    """
    if isinstance(names, str):
        raise InputError(
            f"properties must be a list of fields, got {names!r}. Write [{names!r}]."
        )
    known = property_candidates(view)
    for name in names:
        if name not in known:
            raise InputError(
                f"'{name}' is no field of texts, booleans or numbers. Fields here: "
                f"{first_of(known, _SHOWN) or 'none'}."
            )
    return {name: view.values(name) for name in names}
