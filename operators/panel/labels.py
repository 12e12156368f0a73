"""The tab of labels: given against suggested, with the images that speak."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types
from fiftyone import ViewField as F

from ...core.common.text import score_text
from ...core.findings.registry import FINDINGS
from ..adapter.dataset.present import present
from ..adapter.runs.remarks import label_expectation
from ..adapter.runs.scan_report import report_of
from ..adapter.views.count_queries import count_pairs, histogram
from ..adapter.views.finding_views import found_view
from ..adapter.views.queries import Picture
from . import buttons, filters, review, thresholds, widgets
from .callbacks import Events
from .state import PanelState

A_PAGE = 5
_PAIRS = 5
_ORDERS = {"worst": 1, "best": -1}


def class_pairs(state: PanelState) -> list[tuple[str, str, int]]:
    """Returns given label, suggested label and images, most frequent first."""
    return count_pairs(state.reader, filters.within(state, _match(state, None)))[
        :_PAIRS
    ]


def chosen(state: PanelState) -> float | None:
    """Returns the threshold that was moved to, None if it was not."""
    value = state.kept.get("label_score")
    return None if value is None else float(value)


def grid_view(state: PanelState) -> tuple[fo.DatasetView, str]:
    """Returns what the grid shows of this tab, and what that is called."""
    limit = chosen(state)
    if limit is None:
        found = found_view(state.dataset, "label_issues", state.prefix)
        return filters.narrowed(state, found), "label issues"
    name = state.field("label_score")
    # None is less than any number to the database
    view = present(state.dataset).exists(name).match(F(name) < limit).sort_by(name)
    return filters.narrowed(state, view), f"labels that score below {limit:g}"


def draw(panel: types.Object, events: Events, state: PanelState, set_data: Any) -> None:
    """Draws the worst labels, each between the images for and against it."""
    if state.reader.labels is None:
        widgets.notice(
            panel,
            "none",
            "The scan had no labels. Scan again and choose the field that holds them.",
        )
        return
    only = state.kept.get("only")
    all_found = _match(state, only)
    match = filters.within(state, all_found)
    in_force = _in_force(state)
    limit = _limit_shown(state)
    count = state.reader.count(match)
    widgets.markdown(panel, "about", _about(count, limit, only, state))
    threshold = thresholds.Threshold(
        "label_score",
        "agreement of the label with similar images",
        0,
        100,
        0.5,
        False,
        events.move_label_score,
        events.pick_label_score,
    )
    bars = histogram(state.reader, "label_score")
    if bars.counts:
        thresholds.draw(panel, threshold, bars, limit, set_data, turns=state.turns)
    line = widgets.row(panel, "action_buttons")
    if state.tally.counts["label_issues"]:
        review.button(line, events, "label_issues")
    moved = chosen(state) not in (None, in_force)
    buttons.apply_or_reset(line, events, "label_issues", f"{limit:g}", moved=moved)
    if count:
        retag = ("retag", "Use all suggestions")
        buttons.action_buttons(panel, events, state, "label_issues", retag, line=line)
    if moved:
        widgets.markdown(panel, "moved", widgets.in_force(f"{in_force:g}"), small=True)
    _draw_predicted(panel, events, state)
    _draw_pairs(panel, events, state, only, count, set_data)
    filters.draw(panel, events, state, all_found, list(_ORDERS))
    start = state.start_of_page(count, A_PAGE)
    score = state.field("label_score")
    found = state.reader.pictures(
        match,
        ("label_score", "label_suggestion", "label_support", "label_counterexample"),
        sort={score: _ORDERS[filters.order(state, list(_ORDERS))]},
        skip=start,
        limit=A_PAGE,
    )
    _draw_issues(panel, events, state, found)
    widgets.pager(
        panel,
        events,
        shown=len(found),
        start=start,
        step=A_PAGE,
        total=count,
        things="labels",
        turns=state.turns,
    )


def _limit_shown(state: PanelState) -> float:
    """Returns the threshold that was moved to, else the one in force."""
    moved_to = chosen(state)
    return moved_to if moved_to is not None else _in_force(state)


def _in_force(state: PanelState) -> float:
    return state.threshold("min_label_score") or 0.0


def _match(state: PanelState, only: Any) -> dict[str, Any]:
    # The bound says nothing new, but lets the database use its index
    below = {state.field("label_score"): {"$lt": _in_force(state)}}
    match: dict[str, Any] = {state.field("label_issue"): True, **below}
    if chosen(state) is not None:
        match = {state.field("label_score"): {"$lt": chosen(state)}}
    if isinstance(only, list) and state.reader.labels is not None:
        match |= state.reader.labels.matches(only[0])
        match[state.field("label_suggestion")] = only[1]
    return match


def _about(count: int, limit: float, only: Any, state: PanelState) -> str:
    if isinstance(only, list):
        given, suggested = only
        return f"**{count:,}** images called **{given}** look like **{suggested}**."
    if not count:
        return (
            f"No label scores below **{limit:g}** (0: nothing supports it, 100: all). "
            "Move the threshold to the right to see the most doubtful ones."
        )
    about = (
        f"**{count:,}** labels score below **{limit:g}** (0: nothing supports it, 100: "
        "all), worst first. Move the threshold; the grid follows."
    )
    if limit == _in_force(state):
        sure = label_expectation(report_of(state.run))
        about += "".join(f" Of all labels {sentence}." for sentence in sure)
    return about


def _draw_predicted(panel: types.Object, events: Events, state: PanelState) -> None:
    """Draws the ways to the images on which a person's model is wrong or unsure."""
    if state.run.predictions is None:
        return
    line = widgets.row(panel, "predicted")
    widgets.markdown(line, "words", "Your model:", small=True)
    for what in ("confidently_wrong", "hardest"):
        finding = FINDINGS[what]
        widgets.button(
            line,
            what,
            f"{finding.label} {state.tally.counts[what]:,}",
            events.show,
            icon="grid_view",
            params={"what": what},
            hint=f"{finding.description[0].upper()}{finding.description[1:]}.",
        )


