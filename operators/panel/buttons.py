"""The buttons that stand in several tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone.operators.types as types

from . import widgets
from .callbacks import Events
from .state import PanelState

_ICONS = {
    "clean": "auto_fix_high",
    "quarantine": "inventory_2",
    "move": "drive_file_move",
    "retag": "label",
    "remove_objects": "layers_clear",
    "tag": "sell",
    "undo": "undo",
    "purge": "delete_forever",
    "report": "description",
    "audit": "rule",
    "split": "call_split",
    "thin": "compress",
}


def act(
    parent: types.Object,
    events: Events,
    state: PanelState,
    operator: str,
    params: Mapping[str, Any],
    label: str,
    *,
    name: str | None = None,
    main: bool = False,
) -> None:
    """Adds a button that asks an operator, which shows its plan first.

    Not drawn where the operator is not installed.
    """
    if operator not in state.operators:
        return
    widgets.button(
        parent,
        name or operator,
        label,
        events.act,
        main=main,
        icon=_ICONS.get(operator),
        params={"operator": operator, "with": dict(params)},
    )


def action_buttons(
    parent: types.Object,
    events: Events,
    state: PanelState,
    what: str,
    action: tuple[str, str],
    *,
    name: str = "action_buttons",
    show: str = "Show in grid",
    tag: str = "Tag",
    tagged: str | None = None,
    line: types.Object | None = None,
    more: Mapping[str, Any] | None = None,
) -> types.Object:
    """Adds what can be done with all images of a finding.

    Args:
        parent: the panel
        events: of the panel
        state: what is drawn
        what: a finding, as the grid shows it and an action takes it
        action: the operator that changes files or labels, and its button
        name: of the row
        show: the button that puts the finding into the grid
        tag: the button that tags it
        tagged: the finding to tag, if it is another
        line: a row that has buttons already
        more: what else the action is told

    Returns:
        the row, to add more to it
    """
    line = line if line is not None else widgets.row(parent, name)
    widgets.button(
        line, "show", show, events.show, icon="grid_view", params={"what": what}
    )
    widgets.button(
        line, "tag", tag, events.tag, icon="sell", params={"what": tagged or what}
    )
    operator, label = action
    act(line, events, state, operator, {"what": what, **(more or {})}, label)
    return line


def apply_or_reset(
    line: types.Object, events: Events, what: str, shown: str, *, moved: bool
) -> None:
    """Adds what can be done with a threshold that was moved."""
    if not moved:
        return
    widgets.button(
        line,
        "apply",
        f"Apply {shown}",
        events.apply_thresholds,
        main=True,
        icon="check",
    )
    widgets.button(
        line,
        "reset",
        "Reset",
        events.reset_thresholds,
        icon="undo",
        params={"what": what},
    )


_DECISIONS = {
    "keep": "favorite_border",
    "keeper": "star_border",
    "not_duplicate": "call_split",
    "label_verified": "check",
}


def decide(
    parent: types.Object,
    events: Events,
    what: str,
    samples: Sequence[str] | None,
    label: str,
    hint: str,
) -> None:
    """Adds the button of a decision on images; None for those that are selected."""
    named = {"samples": list(samples) if samples else "selected"}
    _decide(parent, events, what, named, label, hint)


def decide_on_objects(
    parent: types.Object,
    events: Events,
    what: str,
    objects: str | Sequence[str],
    label: str,
    hint: str,
) -> None:
    """Adds the button of a decision on objects, as :func:`decide`."""
    _decide(parent, events, what, {"objects": objects}, label, hint)


def _decide(
    parent: types.Object,
    events: Events,
    what: str,
    named: dict[str, Any],
    label: str,
    hint: str,
) -> None:
    widgets.button(
        parent,
        what,
        label,
        events.decide,
        icon=_DECISIONS[what],
        params={"what": what, **named},
        hint=hint,
    )


def keep(parent: types.Object, events: Events, sample: str) -> None:
    """Adds the button that an image is fine."""
    hint = "It is fine. Never flagged again."
    decide(parent, events, "keep", [sample], "Keep", hint)


def export(parent: types.Object, events: Events, *, main: bool = False) -> None:
    """Adds the button that copies the clean set."""
    widgets.button(
        parent,
        "export",
        "Export the clean set",
        events.export,
        main=main,
        icon="drive_folder_upload",
    )
