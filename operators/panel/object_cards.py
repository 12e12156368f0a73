"""Cards of labeled objects: a crop with its evidence, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import fiftyone.operators.types as types

from ...core.common.text import distance_text, escape_markdown, score_text
from ..adapter.dataset.decisions import KEEP, LABEL_VERIFIED, decision_of
from ..adapter.views.object_copies import boxes_to_draw, copies_of
from ..adapter.views.object_queries import DECIDED, ObjectFilter, ShownObject
from ..adapter.views.queries import Picture
from ..adapter.views.thumbnails import boxes_url, media_url, object_url, thumbnail_url
from . import buttons, widgets
from .callbacks import Events
from .state import PanelState

_WITH_BOXES = 200
"""Side of a whole picture with its boxes, in pixels."""


@dataclass(frozen=True)
class _Cards:
    """Where cards are drawn.

    Attributes:
        row: of the cards
        events: of the panel
        state: what is drawn
    """

    row: types.Object
    events: Events
    state: PanelState

    def card(self, one: ShownObject, title: str) -> types.Object:
        """Adds the frame of an object with a sentence."""
        frame = widgets.card(self.row, f"object_{one.id}")
        widgets.markdown(frame, "title", title)
        return frame

    def crop(
        self, parent: types.Object, name: str, one: ShownObject, *lines: str
    ) -> types.Object:
        """Adds an object as a picture; a click opens it."""
        url = object_url(one.filepath, one.box) if one.box else None
        url = url or thumbnail_url(one.filepath) or media_url(one.filepath)
        return self._thumbnail(parent, name, one, url, lines)

    def with_boxes(
        self, parent: types.Object, name: str, found: Sequence[ShownObject], line: str
    ) -> None:
        """Adds a picture with its boxes."""
        path = found[0].filepath
        url = boxes_url(path, boxes_to_draw(found)) or media_url(path)
        self._thumbnail(parent, name, found[0], url, [line], side=_WITH_BOXES)

    def decide(
        self, line: types.Object, what: str, objects: Sequence[ShownObject], words: str
    ) -> None:
        """Adds the button of a decision."""
        hint = "It is fine. Never flagged again."
        if what == LABEL_VERIFIED:
            hint = "Remembered in all later scans, as long as the label stays."
        ids = [one.id for one in objects]
        buttons.decide_on_objects(line, self.events, what, ids, words, hint)

    def call(
        self, line: types.Object, what: str, one: ShownObject, label: str | None
    ) -> None:
        """Adds the button that gives an object another label."""
        if label:
            params = {"what": what, "objects": [one.id], "label": label}
            words = f"Call it {label}"
            buttons.act(line, self.events, self.state, "retag", params, words)

    def remove(self, line: types.Object, what: str, one: ShownObject) -> None:
        """Adds the button that removes an object."""
        params = {"what": what, "objects": [one.id]}
        buttons.act(line, self.events, self.state, "remove_objects", params, "Remove")

    def _thumbnail(
        self,
        parent: types.Object,
        name: str,
        one: ShownObject,
        url: str,
        lines: Sequence[str],
        **more: Any,
    ) -> types.Object:
        picture = Picture(
            one.id, lambda: url, one.label, None, {"filepath": one.filepath}
        )
        return widgets.thumbnail(
            parent,
            name,
            picture,
            [line for line in lines if line],
            on_click=self.events.open_object,
            **more,
        )


def draw(
    panel: types.Object,
    events: Events,
    state: PanelState,
    kind: str,
    only: ObjectFilter,
    start: int,
    limit: int,
) -> int:
    """Draws a page of a finding of objects; returns how many it shows."""
    assert state.objects is not None
    shape = _SHAPES[kind]
    found = state.objects.page(kind, shape.fields, start, limit, only)
    row = widgets.row(panel, "objects", gap=1.5, top=True)
    shape.draw(_Cards(row, events, state), kind, found)
    return len(found)


def _named(one: ShownObject) -> str:
    return f"**{escape_markdown(one.label)}**" if one.label else "no label"


def _draw_label_issues(cards: _Cards, kind: str, found: Sequence[ShownObject]) -> None:
    assert cards.state.objects is not None
    sides = {
        "label_counterexample": "nearest of another label",
        "label_support": "nearest of its label",
    }
    wanted = {one.values[side] for one in found for side in sides} - {None}
    others = cards.state.objects.by_id(sorted(wanted))
    for one in found:
        suggested = one.values["label_suggestion"]
        title = f"Called {_named(one)}"
        if suggested:
            title += f", similar objects have **{escape_markdown(suggested)}**"
        title += f" · score {score_text(one.values['label_score'])}"
        frame = cards.card(one, title)
        row = widgets.row(frame, "sides", gap=1.5, top=True)
        cards.crop(row, "object", one, "**this object**")
        for side, words in sides.items():
            other = others.get(one.values[side])
            if other is not None:
                cards.crop(row, side, other, words, _named(other))
        line = widgets.row(frame, "buttons")
        cards.call(line, kind, one, suggested)
        cards.decide(line, LABEL_VERIFIED, [one], f"{one.label} is right")
        cards.remove(line, kind, one)


def _draw_disagreements(cards: _Cards, kind: str, found: Sequence[ShownObject]) -> None:
    assert cards.state.objects is not None
    copies = copies_of(cards.state.reader, [one.sample for one in found])
    samples = sorted({one.sample for one in found} | set(copies.values()))
    boxes = cards.state.objects.of_samples(samples, ("copy_agreement",))
    for one in found:
        copy, what = copies.get(one.sample), one.values["copy_agreement"]
        other_label = one.values["copy_label"]
        frame = cards.card(one, _disagreement(one, what, other_label))
        row = widgets.row(frame, "sides", gap=1.5, top=True)
        cards.crop(row, "object", one, "**this object**", _named(one))
        cards.with_boxes(row, "boxes", boxes[one.sample], "its picture")
        if copy and boxes[copy]:
            cards.with_boxes(row, "copy", boxes[copy], "the copy")
        line = widgets.row(frame, "buttons")
        if what == "other label":
            cards.call(line, kind, one, other_label)
            cards.decide(line, LABEL_VERIFIED, [one], f"{one.label} is right")
        else:
            cards.decide(line, KEEP, [one], "The box is right")
        cards.remove(line, kind, one)


def _disagreement(one: ShownObject, what: str, other_label: str | None) -> str:
    if what == "missing":
        return f"A copy lacks this {_named(one)}"
    if what == "shifted":
        return f"{_named(one)} is elsewhere in a copy"
    return f"{_named(one)} here, **{escape_markdown(other_label or '?')}** in a copy"


def _draw_clusters(cards: _Cards, kind: str, found: Sequence[ShownObject]) -> None:
    for number, group in groupby(found, lambda one: one.values["dup_cluster"]):
        members = list(group)
        frame = cards.card(members[0], f"**Cluster {number:,}**")
        row = widgets.row(frame, "sides", top=True)
        for place, one in enumerate(members):
            splits = one.values["leak_splits"]
            also = f"also in {', '.join(splits)}" if splits else ""
            column = cards.crop(row, f"object_{place}", one, _named(one), also)
            cards.remove(column, kind, one)
        line = widgets.row(frame, "buttons")
        cards.decide(line, KEEP, members, "Keep all")


def _draw_boxes(cards: _Cards, kind: str, found: Sequence[ShownObject]) -> None:
    words = {
        "duplicate": "a second box on one object",
        "outside": "reaches out of the picture",
        "degenerate": "no box that could be drawn",
    }
    for one in found:
        issues = [words[name] for name in one.values["box_issues"] if name in words]
        _draw_one(cards, kind, one, f"{_named(one)}: {', '.join(issues)}")


def _draw_outliers(cards: _Cards, kind: str, found: Sequence[ShownObject]) -> None:
    for one in found:
        title = (
            f"{_named(one)} · distance {distance_text(one.values['outlier_distance'])}"
        )
        _draw_one(cards, kind, one, title)


def _draw_one(cards: _Cards, kind: str, one: ShownObject, title: str) -> None:
    frame = cards.card(one, title)
    cards.crop(frame, "object", one)
    line = widgets.row(frame, "buttons")
    cards.decide(line, KEEP, [one], "Keep")
    cards.remove(line, kind, one)


def _draw_decided(cards: _Cards, kind: str, found: Sequence[ShownObject]) -> None:
    for one in found:
        words = ["kept" if word == KEEP else word for word in one.decisions]
        frame = cards.card(one, escape_markdown(", ".join(words)))
        cards.crop(frame, "object", one, _named(one))
        for what in sorted({decision_of(word) for word in one.decisions}):
            widgets.button(
                frame,
                f"back_{what}",
                "Take back",
                cards.events.take_back,
                plain=True,
                icon="undo",
                params={"what": what, "objects": [one.id]},
            )


@dataclass(frozen=True)
class _Shape:
    """How a finding is drawn.

    Attributes:
        fields: attributes that are shown
        draw: the cards of a finding and its objects
    """

    fields: Sequence[str]
    draw: Callable[[_Cards, str, Sequence[ShownObject]], None]


_COPIES = _Shape(("dup_cluster", "dup_kind", "leak_splits"), _draw_clusters)
_SHAPES: Mapping[str, _Shape] = {
    "object_label_issues": _Shape(
        ("label_score", "label_suggestion", "label_support", "label_counterexample"),
        _draw_label_issues,
    ),
    "object_outliers": _Shape(("outlier_distance",), _draw_outliers),
    "object_duplicates": _COPIES,
    "object_leaks": _COPIES,
    "bad_boxes": _Shape(("box_issues",), _draw_boxes),
    "box_disagreements": _Shape(("copy_agreement", "copy_label"), _draw_disagreements),
    DECIDED: _Shape((), _draw_decided),
}
