"""What Winnow does, the head of the panel, and all findings at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types

from ...core.common.text import counted, escape_markdown, share_text, size_text
from ...core.findings.finding import Finding
from ...core.findings.object_registry import OBJECT_FINDINGS
from ...core.findings.registry import FINDINGS
from ...core.progress import Progress
from ..adapter.dataset.decisions import decided
from ..adapter.dataset.samples import kind_of
from ..adapter.runs.finding_lines import note_of
from ..adapter.runs.remarks import changes_of_meaning, plain_pages
from ..adapter.runs.scan_report import report_of
from ..adapter.ui.panel_jobs import Notice, undo_offered
from . import buttons, inputs, next_steps, widgets
from .callbacks import Events
from .state import TABS, PanelState

_DETAILS = 8
_LINES = [finding for finding in FINDINGS.values() if finding.has_line]

_DECIDED = {
    "keeper": "Chosen as the one to keep",
    "keep": "Kept, not flagged again",
    "not_duplicate": "Not duplicates",
    "label_verified": "Labels verified",
    "relabel": "To be relabeled",
    "may_go": "May go",
}

_WELCOME = """
**Winnow finds what is wrong with this data set**, on your own machine:

* **duplicates**: equal files and changed copies, with the one to keep
* **wrong labels**, with the label that similar images have
* **outliers**: images unlike all others
* **leaks**: copies in train and test
* **bad files**: dark, blurry, empty, or impossible to read

It reads each image once and writes its findings into
fields of the samples. It moves and changes no file.
"""


def lines(state: PanelState) -> list[Finding]:
    """Returns the findings behind the lines of the table."""
    return [*_LINES, *(OBJECT_FINDINGS.values() if state.objects else ())]


def tab_of(finding: Finding) -> str:
    """Returns the tab that shows a finding."""
    return "objects" if finding.unit == "objects" else finding.tab


def draw_welcome(panel: types.Object, events: Events, dataset: fo.Dataset) -> None:
    """Draws the panel of a data set that has no finished scan."""
    widgets.markdown(panel, "welcome", _WELCOME)
    count = dataset.count()
    if count < 2:
        widgets.warn(
            panel,
            "empty",
            f"Winnow compares {kind_of(dataset)} with each other: add at least two to "
            "this data set first.",
        )
        return
    line = widgets.row(panel, "start")
    widgets.button(line, "scan", "Scan", events.scan, main=True, icon="search")
    widgets.markdown(line, "count", f"{count:,} {kind_of(dataset)}", small=True)


def draw_running(
    panel: types.Object, events: Events, progress: Progress, *, stops: bool
) -> None:
    """Draws where the scan (or an action) is that works on the data set."""
    text = f"**{progress.stage}**"
    if progress.total:
        share = 100 * progress.done / progress.total
        text += f": {progress.done:,} of {progress.total:,} ({share:.0f} %)"
    line = widgets.row(panel, "running")
    widgets.markdown(line, "where", text)
    if stops:
        widgets.button(line, "stop", "Stop", events.stop, icon="stop")


def draw_notice(panel: types.Object, events: Events, notice: Notice) -> None:
    """Draws what came of the last job, until the person closes it."""
    draw = widgets.warn if notice.failed else widgets.success
    draw(panel, "outcome", notice.text)
    more = widgets.row(panel, "outcome_more")
    details = [f"* {escape_markdown(line)}" for line in notice.details]
    if details:
        text = "\n".join(details[:_DETAILS])
        if len(details) > _DETAILS:
            text += f"\n* and {len(details) - _DETAILS:,} lines more"
        widgets.markdown(more, "details", text, small=True)
    widgets.button(more, "dismiss", "OK", events.dismiss, icon="check")


def draw_head(
    panel: types.Object,
    events: Events,
    state: PanelState,
    in_grid: str | None,
    *,
    begun: bool,
) -> None:
    """Draws what stands above each tab.

    Args:
        panel: to draw on
        events: of the panel
        state: what is drawn
        in_grid: what the grid shows, in words; None for all images
        begun: something was begun, and its progress is not known yet
    """
    head = widgets.row(panel, "head")
    widgets.markdown(head, "when", _when(state), small=True)
    widgets.button(head, "scan", "Scan again", events.scan, icon="refresh")
    last = undo_offered(state.dataset)
    if begun:
        widgets.markdown(head, "begun", "**At work ...**")
    elif last:
        # In a line that is there anyway: nothing moves under the pointer
        count = len(last.get("samples") or last.get("objects") or ())
        widgets.markdown(head, "done", f"{_DECIDED[last['what']]} ({count:,})")
        widgets.button(head, "undo", "Undo", events.undo, icon="undo")
    if len(state.prefixes) > 1:
        _choose_run(panel, events, state)
    if state.tally.added:
        widgets.warn(panel, "added", _added(state))
    if state.tally.deleted:
        count = state.tally.deleted
        widgets.notice(
            panel,
            "deleted",
            f"{_things(count, state)} were removed from the data set since the scan. "
            "Counts are of the rest; scan again to update the findings.",
        )
    if in_grid:
        line = widgets.row(panel, "in_grid")
        widgets.markdown(line, "words", f"The grid shows **{in_grid}**")
        widgets.button(line, "all", "Show all", events.show_all, icon="grid_view")
    tabs = widgets.row(panel, "tabs", gap=0.5)
    for tab, label in TABS.items():
        if tab == "objects" and state.objects is None:
            continue
        in_tab = _count_in_tab(tab, state)
        widgets.button(
            tabs,
            tab,
            label if in_tab is None else f"{label} {in_tab:,}",
            events.choose_tab,
            main=tab == state.tab,
            params={"tab": tab},
        )


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws all findings with their counts."""
    counts = state.tally.counts
    found = [counts[what] for what in FINDINGS] + [*state.object_counts.values()]
    if not any(found):
        widgets.notice(
            panel,
            "clean",
            f"Nothing was found wrong with these {counts['images']:,} "
            f"{kind_of(state.dataset)}.",
        )
    next_steps.draw(panel, events, state)
    widgets.table(
        panel,
        "overview_rows",
        {
            "finding": "Finding",
            "images": "Count" if state.objects else kind_of(state.dataset).capitalize(),
            "note": "",
        },
        _rows(state),
        set_data,
        on_click_row=events.choose_overview_row,
    )
    decisions = state.reader.cached("decided", lambda: decided(state.dataset))
    if any(decisions.values()):
        parts = (
            ("the one to keep {}", decisions["keeper"]),
            ("keep {}", decisions["keep"]),
            ("label is right {}", decisions["label_verified"]),
            ("not a duplicate {}", decisions["not_duplicate"]),
            ("relabel {}", decisions["relabel"]),
            ("may go {}", decisions["may_go"]),
        )
        text = ", ".join(part.format(f"{n:,}") for part, n in parts if n)
        line = widgets.row(panel, "decisions")
        widgets.markdown(line, "decided", f"**You decided:** {text}. Scans respect it.")
        widgets.button(line, "show", "Show them", events.show_decided, icon="grid_view")
    line = widgets.row(panel, "action_buttons")
    widgets.button(
        line,
        "save",
        "Keep as saved views",
        events.save_views,
        icon="bookmark_border",
        hint="A saved view of each finding, in the menu above the grid.",
    )
    widgets.button(
        line,
        "embeddings",
        "Sort by similarity, map",
        events.use_embeddings,
        icon="workspaces",
        hint="Give the embeddings to FiftyOne: sort by similarity, and a map of all.",
    )
    buttons.export(line, events)
    buttons.act(line, events, state, "report", {}, "Write a report")
    buttons.act(line, events, state, "audit", {}, "Check against a policy")


