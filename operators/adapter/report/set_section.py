"""The section of a report on the set as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ....core.findings.set_registry import SET_FINDINGS
from ....core.report.model import Gallery, Section
from ....core.report.of_set import set_section as section_of
from ..runs.scan_report import ScanReport
from ..views.queries import Picture
from .report_queries import Shown

_MOST_PICTURES = 6
"""Of a finding: they only show what it is about."""

_LOOKED_AT = 120
"""Of which those are taken: images of both splits, where they differ."""


def set_section(shown: Shown, report: ScanReport) -> Section:
    """Returns what is wrong with the set, with images that show it.

    Args:
        shown: what may be shown
        report: of the scan
    """
    findings = report.overview.get("findings", ())
    galleries = [_gallery(shown, one) for one in findings if one["count"]]
    return section_of(report.overview, galleries, shown.top)


def _gallery(shown: Shown, finding: Mapping[str, Any]) -> Gallery:
    kind = SET_FINDINGS[finding["kind"]]
    found = shown.reader.pictures(
        {shown.field("set_findings"): finding["key"]},
        (),
        sort={shown.field(kind.sort_by): -1 if kind.descending else 1},
        limit=_LOOKED_AT,
    )
    some = _from_all_splits(found)[: min(shown.top, _MOST_PICTURES)]
    pairs = tuple(shown.pair(one, None, None, (), {}) for one in some)
    key, count = finding["key"], finding["count"]
    return Gallery(key, key[0].upper() + key[1:], ("Image", ""), "images", count, pairs)


def _from_all_splits(found: Sequence[Picture]) -> list[Picture]:
    """Returns the pictures, the first of each split first, then the second of each."""
    turn = Counter[str | None]()
    turns = []
    for one in found:
        turns.append(turn[one.split])
        turn[one.split] += 1
    order = sorted(range(len(found)), key=lambda place: turns[place])
    return [found[place] for place in order]
