"""The tab of leaks: which split holds copies of which."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import fiftyone.operators.types as types

from ..adapter.views.finding_views import aggregate
from ..adapter.views.queries import CLUSTER_ORDERS, cluster_order, split_filter
from . import buttons, widgets
from .callbacks import Events
from .cluster_cards import draw_page
from .state import Scene

_A_PAGE = 4


def draw(panel: types.Object, events: Events, scene: Scene, set_data: Any) -> None:
    """Draws the matrix of splits, and the copies of the pair that was chosen."""
    names = split_names(scene)
    if not names:
        widgets.tell(
            panel,
            "none",
            "The scan looked at no splits. Scan again and say what names them (tags or "
            "a field) to find copies between train and test.",
        )
        return
    if not scene.tally.counts["leaks"]:
        widgets.tell(panel, "none", "No image has a copy in another split.")
        return
    widgets.say(
        panel,
        "about",
        f"**{scene.tally.counts['leaks']:,}** images have a copy in another split. How "
        "many images of the split on the left have one in the split above:",
    )
    counted = _matrix(scene, names)
    widgets.table(
        panel,
        "leak_matrix",
        {"split": "", **{name: name for name in names}},
        [
            {"split": one}
            | {o: "" if o == one else f"{counted.get((one, o), 0):,}" for o in names}
            for one in names
        ],
        set_data,
        on_click_cell=events.choose_leak_cell,
    )
    only = scene.state.get("only")
    pairs = widgets.row(panel, "pairs")
    widgets.say(pairs, "see", "Look at", small=True)
    for one, other in combinations(names, 2):
        total = counted.get((one, other), 0) + counted.get((other, one), 0)
        if total:
            widgets.button(
                pairs,
                f"pair_{names.index(one)}_{names.index(other)}",
                f"{one} and {other} ({total:,})",
                events.choose_leak,
                main=only == [one, other],
                params={"one": one, "other": other},
            )
    between = only if isinstance(only, list) else None
    side = f"Quarantine one side of {' and '.join(between)}" if between else None
    line = buttons.ways(
        panel,
        events,
        scene,
        "leaks",
        ("quarantine", side or "Quarantine one side of each"),
        show="Show all in grid",
        more={"between": between} if between else None,
    )
    buttons.act(line, events, scene, "split", {}, "Propose a split without leaks")
    widgets.say(
        panel,
        "sides",
        f"**{scene.tally.counts['leak_drops']:,}** of them should go; what stays has a "
        "green frame. Test and validation splits stay, or the smaller of two.",
        small=True,
    )
    _draw_pairs(panel, events, scene, only)


def split_names(scene: Scene) -> list[str]:
    """Returns the splits of the run, in the order of the matrix."""
    names = {
        name for kinds in scene.run.report["leak_matrix"].values() for name in kinds
    }
    return sorted(names, key=_place(scene))


def _draw_pairs(panel: types.Object, events: Events, scene: Scene, only: Any) -> None:
    match: dict[str, Any] = {scene.field("leak"): True}
    if isinstance(only, list):
        one, other = only
        match = {**split_filter(scene.reader, one), scene.field("leak_splits"): other}
    numbers = cluster_order(scene.reader, CLUSTER_ORDERS[0], only=match)
    draw_page(panel, events, scene, numbers, step=_A_PAGE, shown="leaks")


def _matrix(scene: Scene, names: list[str]) -> dict[tuple[str, str], int]:
    """Counts images by their split and the other split that holds a copy."""
    return scene.reader.remembered("leak matrix", lambda: _count_leaks(scene, names))


def _count_leaks(scene: Scene, names: list[str]) -> dict[tuple[str, str], int]:
    leak_splits = scene.field("leak_splits")
    split_by = scene.reader.split_by
    own = f"${split_by}" if isinstance(split_by, str) else "$tags"
    rows = aggregate(
        scene.dataset,
        [
            {"$match": {scene.field("leak"): True}},
            {"$project": {"own": own, "other": f"${leak_splits}"}},
            {"$unwind": "$own"},
            {"$match": {"own": {"$in": names}}},
            {"$unwind": "$other"},
            {"$group": {"_id": {"a": "$own", "b": "$other"}, "count": {"$sum": 1}}},
        ],
    )
    return {(row["_id"]["a"], row["_id"]["b"]): row["count"] for row in rows}


def _place(scene: Scene) -> Any:
    """Returns the sort key that keeps the order in which splits were given."""
    split_by = scene.run.settings["split_by"]
    order = list(split_by) if isinstance(split_by, list) else []
    return lambda name: (order.index(name) if name in order else len(order), name)
