"""What a report says of the set as a whole: sentences, tables and bars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..findings.set_registry import SET_FINDINGS
from .model import (
    Bars,
    Cell,
    Gallery,
    Matrix,
    Points,
    Section,
    SummaryLine,
    Table,
)

SET_SECTION = "overview"
_MOST_BARS = 30

Overview = Mapping[str, Any]
"""As :attr:`core.findings.schema.Findings.overview`; empty where nobody looked."""


def set_lines(overview: Overview) -> Iterator[SummaryLine]:
    """Yields a line of the summary for each kind of finding of the set there is."""
    findings = overview.get("findings", ())
    for kind, finding in SET_FINDINGS.items():
        texts = tuple(one["text"] for one in findings if one["kind"] == kind)
        if texts:
            yield SummaryLine(SET_SECTION, finding.label, len(texts), None, texts)


def set_sentences(overview: Overview) -> list[str]:
    """Returns what was found of the set as a whole, a paragraph each."""
    return [
        f"{SET_FINDINGS[found['kind']].label}: {found['text']}. {found['meaning']}. "
        f"{found['advice']}."
        for found in overview.get("findings", ())
    ]


def set_section(overview: Overview, galleries: Sequence[Gallery], top: int) -> Section:
    """Returns what is wrong with the set.

    Args:
        overview: of the set
        galleries: images that show it
        top: rows of a table, of either end
    """
    nothing = ("Nothing stands out in the set as a whole.",)
    text = tuple(set_sentences(overview)) or nothing
    tables = tuple(_tables(overview, top)) if overview else ()
    bars = (_bars(overview),) if overview else ()
    title, count = "The set as a whole", len(overview.get("findings", ()))
    return Section(
        SET_SECTION,
        title,
        count,
        text,
        tables,
        tuple(galleries),
        bars,
        matrices=_matrices(overview),
        points=_points(overview),
    )


def _matrices(overview: Overview) -> tuple[Matrix, ...]:
    """Returns which classes look like which; nothing for fewer than two."""
    # Runs of before did not count them
    found = overview.get("looks_like", {"classes": []})
    if len(found["classes"]) < 2:
        return ()
    counts = tuple(map(tuple, found["images"]))
    title = "Images of a class (rows) that look like a class (columns)"
    return (Matrix(title, tuple(found["classes"]), counts),)


def _points(overview: Overview) -> tuple[Points, ...]:
    """Returns the map of the set, by what was found."""
    groups = tuple(
        (one["kind"], tuple(zip(one["x"], one["y"], strict=True)))
        for one in overview.get("map", ())
    )
    count = sum(len(places) for _, places in groups)
    title = f"{count:,} images on a plane: those that look alike lie near one another"
    return (Points(title, groups),) if len(groups) > 1 else ()


def _bars(overview: Mapping[str, Any]) -> Bars:
    """Returns the effective images of the classes, the largest and the smallest."""
    rows = _by_size(overview)
    if len(rows) > _MOST_BARS:
        rows = rows[: _MOST_BARS // 2] + rows[-_MOST_BARS // 2 :]
    return Bars(
        "Effective images: copies and moments of one scene count once"
        + f"; the largest and the smallest {_MOST_BARS // 2} classes"
        * (len(overview["classes"]) > _MOST_BARS),
        tuple(overview["splits"]),
        tuple((name or "all", tuple(effective)) for name, _, effective in rows),
    )


def _by_size(
    overview: Mapping[str, Any],
) -> list[tuple[str, Sequence[int], Sequence[int]]]:
    """Returns the classes with their images and effective images, largest first."""
    return sorted(
        zip(
            overview["classes"],
            overview["images"],
            overview["effective"],
            strict=True,
        ),
        key=lambda row: (-sum(row[2]), row[0]),
    )


def _tables(overview: Mapping[str, Any], top: int) -> Iterator[Table]:
    rows = _by_size(overview)
    of_splits = [(split,) if split else () for split in overview["splits"]]
    headers = [" ".join(("Images", *of)) for of in of_splits]
    headers += [" ".join(("Effective", *of)) for of in of_splits]
    cells: list[tuple[Cell, ...]] = [
        (name or "all", *images, *effective) for name, images, effective in rows
    ]
    yield Table(
        "classes",
        "Images by class; effective: copies and moments of one scene count once",
        ("Class", *headers),
        # The largest and the smallest: both ends matter
        tuple(cells if len(cells) <= 2 * top else cells[:top] + cells[-top:]),
        len(cells),
    )
    shifts = [
        (*one["splits"], one["auroc"], f"{one['low']:.2f} to {one['high']:.2f}")
        for one in overview["appearance_shift"]
    ]
    if shifts:
        yield Table(
            "appearance_shift",
            "How well a classifier tells images of two splits apart; chance is 0.5",
            ("Split", "Other split", "AUROC", "Interval (99 %)"),
            tuple(shifts),
            len(shifts),
        )
