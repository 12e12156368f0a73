"""The tab of actions: what can be done, and what was done."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from ...core.actions.filesystem import check_system
from ...core.common.text import escape_markdown
from ...core.errors import ActionError
from ...core.findings.image_issues import SURE_ISSUES
from ..adapter.actions.action_reports import past_text
from ..adapter.actions.execute import PastAction, history
from ..adapter.curation.export import PastExport, past_exports
from ..adapter.dataset.decisions import decided_view, decisions_of
from . import buttons, widgets
from .callbacks import Events
from .state import PanelState

_SHOWN = 10
A_PAGE = 12
"""Of decided images."""
_PLANS = {
    "duplicates": ("quarantine", "Extra copies", "redundant_copies"),
    "leaks": ("quarantine", "One side of each leak", "leaks_to_remove"),
    "outliers": ("quarantine", "Outliers", "outliers"),
    "image_issues": (
        "quarantine",
        "Damaged, dark, bright, blurry or empty images",
        "image_issues",
    ),
    "unreadable": ("quarantine", "Damaged and empty files", "unreadable"),
    "label_issues": ("retag", "Labels, to those of similar images", "label_issues"),
}
"""What can be done: the operator, in words, and the finding that counts it."""

_VERBS = {"quarantine": "Quarantine", "retag": "Retag"}


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws what can be done with the findings."""
    widgets.markdown(
        panel,
        "about",
        "Tag what you want to look at again, or copy everything without the problems "
        "to a new folder.",
    )
    line = widgets.row(panel, "action_buttons")
    buttons.export(line, events, main=True)
    widgets.button(
        line,
        "tag",
        "Tag a finding",
        events.tag,
        icon="sell",
        params={"what": "redundant_copies"},
    )
    _draw_plans(panel, events, state)
    _draw_history(panel, events, state)
    _draw_decisions(panel, events, state)


def _draw_decisions(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws what the person decided of images, each with the way back."""
    cached, dataset = state.reader.cached, state.dataset
    total = cached("decided in all", lambda: decided_view(dataset).count())
    if not total:
        return
    start = state.start_of_page(total, A_PAGE)
    decided = cached(("decisions", start), lambda: decisions_of(dataset, start, A_PAGE))
    line = widgets.row(panel, "decided_about")
    widgets.markdown(line, "words", "**What you decided**, and every scan respects")
    widgets.button(
        line, "show", "Show all in grid", events.show_decided, icon="grid_view"
    )
    pictures = state.reader.by_id([sample for sample, _ in decided], ())
    cards = widgets.row(panel, "decided", top=True)
    for number, (sample, decisions) in enumerate(decided):
        if sample not in pictures:
            continue
        card = widgets.thumbnail(
            cards,
            f"decided_{number}",
            pictures[sample],
            [escape_markdown(words) for words in decisions.values()],
            on_click=events.open_sample,
        )
        for what, words in decisions.items():
            widgets.button(
                card,
                f"back_{what}",
                "Take back",
                events.take_back,
                plain=True,
                icon="undo",
                params={"what": what, "samples": [sample]},
                hint=f"No longer: {words}",
            )
    widgets.pager(
        panel,
        events,
        shown=len(decided),
        start=start,
        step=A_PAGE,
        total=total,
        things="images",
        turns=state.turns,
    )


def _draw_plans(panel: types.Object, events: Events, state: PanelState) -> None:
    plans = {
        what: (operator, words, state.tally.counts[finding])
        for what, (operator, words, finding) in _PLANS.items()
        if operator in state.operators and state.tally.counts[finding]
    }
    if not plans:
        return
    try:
        check_system()
    except ActionError as error:
        widgets.markdown(panel, "plans_about", str(error))
        return
    widgets.markdown(
        panel,
        "plans_about",
        "**Change files and labels.** Each shows what it would do before it does it, "
        "and can be undone.",
    )
    for what, (operator, words, count) in plans.items():
        if what == "image_issues":
            # Those that only differ from their set are not acted on unless asked to
            issues = {"$in": list(SURE_ISSUES)}
            count = state.reader.count({state.field("image_issues"): issues})
            if not count:
                continue
        line = widgets.row(panel, f"plan_{what}")
        buttons.act(line, events, state, operator, {"what": what}, _VERBS[operator])
        widgets.markdown(line, "words", f"{words}: {count:,}")


def _draw_history(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws what was done to files and labels, and what was exported, newest first."""
    actions, exports = history(state.dataset), past_exports(state.dataset)
    done: list[PastAction | PastExport] = [*actions, *exports]
    done.sort(key=lambda past: past.at, reverse=True)
    if not done:
        return
    widgets.markdown(panel, "done_about", "**What was done**")
    for number, past in enumerate(done[:_SHOWN]):
        line = widgets.row(panel, f"done_{number}")
        if isinstance(past, PastExport):
            widgets.markdown(line, "words", _export_text(past))
            continue
        if past.undoable:
            buttons.act(line, events, state, "undo", {"key": past.key}, "Undo")
        widgets.markdown(line, "words", past_text(past))
    if any(past.undoable for past in actions if past.action == "quarantine"):
        line = widgets.row(panel, "purge_row")
        buttons.act(line, events, state, "purge", {}, "Purge")
        widgets.markdown(line, "words", "Deletes files quarantined long enough ago.")


def _export_text(past: PastExport) -> str:
    at = past.at[:16].replace("T", " ")
    return f"{at}  export: {past.count:,} images to {escape_markdown(past.folder)}"
