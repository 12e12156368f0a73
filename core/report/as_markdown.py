"""The report as text, for a pull request or an issue: tables, no pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

from ..common.text import escape_markdown, share_text
from .model import Cell, Gallery, Pair, Picture, Report, Section, Table, left_out_text


def as_markdown(report: Report) -> str:
    """Returns the report as Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {escape_markdown(report.title)}"
    yield ""
    yield f"**{escape_markdown(report.verdict)}**"
    yield ""
    scanned, winnow, made = (
        escape_markdown(text)
        for text in (report.scanned_at, report.winnow, report.made_at)
    )
    yield (
        f"{escape_markdown(report.dataset)}: {report.images:,} {report.kind}, scanned "
        f"{scanned} by Winnow {winnow}; report written {made}."
    )
    for note in report.notes:
        yield from ("", f"**{escape_markdown(note)}**")
    yield ""
    rows = [
        (
            line.name,
            line.count,
            None if line.share is None else share_text(line.share, 1),
            "; ".join(line.notes),
        )
        for line in report.summary
    ]
    yield from _rows(("Finding", "Count", "Share", ""), rows)
    for section in report.sections:
        yield from _section(section)


def _section(section: Section) -> Iterator[str]:
    count = "" if section.count is None else f": {section.count:,}"
    yield from ("", f"## {escape_markdown(section.title)}{count}")
    for text in section.text:
        yield from ("", escape_markdown(text))
    for table in section.tables:
        yield from _titled(table, table.headers, table.rows)
    for gallery in section.galleries:
        headers = (*gallery.columns, "Similarity", "")
        rows = [_pair(pair) for pair in gallery.pairs]
        # Without columns in which nothing stands
        used = [any(row[n] for row in rows) for n in range(len(headers))]
        yield from _titled(
            gallery,
            tuple(compress(headers, used)),
            [tuple(compress(row, used)) for row in rows],
        )


def _titled(
    part: Gallery | Table, headers: Sequence[str], rows: Sequence[Sequence[Cell]]
) -> Iterator[str]:
    if part.title:
        yield from ("", f"### {escape_markdown(part.title)}")
    if rows:
        yield ""
        yield from _rows(headers, rows)
    if left := left_out_text(part):
        yield from ("", left)


def _rows(headers: Sequence[str], rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    yield "| " + " | ".join(escape_markdown(header) for header in headers) + " |"
    columns = list(zip(*rows, strict=True)) or [()] * len(headers)
    right = [
        any(isinstance(cell, int | float) for cell in column) for column in columns
    ]
    yield "| " + " | ".join("--:" if one else ":--" for one in right) + " |"
    for row in rows:
        yield "| " + " | ".join(escape_markdown(cell_text(cell)) for cell in row) + " |"


def cell_text(cell: Cell) -> str:
    """Returns a cell of a table as text."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.4g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _pair(pair: Pair) -> tuple[str, ...]:
    similarity = "" if pair.similarity is None else f"{pair.similarity:.3f}"
    target = _name(pair.target) if pair.target else ""
    return (_name(pair.source), target, similarity, "; ".join(pair.says))


def _name(picture: Picture) -> str:
    # The folders say split and class, where there are such folders
    parts = picture.path.split("/")[:-1]
    more = [one for one in (picture.split, picture.label) if one and one not in parts]
    return f"{picture.path} ({', '.join(more)})" if more else picture.path
