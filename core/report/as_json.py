"""The report for a program: everything but the pictures."""

from __future__ import annotations

import json
from typing import Any

from .model import Gallery, Pair, Picture, Report, Section, Table


def as_json(report: Report) -> str:
    """Returns the report as JSON.

    ``run`` is the record of the scan (counts, thresholds, rules, expected recall,
    leak matrix, model, versions); ``sections`` holds, by their keys, ``tables``
    (rows by their headers) and ``galleries`` (``pairs`` of ``from`` and ``to``).
    """
    whole = {
        "title": report.title,
        "dataset": report.dataset,
        "verdict": report.verdict,
        "images": report.images,
        "scanned_at": report.scanned_at,
        "made_at": report.made_at,
        "winnow": report.winnow,
        "notes": list(report.notes),
        "run": dict(report.run),
        "sections": {section.key: _section(section) for section in report.sections},
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "count": section.count,
        "text": list(section.text),
        "tables": {table.key: _table(table) for table in section.tables},
        "galleries": {one.key: _gallery(one) for one in section.galleries},
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [dict(zip(table.headers, row, strict=True)) for row in table.rows]
    return {"total": table.total, "shown": len(rows), "rows": rows}


def _gallery(gallery: Gallery) -> dict[str, Any]:
    return {
        "title": gallery.title,
        "from": gallery.columns[0],
        "to": gallery.columns[1],
        "counts": gallery.things,
        "total": gallery.total,
        "shown": len(gallery.pairs),
        "pairs": [_pair(pair) for pair in gallery.pairs],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "from": _picture(pair.source),
        "to": _picture(pair.target) if pair.target else None,
        "similarity": pair.similarity,
        **pair.metadata,
    }


def _picture(picture: Picture) -> dict[str, str | None]:
    return {
        "path": picture.path,
        "label": picture.label,
        "split": picture.split,
    }
