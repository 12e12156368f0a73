"""The tab of labels: given against suggested, with the images that speak."""

from __future__ import annotations

from typing import Any

import fiftyone.operators.types as types

from .._fo.gallery import Picture, count_pairs
from . import buttons, layout
from .events import Events
from .scene import Scene

_A_PAGE = 5
_PAIRS = 5


def class_pairs(scene: Scene) -> list[tuple[str, str, int]]:
    """Returns given label, suggested label and images, most frequent first."""
    return count_pairs(scene.reader, _PAIRS)


def draw(panel: types.Object, events: Events, scene: Scene, set_data: Any) -> None:
    """Draws the worst labels, each between the images for and against it."""
    if scene.reader.label_path is None:
        layout.tell(
            panel,
            "none",
            "The scan looked at no labels. Scan again and say which field holds them.",
        )
        return
    only = scene.state.get("only")
    match = _match(scene, only)
    chosen = scene.state.get("label_score")
    in_force = scene.threshold("min_label_score") or 0.0
    limit = limit_shown(scene)
    count = scene.reader.count(match)
    layout.say(panel, "about", _about(count, limit, only, scene))
    layout.slider(
        panel, "label_slider", limit, 0, 100, 0.5, on_change=events.move_label_score
    )
    line = layout.row(panel, "ways")
    moved = chosen is not None and chosen != in_force
    buttons.apply_or_reset(line, events, "label_issues", f"{limit:g}", moved=moved)
    buttons.ways(
        panel,
        events,
        scene,
        "label_issues",
        ("retag", "Use all suggestions"),
        line=line,
    )
    _draw_pairs(panel, events, scene, only, set_data)
    score = scene.field("label_score")
    found = scene.reader.pictures(
        match,
        ("label_score", "label_suggestion", "label_agrees", "label_contradicts"),
        sort={score: 1},
        skip=scene.start,
        limit=_A_PAGE,
    )
    _draw_issues(panel, events, scene, found)
    layout.pager(
        panel,
        events.page,
        shown=len(found),
        start=scene.start,
        step=_A_PAGE,
        total=count,
        things="labels",
    )


def limit_shown(scene: Scene) -> float:
    """Returns the threshold that was moved to, else the one in force."""
    chosen = scene.state.get("label_score")
    if chosen is not None:
        return float(chosen)
    return scene.threshold("min_label_score") or 0.0


def _match(scene: Scene, only: Any) -> dict[str, Any]:
    chosen = scene.state.get("label_score")
    match: dict[str, Any] = {scene.field("label_issue"): True}
    if chosen is not None:
        match = {scene.field("label_score"): {"$lt": chosen}}
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
    panel: types.Object, events: Events, scene: Scene, only: Any, set_data: Any
) -> None:
    pairs = class_pairs(scene)
    if not pairs:
        return
    columns = {"given": "Given", "suggested": "Similar images say", "images": "Images"}
    layout.table(panel, "class_pairs", columns, on_click_row=events.choose_pair)
    set_data(
        "class_pairs",
        [
            {"given": given, "suggested": suggested, "images": f"{count:,}"}
            for given, suggested, count in pairs
        ],
    )
    if isinstance(only, list):
        layout.button(
            panel, "all", "All classes again", events.choose_all_pairs, icon="clear"
        )


def _draw_issues(
    panel: types.Object, events: Events, scene: Scene, found: list[Picture]
) -> None:
    sides = ("label_agrees", "label_contradicts")
    wanted = [p.values[side] for p in found for side in sides]
    others = scene.reader.by_id([i for i in wanted if i is not None], ())
    cards = layout.row(panel, "issues", gap=1.5)
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
    frame = layout.card(cards, f"label_{number}")
    suggested = picture.values["label_suggestion"]
    title = f"Called **{picture.label}**"
    if suggested:
        title += f", similar images say **{suggested}**"
    layout.say(frame, "title", f"{title} · score {picture.values['label_score']:.1f}")
    sides = layout.row(frame, "sides", gap=1.5)
    layout.thumbnail(
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
            layout.thumbnail(sides, name, other, lines, on_click=events.open_sample)
    if agrees is None:
        text = f"None of the most similar images is called {picture.label}."
        layout.say(frame, "alone", text, small=True)
    line = layout.row(frame, "ways")
    if suggested:
        buttons.act(
            line,
            events,
            scene,
            "retag",
            {"what": "selected", "samples": [picture.id]},
            f"Call it {suggested}",
        )
    layout.button(
        line,
        "verified",
        f"{picture.label} is right",
        events.decide,
        icon="check",
        params={"what": "label_verified", "samples": [picture.id]},
        hint="Remembered in all later scans, as long as the label stays.",
    )
