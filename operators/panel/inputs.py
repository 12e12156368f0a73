"""Menus, sliders and numbers of the panel, and which of their events say something new.

The App keeps what a person puts into an input under the input's name, sends each
change twice, and sends an event, too, when it draws an input. So the name of an input
says what it is drawn as, and after how many changes: no name means two things, and an
event that tells what was drawn, or what was told already, is known by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import fiftyone.operators as foo
import fiftyone.operators.types as types

from .callbacks import Event

_CHANGES = "changes_of_inputs"
"""In the panel's state: how often each input was changed, and the last change."""
_MARK = "_drawn_"
_NUMBER = {"width": "112px", "flex": "0 0 auto"}
_MENU = {"width": "auto", "minWidth": "110px", "maxWidth": "220px"}


def turns_of(state: Mapping[str, Any]) -> Mapping[str, int]:
    """Returns how often each input was changed, by name, from the panel's state."""
    return (state.get(_CHANGES) or {}).get("turns") or {}


def is_new(ctx: foo.ExecutionContext) -> bool:
    """Remembers a change of an input; False for an event that says nothing new.

    An event that is of no input is always new.
    """
    path, value = str(ctx.params.get("path", "")), ctx.params.get("value")
    name, mark, drawn = path.rpartition(_MARK)
    if not mark or "value" not in ctx.params:
        return True
    told = {"path": path, "value": value}
    last = (ctx.panel_state.get(_CHANGES) or {}).get("last")
    if drawn.partition("_")[2] == _digest(value) or told == last:
        return False
    name, turns = name.rpartition(".")[2], turns_of(ctx.panel_state)
    turns = {**turns, name: turns.get(name, 0) + 1}
    ctx.panel.set_state(_CHANGES, {"turns": turns, "last": told})
    return True


def slider(
    parent: types.Object,
    name: str,
    value: float,
    low: float,
    high: float,
    step: float,
    *,
    turns: Mapping[str, int],
    on_change: Event,
) -> None:
    """Adds a threshold to move; ``turns`` are the changes of inputs so far."""
    parent.float(
        _named(name, value, turns),
        default=value,
        view=types.SliderView(
            min=low,
            max=high,
            multiple_of=step,
            label="Threshold",
            value_label_display="auto",
            value_precision=3 if step < 0.1 else 1,
            # The App puts 32 pixels above and below
            componentsProps={
                "item": {"sx": {"flex": "1 1 200px", "maxWidth": "100%"}},
                "container": {"sx": {"marginTop": -3, "marginBottom": -3}},
            },
        ),
        on_change=on_change,
    )


def number(
    parent: types.Object,
    name: str,
    value: str,
    *,
    turns: Mapping[str, int],
    on_change: Event,
) -> None:
    """Adds a number to type, which counts once it is left or the disk is pressed.

    The App does not listen to Enter.
    """
    parent.str(
        _named(name, value, turns),
        default=value,
        view=types.LazyFieldView(
            save_on_blur=True, componentsProps={"item": {"sx": _NUMBER}}
        ),
        on_change=on_change,
    )


def menu(
    parent: types.Object,
    name: str,
    choices: Mapping[str, str],
    chosen: str,
    *,
    turns: Mapping[str, int],
    on_change: Event,
    label: str | None = None,
) -> None:
    """Adds a menu of values and what they are called."""
    view = types.DropdownView(componentsProps={"item": {"sx": _MENU}})
    for value, words in choices.items():
        view.add_choice(value, label=words)
    parent.str(
        _named(name, chosen, turns),
        default=chosen,
        label=label,
        view=view,
        on_change=on_change,
    )


def _named(name: str, value: Any, turns: Mapping[str, int]) -> str:
    return f"{name}{_MARK}{turns.get(name, 0)}_{_digest(value)}"


def _digest(value: Any) -> str:
    """Returns a short name of a value; of a whole number, the same with a point."""
    text = repr(float(value)) if isinstance(value, int | float) else str(value)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