def _draw_pairs(
    panel: types.Object,
    events: Events,
    state: PanelState,
    only: Any,
    count: int,
    set_data: Any,
) -> None:
    pairs = class_pairs(state)
    if not pairs:
        return
    if isinstance(only, list):
        given, suggested = only
        line = widgets.row(panel, "pair_buttons")
        if chosen(state) is None:
            # Menus limit what is shown, and no plan
            every = state.reader.count(_match(state, only))
            buttons.act(
                line,
                events,
                state,
                "retag",
                {"what": "label_issues", "pair": only, "label": suggested},
                f"Call all {every:,} {suggested}",
            )
        widgets.button(
            line, "all", "All classes again", events.choose_all_pairs, icon="clear"
        )
        return
    widgets.markdown(
        panel, "pairs_about", "Click a line to see its images:", small=True
    )
    rows = [
        {"given": given, "suggested": suggested, "images": f"{images:,}"}
        for given, suggested, images in pairs
    ]
    others = count - sum(images for _, _, images in pairs)
    if others > 0:
        rows.append({"given": "others", "suggested": "", "images": f"{others:,}"})
    widgets.table(
        panel,
        "class_pairs",
        {"given": "Given", "suggested": "Similar images say", "images": "Images"},
        rows,
        set_data,
        on_click_row=events.choose_pair,
    )


def _draw_issues(
    panel: types.Object, events: Events, state: PanelState, found: list[Picture]
) -> None:
    sides = ("label_support", "label_counterexample")
    wanted = [p.values[side] for p in found for side in sides]
    others = state.reader.by_id([i for i in wanted if i is not None], ())
    cards = widgets.row(panel, "issues", gap=1.5, top=True)
    for number, picture in enumerate(found):
        agrees, against = (others.get(picture.values[side] or "") for side in sides)
        _draw_issue(cards, events, state, number, picture, agrees, against)


def _draw_issue(
    cards: types.Object,
    events: Events,
    state: PanelState,
    number: int,
    picture: Picture,
    agrees: Picture | None,
    contradicts: Picture | None,
) -> None:
    frame = widgets.card(cards, f"label_{number}")
    suggested = picture.values["label_suggestion"]
    title = f"Called **{picture.label}**"
    if suggested:
        title += f", similar images have **{suggested}**"
    widgets.markdown(
        frame, "title", f"{title} · score {score_text(picture.values['label_score'])}"
    )
    sides = widgets.row(frame, "sides", gap=1.5, top=True)
    widgets.thumbnail(
        sides,
        "image",
        picture,
        ["**this image**", picture.split or ""],
        on_click=events.open_sample,
    )
    for name, other, words in (
        ("contradicts", contradicts, "nearest of another label"),
        ("agrees", agrees, "nearest of its label"),
    ):
        if other is not None:
            lines = [words, f"**{other.label}**"]
            widgets.thumbnail(sides, name, other, lines, on_click=events.open_sample)
    if agrees is None:
        text = f"None of the most similar images is called {picture.label}."
        widgets.markdown(frame, "alone", text, small=True)
    line = widgets.row(frame, "action_buttons")
    if suggested:
        buttons.act(
            line,
            events,
            state,
            "retag",
            {"what": "selected", "samples": [picture.id], "label": suggested},
            f"Call it {suggested}",
        )
    widgets.button(
        line,
        "verified",
        f"{picture.label} is right",
        events.decide,
        icon="check",
        params={"what": "label_verified", "samples": [picture.id]},
        hint="Remembered in all later scans, as long as the label stays.",
    )
