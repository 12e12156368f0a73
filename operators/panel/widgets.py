"""The few shapes that the panel is made of.

Widths are the browser's: rows of thumbnails wrap, so that a narrow panel shows
the same as a wide one. Colors are the App's own, so both themes work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import fiftyone.operators.types as types

from ...core.common.text import cut_middle, escape_markdown
from ..adapter.views.queries import Picture
from . import inputs
from .callbacks import Event, Events

THUMBNAIL = 112
"""Pixels: six fit into half of a laptop's screen."""
_LETTER = 6.5
"""Pixels of a letter below a picture (measured in Chromium: 5.0 to 6.5 on average
over a file's name, of five names)."""

_FITS = {"item": {"sx": {"width": "auto", "maxWidth": "100%"}}}
# The App leaves no room between a button's frame and its icon
_BUTTON = {**_FITS, "button": {"sx": {"paddingLeft": "10px", "paddingRight": "10px"}}}
_ICON: dict[str, Any] = {**_FITS, "button": {"sx": {"padding": "3px", "minWidth": 0}}}
# A column of a grid grows with what it holds unless it is told not to
_SHRINKS = {"grid": {"sx": {"gridTemplateColumns": "minmax(0, 1fr)"}}}
# The App's tables are 650 pixels wide at least, with wide cells
_TABLE = {
    "table": {"sx": {"minWidth": 0, "& .MuiTableCell-root": {"px": 1.25}}},
    "tableContainer": {"sx": {"overflowX": "auto"}},
}


def _icon_named(hint: str | None) -> dict[str, Any]:
    """Returns how an icon is drawn, with its hint for who does not see it."""
    return {**_ICON, "button": {**_ICON["button"], "aria-label": hint}}


def page(parent: types.Object) -> types.Property:
    """Makes the panel of all that was drawn."""
    return types.Property(
        parent,
        view=types.GridView(
            orientation="vertical",
            align_x="stretch",
            gap=1.5,
            pad=2,
            componentsProps=_SHRINKS,
        ),
    )


def card(parent: types.Object, name: str) -> types.Object:
    """Adds a framed column that is as wide as what it holds."""
    column = types.Object()
    parent.define_property(
        name,
        column,
        view=types.GridView(
            orientation="vertical",
            gap=1,
            pad=1,
            variant="outline",
            align_x="stretch",
            componentsProps={**_FITS, **_SHRINKS},
        ),
    )
    return column


def row(
    parent: types.Object, name: str, *, gap: float = 1, top: bool = False
) -> types.Object:
    """Adds a row whose things wrap where they do not fit; aligned at their tops or
    middles."""
    things = types.Object()
    parent.define_property(
        name,
        things,
        view=types.GridView(
            orientation="2d", gap=gap, align_y="start" if top else "center"
        ),
    )
    return things


def markdown(
    parent: types.Object, name: str, text: str, *, small: bool = False
) -> None:
    """Adds a sentence; **bold** and *italic* as in Markdown."""
    look: dict[str, Any] = {"container": {"sx": {"& p": {"margin": 0}}}}
    if small:
        look["container"]["sx"]["& p"] = {"margin": 0, "fontSize": "0.85rem"}
        look["container"]["sx"]["opacity"] = 0.8
    parent.md(text, name=name, componentsProps={**_FITS, **look})


def notice(parent: types.Object, name: str, text: str) -> None:
    """Adds a sentence that wants to be seen."""
    parent.view(name, types.AlertView(severity="info", label=text))


def success(parent: types.Object, name: str, text: str) -> None:
    """Adds a sentence about something that was done."""
    parent.view(name, types.AlertView(severity="success", label=text))


def warn(parent: types.Object, name: str, text: str) -> None:
    """Adds a sentence about something that is not as it should be."""
    parent.view(name, types.AlertView(severity="warning", label=text))


def button(
    parent: types.Object,
    name: str,
    label: str | None,
    on_click: Event,
    *,
    main: bool = False,
    plain: bool = False,
    icon: str | None = None,
    params: Mapping[str, Any] | None = None,
    disabled: bool = False,
    hint: str | None = None,
) -> None:
    """Adds a button: the main one filled, a plain one without a frame.

    One without a label shows its icon alone, and its hint says what it does.
    """
    parent.btn(
        name,
        label=label,
        on_click=on_click,
        variant="contained" if main else "text" if plain else "outlined",
        icon=icon,
        params=dict(params or {}),
        disabled=disabled,
        title=hint,
        componentsProps=_BUTTON if label else _icon_named(hint),
    )


