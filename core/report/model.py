"""What a report says, before it has a form. Paths are relative, texts are plain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Cell = str | int | float | None


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
    """

    key: str
    title: str
    count: int | None
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    galleries: tuple[Gallery, ...] = ()
    bars: tuple[Bars, ...] = ()


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
        dataset: its name
        images: how many the run looked at
        scanned_at: for a person
        made_at: for a person
        winnow: its version
        notes: what to know before reading on, a sentence each
        summary: the findings at a glance
        sections: in their order
        run: the run's record as JSON values, for a program
    """

    dataset: str
    images: int
    scanned_at: str
    made_at: str
    winnow: str
    notes: tuple[str, ...]
    summary: tuple[SummaryLine, ...]
    sections: tuple[Section, ...]
    run: Mapping[str, Any]


def left_out_text(part: Gallery | Table) -> str:
    """Says how much of it is not shown; empty if all is."""
    if not part.left_out:
        return ""
    shown = part.total - part.left_out
    things = part.things if isinstance(part, Gallery) else "rows"
    return f"The first {shown:,} of {part.total:,} {things}; {part.left_out:,} more."