def _rows(state: PanelState) -> list[dict[str, str]]:
    report = report_of(state.run)
    counts = state.tally.counts
    images = max(1, counts["images"])
    rows = []
    for finding in lines(state):
        note = note_of(finding, report)
        if finding.name == "duplicates":
            note = _duplicates_note(state)
        elif counts["not_read"] and finding.name == "unreadable":
            note = f"of them {counts['not_read']:,} that may be whole and are not read"
        if finding.unit == "objects":
            count = state.object_counts[finding.name]
            text = _with_share(finding, count, max(1, report.counts["objects"]))
        else:
            text = _with_share(finding, _count_of(finding, counts), images)
        rows.append(
            {
                "finding": finding.label,
                "images": text,
                "note": note,
            }
        )
    return rows


def _count_of(finding: Finding, counts: Mapping[str, int]) -> int:
    """Returns the count of a line: the finding's, and of what it counts too."""
    return counts[finding.name] + sum(
        counts[other.name]
        for other in FINDINGS.values()
        if other.counted_with == finding.name
    )


def _with_share(finding: Finding, count: int, images: int) -> str:
    if finding.unit == "clusters" or not count:
        return f"{count:,}"
    return f"{count:,}\N{NO-BREAK SPACE}({share_text(count, images)})"


def _duplicates_note(state: PanelState) -> str:
    counts, report = state.tally.counts, state.run.report["counts"]
    if not counts["duplicates"]:
        return "no image has a copy"
    extra = counts["redundant_copies"]
    note = (
        f"in {counts['clusters']:,} cluster{_s(counts['clusters'])}; "
        f"{extra:,} extra cop{_s(extra, 'y', 'ies')}"
    )
    if extra == report["duplicates"] - report["duplicate_clusters"]:
        note += f", {size_text(report['removable_bytes'])} to be saved"
    return "; ".join([note, *plain_pages(report), *changes_of_meaning(report)])


def _count_in_tab(tab: str, state: PanelState) -> int | None:
    """Returns how many images, or objects, the findings of a tab have; None without
    findings."""
    if tab == "objects":
        return sum(state.object_counts.values())
    found = [
        _count_of(finding, state.tally.counts)
        for finding in _LINES
        if finding.tab == tab
        and finding.unit == "images"
        # The tab is called Duplicates: other moments are none
        and finding.name != "scenes"
    ]
    return sum(found) if found else None


def _when(state: PanelState) -> str:
    at = datetime.fromisoformat(state.run.scanned_at).astimezone()
    when = f"{at.day} {at:%b %Y, %H:%M}"
    kind = kind_of(state.dataset)
    return f"**{state.run.samples:,} {kind}** scanned on {when}"


def _added(state: PanelState) -> str:
    count = state.tally.added
    return (
        f"{_things(count, state)} added after the scan "
        f"{'is' if count == 1 else 'are'} not in it. Scan again (only new "
        f"{kind_of(state.dataset)} are read)."
    )


def _things(count: int, state: PanelState) -> str:
    return counted(count, kind_of(state.dataset).removesuffix("s"))


def _s(count: int, one: str = "", more: str = "s") -> str:
    return one if count == 1 else more


def _choose_run(panel: types.Object, events: Events, state: PanelState) -> None:
    inputs.menu(
        panel,
        "run",
        {prefix or "": prefix or "without a prefix" for prefix in state.prefixes},
        state.prefix or "",
        turns=state.turns,
        on_change=events.choose_run,
        label="There are several scans; this one is shown",
    )
