"""Reads what a person's own model predicts from a field of a data set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import fiftyone.core.fields as fof
import numpy as np
from numpy.typing import NDArray

from ....core.common.text import first_of
from ....core.errors import InputError
from ....core.findings.predictions import KEPT, NO_CLASS, Predictions
from .labels import label_field_of

_SHOWN = 8


def prediction_field_candidates(
    samples: fo.core.collections.SampleCollection,
) -> list[str]:
    """Returns the names of the fields that can hold predictions of a model."""
    schema = samples.get_field_schema(flat=False)
    return [name for name, field in schema.items() if _is_classification(field)]


def check_predictions(
    samples: fo.core.collections.SampleCollection,
    predictions: str,
    label_field: str | None,
) -> None:
    """Raises :class:`InputError` unless a field can hold predictions of the labels."""
    if label_field is None:
        raise InputError(
            f"The predictions in '{predictions}' are compared with labels: name the "
            "field that holds those as well (label_field)."
        )
    if predictions == label_field:
        raise InputError(
            f"'{predictions}' is given as the labels and as the predictions of a "
            "model, and a label is no evidence for itself. Choose another field."
        )
    if label_field_of(samples, label_field).kind is list:
        raise InputError(
            f"'{label_field}' holds several labels an image, and predictions say one "
            "class of each. Leave out predictions."
        )
    names = prediction_field_candidates(samples)
    if predictions not in names:
        others = [name for name in names if name != label_field]
        hint = f"Fields here: {first_of(others, _SHOWN)}." if others else ""
        raise InputError(
            f"'{predictions}' is no field of Classification, which holds what a model "
            f"says of each image: a label with its confidence, or logits. {hint}"
        )


def read_predictions(
    view: fo.DatasetView, field: str, classes: Sequence[str]
) -> Predictions:
    """Reads the predictions of n samples.

    Args:
        view: the samples, in the order of the scan
        field: of Classification
        classes: names of the labels, in order of their codes

    Raises:
        InputError: neither confidence nor logits, values that cannot be, or no class
            that is one of the labels
    """
    labels, sure, logits = view.values(
        [f"{field}.{part}" for part in ("label", "confidence", "logits")]
    )
    code = {name: number for number, name in enumerate(classes)}
    found = Predictions(
        np.full((len(labels), KEPT), NO_CLASS, np.int32),
        np.zeros((len(labels), KEPT), np.float32),
    )
    with_logits = [row for row, one in enumerate(logits) if one is not None]
    if with_logits:
        _of_logits(found, with_logits, labels, logits, code, field)
    for row, (label, confidence) in enumerate(zip(labels, sure, strict=True)):
        if logits[row] is None and label is not None and confidence is not None:
            found.classes[row, 0] = code.get(label, NO_CLASS)
            found.probabilities[row, 0] = confidence
    _check(found, field, classes, predicted=any(one is not None for one in labels))
    return found


def _check(
    found: Predictions, field: str, classes: Sequence[str], *, predicted: bool
) -> None:
    if not predicted:
        raise InputError(f"No sample has a prediction in '{field}'.")
    top = found.probabilities
    if not ((top >= 0) & (top <= 1)).all():
        raise InputError(
            f"'{field}' has a confidence outside 0 to 1. Store the probability that "
            "the model gives its class, or its logits."
        )
    if not found.known.any():
        raise InputError(
            f"The predictions in '{field}' have neither confidence nor logits, so "
            "nothing says how sure the model is. Store the probability that it gives "
            "its class as confidence, or its logits."
        )
    if not (found.classes[found.known, 0] != NO_CLASS).any():
        raise InputError(
            f"No class in '{field}' is one of the labels, which are "
            f"{first_of(list(classes), _SHOWN)}. Use the same names for both."
        )


def _of_logits(
    found: Predictions,
    rows: Sequence[int],
    labels: Sequence[str | None],
    logits: Sequence[Any],
    code: dict[str, int],
    field: str,
) -> None:
    """Fills in the likeliest classes of the samples that have logits.

    No list of classes says what each number is of: the labels of the predictions do,
    since each is that of its highest number.
    """
    try:
        numbers = np.array([logits[row] for row in rows], np.float64)
    except ValueError:
        raise InputError(
            f"The logits in '{field}' are not all of one length: one number for each "
            "class of the model is needed."
        ) from None
    if not np.isfinite(numbers).all():
        raise InputError(f"The logits in '{field}' hold numbers that are not finite.")
    chances = _probabilities(numbers)
    kept = min(KEPT, chances.shape[1])
    best = np.argsort(-chances, axis=1, kind="stable")[:, :kept]
    meaning = np.full(chances.shape[1], NO_CLASS, np.int32)
    named: dict[int, str] = {}
    for place, row in zip(best[:, 0].tolist(), rows, strict=True):
        label = labels[row]
        if label is not None and named.setdefault(place, label) != label:
            raise InputError(
                f"In '{field}' the highest logit stands for '{named[place]}' in one "
                f"sample and for '{label}' in another. Store the logits of all samples "
                "in one order of classes, with the label of the highest; or the "
                "confidence alone."
            )
    for place, label in named.items():
        meaning[place] = code.get(label, NO_CLASS)
    found.classes[rows, :kept] = meaning[best]
    found.probabilities[rows, :kept] = np.take_along_axis(chances, best, 1)


def _probabilities(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the softmax of logits; probabilities stay what they are."""
    if (numbers >= 0).all() and np.allclose(numbers.sum(axis=1), 1, atol=1e-3):
        return numbers
    powers = np.exp(numbers - numbers.max(axis=1, keepdims=True))
    chances: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return chances


def _is_classification(field: fof.Field) -> bool:
    return isinstance(field, fof.EmbeddedDocumentField) and issubclass(
        field.document_type, fo.Classification
    )
