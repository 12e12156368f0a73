"""What events set a moment ago, for events that were sent before the App knew of it.

Every event carries the panel's state as the browser has it. One that was sent while
another was at work still has the old one, and would draw the panel back to it: who
chooses a tab while a job ends would be shown the tab of before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SECONDS_TO_FOLLOW = 10
"""After that, the App has taken over what an event set, also on a busy machine."""

_set: dict[tuple[str, str], dict[str, tuple[Any, float]]] = {}
"""Per panel, data set and key: the value that was set last, and when it was."""


@contextmanager
def up_to_date(panel_id: str, dataset: str, state: dict[str, Any]) -> Iterator[None]:
    """Has an event begin with what was set last, and remembers what it sets.

    Args:
        panel_id: of the panel in the browser
        dataset: the name of the data set that is open in it
        state: that the event carries and sets; changed in place
    """
    panel = panel_id, dataset
    now = time.monotonic()
    fresh = {
        key: (value, at)
        for key, (value, at) in _set.pop(panel, {}).items()
        if now - at < _SECONDS_TO_FOLLOW
    }
    state |= {key: value for key, (value, _) in fresh.items()}
    before = dict(state)
    try:
        yield
    finally:
        now = time.monotonic()
        fresh |= {
            key: (value, now)
            for key, value in state.items()
            if key not in before or before[key] != value
        }
        if fresh:
            _set[panel] = fresh
