"""The tab of labels: given against suggested, with the images that speak."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators.types as types
from fiftyone import ViewField as F

from ..adapter.dataset.present import present
from ..adapter.views.finding_views import found_view
from ..adapter.views.queries import Picture, count_pairs
from . import buttons, widgets
from .callbacks import Events
from .state import Scene

_A_PAGE = 5
_PAIRS = 5


def class_pairs(scene: Scene) -> list[tuple[str, str, int]]:
    """Returns given label, suggested label and images, most frequent first."""
    return count_pairs(scene.reader, _match(scene, None))[:_PAIRS]


def chosen(scene: Scene) -> float | None:
    """Returns the threshold that was moved to, None if it was not."""
    value = scene.state.get("label_score")
    return None if value is None else float(value)


def grid_view(scene: Scene) -> tuple[fo.DatasetView, str]:
    """Returns what the grid shows of this tab, and what that is called."""
    limit = chosen(scene)
    if limit is None:
        return found_view(scene.dataset, "label_issues", scene.prefix), "label issues"
    name = scene.field("label_score")
    # None is less than any number to the database
    view = present(scene.dataset).exists(name).match(F(name) < limit).sort_by(name)
    return view, f"labels that score below {limit:g}"


def draw(panel: types.Object, events: Events, scene: Scene, set_data: Any) -> None:
    """Draws the worst labels, each between the images for and against it."""
    if scene.reader.label_path is None:
        widgets.tell(
            panel,
            "none",
            "The scan looked at no labels. Scan again and say which field holds them.",
        )
        return
    only = scene.state.get("only")
    match = _match(scene, only)
    in_force = _in_force(scene)
    limit = limit_shown(scene)
    count = scene.reader.count(match)
    widgets.say(panel, "about", _about(count, limit, only, scene))
    widgets.slider(
        panel, "label_slider", limit, 0, 100, 0.5, on_change=events.move_label_score
    )
    line = widgets.row(panel, "ways")
    moved = chosen(scene) not in (None, in_force)
    buttons.apply_or_reset(line, events, "label_issues", f"{limit:g}", moved=moved)
    retag = ("retag", "Use all suggestions")
    buttons.ways(panel, events, scene, "label_issues", retag, line=line)
    if moved:
        widgets.say(panel, "moved", widgets.in_force(f"{in_force:g}"), small=True)
    _draw_pairs(panel, events, scene, only, count, set_data)
    start = scene.start_of_page(count, _A_PAGE)
    score = scene.field("label_score")
    found = scene.reader.pictures(
        match,
        ("label_score", "label_suggestion", "label_agrees", "label_contradicts"),
        sort={score: 1},
        skip=start,
        limit=_A_PAGE,
    )
    _draw_issues(panel, events, scene, found)
    widgets.pager(
        panel,
        events.page,
        shown=len(found),
        start=start,
        step=_A_PAGE,
        total=count,
        things="labels",
    )


def limit_shown(scene: Scene) -> float:
    """Returns the threshold that was moved to, else the one in force."""
    moved_to = chosen(scene)
    return moved_to if moved_to is not None else _in_force(scene)


def _in_force(scene: Scene) -> float:
    return scene.threshold("min_label_score") or 0.0


def _match(scene: Scene, only: Any) -> dict[str, Any]:
    # The bound says nothing new, but lets the database use its index
    below = {scene.field("label_score"): {"$lt": _in_force(scene)}}
    match: dict[str, Any] = {scene.field("label_issue"): True, **below}
    if chosen(scene) is not None:
        match = {scene.field("label_score"): {"$lt": chosen(scene)}}
    if isinstance(only, list):
        match[str(scene.reader.label_path)] = only[0]
        match[scene.field("label_suggestion")] = only[1]
    return match


def _about(count: int, limit: float, only: Any, scene: Scene) -> str:
    if isinstance(only, list):
        given, suggested = only
        return f"**{count:,}** images called **{given}** look like **{suggested}**."
    if not count:
        return (
            f"No label scores below **{limit:g}** (0: nothing supports it, 100: all)."
        )
    return (
        f"**{count:,}** labels score below **{limit:g}** (0: nothing supports it, 100: "
        "all), worst first. Move the threshold; the grid follows."
    )


def _draw_pairs(
    panel: types.Object,
    events: Events,
    scene: Scene,
    only: Any,
    count: int,
    set_data: Any,
) -> None:
    pairs = class_pairs(scene)
    if not pairs:
        return
    if isinstance(only, list):
        given, suggested = only
        line = widgets.row(panel, "pair_ways")
        if chosen(scene) is None:
            buttons.act(
                line,
                events,
                scene,
                "retag",
                {"what": "label_issues", "pair": only, "to": suggested},
                f"Call all {count:,} {suggested}",
            )
        widgets.button(
            line, "all", "All classes again", events.choose_all_pairs, icon="clear"
        )
        return
    widgets.say(panel, "pairs_about", "Click a line to see its images:", small=True)
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
    panel: types.Object, events: Events, scene: Scene, found: list[Picture]
) -> None:
    sides = ("label_agrees", "label_contradicts")
    wanted = [p.values[side] for p in found for side in sides]
    others = scene.reader.by_id([i for i in wanted if i is not None], ())
    cards = widgets.row(panel, "issues", gap=1.5, top=True)
    for number, picture in enumerate(found):
        agrees, against = (others.get(picture.values[side] or "") for side in sides)
        _draw_issue(cards, events, scene, number, picture, agrees, against)


def _draw_issue(
    cards: types.Object,
    events: Events,
    scene: Scene,
    number: int,
    picture: Picture,
    agrees: Picture | None,
    contradicts: Picture | None,
) -> None:
    frame = widgets.card(cards, f"label_{number}")
    suggested = picture.values["label_suggestion"]
    title = f"Called **{picture.label}**"
    if suggested:
        title += f", similar images say **{suggested}**"
    widgets.say(frame, "title", f"{title} · score {picture.values['label_score']:.1f}")
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
        widgets.say(frame, "alone", text, small=True)
    line = widgets.row(frame, "ways")
    if suggested:
        buttons.act(
            line,
            events,
            scene,
            "retag",
            {"what": "selected", "samples": [picture.id], "to": suggested},
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
