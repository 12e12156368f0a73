"""Thresholds that are moved, and the histogram beside them."""

from tests.panel_events import path_of


def test_a_moved_threshold_changes_count_and_grid_but_no_field(event, scanned):
    event("choose_tab", tab="outliers")
    before = scanned.values("outlier")

    answer = event("move_outlier_distance", value=0.0)

    assert "**19** of 19" in answer.texts
    assert len(answer.view(scanned)) == 19
    assert "apply" in answer.shown["action_buttons"]["type"]["properties"]
    assert scanned.values("outlier") == before


def test_a_move_that_the_app_sends_twice_is_shown_once(event, scanned):
    drawn = event("choose_tab", tab="outliers")
    path = path_of(drawn, "outlier_distance_buttons", "outlier_distance")
    before = dict(drawn.state)

    assert event("move_outlier_distance", value="0.25", path=path).asked("set_view")
    # The second is sent before the first is answered
    again = event(
        "move_outlier_distance", value="0.25", path=path, panel_state=dict(before)
    )
    assert not again.requests and again.state["outlier_distance"] == 0.25
    # A slider goes on sending while it is dragged
    moved = event("move_outlier_distance", value="0.5", path=path, panel_state=before)
    assert moved.asked("set_view") and moved.state["outlier_distance"] == 0.5


def test_a_slider_that_is_only_drawn_moves_nothing(event, scanned):
    drawn = event("choose_tab", tab="labels")
    path = path_of(drawn, "label_score_buttons", "label_score_slider")

    # What is no fraction comes as a whole number from the browser
    assert not event("move_label_score", value=60, path=path).requests


def test_apply_writes_the_moved_threshold_and_leaves_the_others(event, scanned):
    event("choose_tab", tab="outliers")
    event("move_outlier_distance", value=0.25)

    before = scanned.match({"label_issue": True}).count()
    applied = event("apply_thresholds")

    assert scanned.match({"outlier": True}).count() == (
        scanned.match({"outlier_distance": {"$gt": 0.25}}).count()
    )
    assert scanned.match({"label_issue": True}).count() == before
    assert not applied.asked("prompt_user_for_operation")
    assert applied.state["outlier_distance"] is None
    assert applied.asked("reload_dataset") and "outliers" in applied.texts


def test_the_bars_of_the_histogram_count_every_image(event, scanned):
    (bars,) = event("choose_tab", tab="outliers").data["outlier_distance_bars"]

    assert sum(bars["y"]) == scanned.count("outlier_distance") == 19


def test_a_threshold_that_was_moved_holds_for_the_next_scan(event, scanned):
    params = event("scan").one("prompt_user_for_operation")["params"]

    assert params["min_label_score"] == 60
    assert "min_copy_score" not in params
