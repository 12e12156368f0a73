"""What can happen in the panel: the names by which the App calls it back."""

from __future__ import annotations

from typing import Any, Protocol

import fiftyone.operators as foo


class Event(Protocol):
    """A method of the panel; what the App sends is in ``ctx.params``."""

    def __call__(self, ctx: foo.ExecutionContext) -> Any: ...


class Events(Protocol):
    """The methods of the panel that what is drawn refers to.

    They stand here, so that a tab need not know the panel that draws it.
    """

    # Where the person goes
    choose_tab: Event
    choose_overview_row: Event
    choose_run: Event
    page: Event
    turn_to: Event
    look_again: Event
    stop: Event
    dismiss: Event

    # What the grid shows
    open_sample: Event
    show: Event
    show_tab: Event
    show_of_set: Event
    show_cluster: Event
    show_decided: Event
    show_missing: Event
    show_all: Event
    select_none: Event

    # What a tab leaves out, and its order
    choose_class: Event
    choose_split: Event
    choose_kind: Event
    choose_order: Event
    choose_list: Event
    choose_on_map: Event

    # Thresholds, class pairs, pairs of splits, issues
    open_copy_score: Event
    move_copy_score: Event
    pick_copy_score: Event
    move_outlier_distance: Event
    pick_outlier_distance: Event
    move_label_score: Event
    pick_label_score: Event
    reset_thresholds: Event
    apply_thresholds: Event
    choose_pair: Event
    choose_all_pairs: Event
    choose_leak: Event
    choose_leak_cell: Event
    choose_issue: Event

    # Objects
    choose_object_kind: Event
    choose_object_class: Event
    choose_object_split: Event
    open_object: Event

    # A review
    review: Event
    end_review: Event

    # What other operators do
    scan: Event
    tag: Event
    save_views: Event
    export: Event
    use_embeddings: Event
    decide: Event
    undo: Event
    take_back: Event
    act: Event
