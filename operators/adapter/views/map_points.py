"""The points of the map of all images, each with the finding that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....core.findings.registry import FINDINGS
from ..dataset.present import present
from ..runs.run_record import brain_keys
from .expressions import found_expression
from .queries import SampleQueries

NOTHING = "no finding"
_FINDINGS = (
    "label_issues",
    "outliers",
    "leaks",
    "redundant_copies",
    "image_issues",
)
"""The findings that have a color, the first one counts where there are several."""
_MOST = 6_000
"""Points of one kind: a browser draws a few ten thousand in a second."""


@dataclass(frozen=True)
class Points:
    """Images of one kind on the map.

    Attributes:
        ids: of the samples
        x: to the right
        y: upwards
        total: how many there are, of which these are evenly spread ones
    """

    ids: list[str]
    x: list[float]
    y: list[float]
    total: int


def map_points(reader: SampleQueries) -> Mapping[str, Points]:
    """Returns the points by the label of their finding; none without a map."""
    _, key = brain_keys(reader.prefix)
    # A map that is made, or made anew, changes no sample: its time tells it
    if key not in reader.dataset.list_brain_runs():
        return {}
    made = reader.dataset.get_brain_info(key).timestamp
    return reader.cached(("map points", made), lambda: _map_points(reader, key))


def _map_points(reader: SampleQueries, key: str) -> dict[str, Points]:
    dataset = reader.dataset
    results = dataset.load_brain_results(key)
    place = dict(zip(results.sample_ids, results.points.tolist(), strict=True))
    found = {}
    for what in _FINDINGS:
        is_found = found_expression(what, reader.prefix)
        ids = present(dataset).match(is_found).values("id")
        taken = {one: place.pop(one) for one in ids if one in place}
        if taken:
            found[FINDINGS[what].label] = _points(taken)
    return {NOTHING: _points(place), **found}


def _points(place: Mapping[str, list[float]]) -> Points:
    every = -(-len(place) // _MOST) or 1
    ids = list(place)[::every]
    x, y = ([round(place[one][axis], 4) for one in ids] for axis in (0, 1))
    return Points(ids, x, y, len(place))
