"""The review: one question at a time over the whole window, with keys.

Python panels hear no keys, so a component of our own is shown there; its source is
the folder ``review``, its build ``dist``. It reads its queue and stores decisions
by operators, and tells the panel once it is over.
"""

from __future__ import annotations

import fiftyone.operators.types as types

from . import widgets
from .callbacks import Events
from .state import PanelState

_COMPONENT = "WinnowReview"


def button(
    parent: types.Object,
    events: Events,
    what: str,
    label: str = "Review one by one",
    *,
    main: bool = True,
) -> None:
    """Adds the button that starts the review of a finding."""
    widgets.button(
        parent,
        f"review_{what}",
        label,
        events.review,
        main=main,
        icon="rate_review",
        params={"what": what},
        hint="Large, side by side, one key each: A accepts, S skips, U undoes.",
    )


def draw(panel: types.Object, events: Events, state: PanelState, what: str) -> None:
    """Draws the review; it covers the window until the person ends it."""
    view = types.View(
        component=_COMPONENT,
        composite_view=True,
        what=what,
        prefix=state.prefix,
        on_end=events.end_review,
    )
    panel.define_property("review", types.Object(), view=view)