def thumbnail(
    parent: types.Object,
    name: str,
    picture: Picture,
    lines: Sequence[str],
    *,
    on_click: Event,
    marked: bool = False,
    side: int = THUMBNAIL,
) -> types.Object:
    """Adds a picture with a few short lines below it.

    Args:
        parent: usually a :func:`row`
        name: of the new part
        picture: to show
        lines: Markdown; what is too long goes on in the next line, three at most.
            The file's name comes below them, in one line, cut in its middle
        on_click: called with the sample's id
        marked: with a green frame
        side: of the square that the picture fits into, in pixels

    Returns:
        the column, to add more to it
    """
    column = types.Object()
    look = {"item": {"sx": {"width": f"{side + 8}px"}}, **_SHRINKS}
    parent.define_property(
        name,
        column,
        view=types.GridView(
            orientation="vertical", gap=0.5, align_x="stretch", componentsProps=look
        ),
    )
    frame = "3px solid #4caf50" if marked else "3px solid transparent"
    column.str(
        "picture",
        default=picture.url,
        view=types.ImageView(
            width=f"{side}px",
            height=f"{side}px",
            alt=picture.name,
            operator=on_click,
            params={"id": picture.id},
            componentsProps={
                "image": {
                    "title": picture.values["filepath"],
                    "loading": "lazy",
                    "style": {
                        "objectFit": "contain",
                        "background": "rgba(128, 128, 128, 0.15)",
                        "border": frame,
                        "borderRadius": "6px",
                        "boxSizing": "border-box",
                        "display": "block",
                    },
                }
            },
        ),
    )
    file_name = cut_middle(picture.name, int((side + 8) / _LETTER))
    words = {
        "margin": 0,
        "fontSize": "0.78rem",
        "lineHeight": 1.35,
        "overflow": "hidden",
        "overflowWrap": "anywhere",
        "display": "-webkit-box",
        "WebkitBoxOrient": "vertical",
        "WebkitLineClamp": "3",
    }
    # Should the letters be wide ones: dots at the end
    last = {
        "display": "block",
        "whiteSpace": "nowrap",
        "textOverflow": "ellipsis",
        "opacity": 0.65,
    }
    column.md(
        "\n\n".join([*lines, escape_markdown(file_name)]),
        name="lines",
        componentsProps={"container": {"sx": {"& p": words, "& p:last-child": last}}},
    )
    return column


def table(
    parent: types.Object,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, str]],
    set_data: Callable[[str, Any], None],
    *,
    on_click_row: Event | None = None,
    on_click_cell: Event | None = None,
) -> None:
    """Adds a table; its rows go to the browser apart from the layout.

    The App lays a new list over the old one, so that of a longer one the end
    would stay: tables of different lengths have different names.
    """
    name = f"{name}_{len(rows)}"
    set_data(name, list(rows))
    view = types.TableView(
        on_click_row=on_click_row,
        on_click_cell=on_click_cell,
        componentsProps=_TABLE,
    )
    for key, label in columns.items():
        view.add_column(key, label=label)
    parent.list(name, types.Object(), view=view)


def timer(parent: types.Object, on_interval: Event, seconds: float = 2) -> None:
    """Has an event happen again and again, as long as this is drawn."""
    parent.view(
        "timer",
        types.TimerView(interval=round(1000 * seconds), on_interval=on_interval),
    )


def in_force(threshold: str | None) -> str:
    """Returns what holds while a threshold was moved and not applied."""
    if threshold is None:
        return "No threshold is in force until you apply this one."
    return f"Current: {threshold}. Counts, tags and actions use it until you apply."


def pager(
    parent: types.Object,
    events: Events,
    *,
    shown: int,
    start: int,
    step: int,
    total: int,
    things: str,
    turns: Mapping[str, int],
) -> None:
    """Adds what part of the list is shown, and the ways to the rest.

    Args:
        parent: the panel
        events: of the panel
        shown: how many are shown
        start: how many were passed over
        step: how many a page holds
        total: how many there are
        things: what they are
        turns: how often each input was changed
    """
    if total <= shown and not start:
        return
    line = row(parent, "pager", gap=0.5)
    end = (total - 1) // step * step
    buttons = (
        ("first", "first_page", "The first page", 0, start == 0),
        ("back", "chevron_left", "Back", max(0, start - step), start == 0),
        ("on", "chevron_right", "More", start + step, start >= end),
        ("last", "last_page", "The last page", end, start >= end),
    )
    for name, icon, hint, to, disabled in buttons:
        button(
            line,
            name,
            None,
            events.page,
            icon=icon,
            params={"start": to},
            disabled=disabled,
            hint=hint,
        )
    markdown(line, "page", "Page", small=True)
    page_number = str(start // step + 1)
    inputs.number(line, "page", page_number, turns=turns, on_change=events.turn_to)
    where = (
        f"of {end // step + 1:,}: {start + 1:,} to {start + shown:,} of {total:,} "
        f"{things}"
    )
    markdown(line, "where", where, small=True)
