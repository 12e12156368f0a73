"""What a report says, before it has a form. Paths are relative, texts are plain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError

Cell = str | int | float | None

DEFAULT_TOP = 20
"""Pairs a gallery: 6,096 photographs made a page of 1.4 MB in 0.4 s, and 355 small
pictures, repeated to a million samples, one of 1.4 MB in 43 s."""

MOST_TOP = 10_000


@dataclass(frozen=True)
class Picture:
    """An image in a gallery.

    Attributes:
        path: relative to the folder that holds all images
        label: its class, None without
        split: None without
        jpeg: a small picture of it; None if there is none to be had
    """

    path: str
    label: str | None
    split: str | None
    jpeg: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Pair:
    """An image, and the one that it is shown beside.

    Attributes:
        source: From: the image that was found
        target: To: its copy, its neighbor; None if it stands alone
        similarity: cosine similarity of the two, -1 to 1; None if not known
        says: what is to be said of the two, a few words each
        metadata: the same for a program
    """

    source: Picture
    target: Picture | None
    similarity: float | None
    says: tuple[str, ...]
    metadata: Mapping[str, Cell]


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind: the first of them.

    Attributes:
        key: names it for a program
        title: what they are; empty if the section's title says it
        columns: what From and To are here
        things: what ``total`` counts: images, clusters
        total: how many there are; each pair stands for one
        pairs: those that are shown
    """

    key: str
    title: str
    columns: tuple[str, str]
    things: str
    total: int
    pairs: tuple[Pair, ...]

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return max(0, self.total - len(self.pairs))


@dataclass(frozen=True)
class Table:
    """Rows of text and numbers: the first of them.

    Attributes:
        key: names it for a program
        title: what it shows; empty if the section's title says it
        headers: one a column
        rows: as many cells each; numbers are set to the right
        total: how many rows there are
    """

    key: str
    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int

    @property
    def left_out(self) -> int:
        """How many rows are not shown."""
        return max(0, self.total - len(self.rows))


@dataclass(frozen=True)
class Bars:
    """Numbers as bars beside each other, for a page; a table has them too.

    Attributes:
        title: what they show
        series: name of each bar of a group; one of "" needs no legend
        rows: name of each group, and as many numbers as there are series
    """

    title: str
    series: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def largest(self) -> int:
        """The number that fills a whole line, at least 1."""
        return max(1, *(number for _, numbers in self.rows for number in numbers))


@dataclass(frozen=True)
class Histogram:
    """How the values of all images are spread, for a page.

    Attributes:
        title: what is counted
        edges: of the bins, of equal width, one more than there are counts
        counts: values in each bin
        threshold: in force; None draws none
        threshold_text: a few words on what lies beyond it
    """

    title: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    threshold: float | None
    threshold_text: str

    @property
    def bars(self) -> tuple[tuple[float, float, int, float], ...]:
        """Of each bin its two edges, its count, and the height of its bar, 0 to 1.

        Heights are logarithmic: few images are seen too.
        """
        most = math.log1p(max(self.counts)) or 1.0
        heights = (math.log1p(count) / most for count in self.counts)
        return tuple(
            zip(self.edges[:-1], self.edges[1:], self.counts, heights, strict=True)
        )

    @property
    def mark(self) -> float | None:
        """Where the threshold is, 0 (left) to 1; None if it is outside."""
        low, high = self.edges[0], self.edges[-1]
        if self.threshold is None or not low <= self.threshold <= high or low == high:
            return None
        return (self.threshold - low) / (high - low)


@dataclass(frozen=True)
class Matrix:
    """Counts by two names, darker where there are more, for a page.

    Attributes:
        title: what is counted; rows before columns
        names: of the rows, and of the columns
        counts: a row for each name
    """

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def shares(self) -> tuple[tuple[tuple[int, float], ...], ...]:
        """Of each cell its count, and its share of the row, 0 to 1."""
        return tuple(
            tuple((count, count / max(1, sum(row))) for count in row)
            for row in self.counts
        )


@dataclass(frozen=True)
class Points:
    """Points of a plane in groups, for a page.

    Attributes:
        title: what they are
        groups: name and points, from -1 to 1; the last is drawn on top
    """

    title: str
    groups: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


@dataclass(frozen=True)
class Section:
    """One kind of finding, or what else there is to say.

    Attributes:
        key: names it, also in links to it
        title: for a person
        count: how many there are; None if nothing is counted
        text: sentences, a paragraph each
        tables: before the pictures
        galleries: may be empty
        bars: before the tables
        histograms: likewise
        matrices: likewise
        points: likewise
    """

    key: str
    title: str
    count: int | None
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    bars: tuple[Bars, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    points: tuple[Points, ...] = ()


@dataclass(frozen=True)
class SummaryLine:
    """A finding at a glance.

    Attributes:
        section: key of the section that shows it
        name: of the finding
        count: of images, or of clusters
        share: of the images, from 0 to 1; None if it has none
        notes: a few words each
    """

    section: str
    name: str
    count: int
    share: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        title: what a person calls it
        dataset: its name
        verdict: what it comes to, in a sentence
        images: how many the run looked at
        scanned_at: for a person
        made_at: for a person
        winnow: its version
        notes: what to know before reading on, a sentence each
        summary: the findings at a glance
        sections: in their order
        run: the run's record as JSON values, for a program
        kind: what the set holds, in the plural
    """

    title: str
    dataset: str
    verdict: str
    images: int
    scanned_at: str
    made_at: str
    winnow: str
    notes: tuple[str, ...]
    summary: tuple[SummaryLine, ...]
    sections: tuple[Section, ...]
    run: Mapping[str, Any]
    kind: str = "images"


def left_out_text(part: Gallery | Table) -> str:
    """Says how much of it is not shown; empty if all is."""
    if not part.left_out:
        return ""
    shown = part.total - part.left_out
    things = part.things if isinstance(part, Gallery) else "rows"
    return f"The first {shown:,} of {part.total:,} {things}; {part.left_out:,} more."


def check_top(top: object) -> None:
    """Raises :class:`InputError` if galleries cannot show so many pairs."""
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MOST_TOP:
        raise InputError(
            f"top must be a whole number from 1 to {MOST_TOP:,}, got {top!r}: it is "
            "how many pairs of pictures each gallery shows."
        )
