"""Decisions, forms and notices: what other operators do for the panel."""

import sys

import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from tests.panel_events import PANEL, button


def in_app(operator, params, **more):
    """Calls an operator as the App does; returns what it sends to the App."""
    ctx = context(params, **more)
    sent = foo.get_operator(f"@winnow/curate/{operator}").execute(ctx)
    return [message.body.operator_uri for message in sent]


def context(params, dataset, **more):
    return ExecutionContext(
        request_params={"dataset_name": dataset.name, "params": params, **more},
        executor=Executor(),
        operator_uri="@winnow/curate/any",
    )


def test_a_decision_is_stored_within_the_event_and_undone(event, scanned):
    copies = scanned.match({"dup_cluster": 0})
    show = foo.get_operator("@winnow/curate/show")
    redundant = show(scanned, "redundant_copies").count()
    state = event("on_load").state

    kept = event("decide", what="keep", number=0)

    assert "Kept, not flagged again (2)" in kept.texts and len(copies) == 2
    assert kept.asked("reload_samples") and not kept.asked("prompt_user_for_operation")
    # The App reads the whole data set anew when the state of a panel changes
    assert kept.state == state
    assert show(scanned, "redundant_copies").count() == redundant - 1
    undone = event("undo")
    assert "Kept, not flagged again" not in undone.texts and undone.state == state
    assert show(scanned, "redundant_copies").count() == redundant


def test_a_decision_that_takes_long_is_shown_as_at_work(event, scanned, monkeypatch):
    ids = scanned.match({"dup_cluster": 0}).values("id")
    panel = sys.modules[type(foo.get_operator(PANEL)).__module__]
    monkeypatch.setattr(panel, "_AT_ONCE", 0)

    answer = event("decide", what="keep", number=0)
    asked = answer.one("prompt_user_for_operation")
    assert asked["operator_uri"] == "@winnow/curate/decide" and asked["skip_prompt"]
    assert sorted(asked["params"]["samples"]) == sorted(ids)
    assert "At work" in answer.texts

    done = event("decided", original_params=asked["params"])
    assert "Kept, not flagged again (2)" in done.texts
    undone = event("undo").one("prompt_user_for_operation")["params"]
    assert undone == {**asked["params"], "undo": True}
    assert "Kept, not" not in event("decided", original_params=undone).texts


def test_a_decision_that_cannot_be_says_why(event, scanned):
    answer = event("decide", what="relabel", samples=scanned.values("id")[:1])

    assert "label" in answer.one("notify")["message"]
    assert answer.one("notify")["variant"] == "error"


def test_a_decision_is_listed_with_its_picture_and_taken_back(event, scanned):
    sample = scanned.match({"dup_cluster": None}).first()
    decide = foo.get_operator("@winnow/curate/decide")
    decide(scanned.select(sample.id), "keep")
    decide(scanned.select(sample.id), "label_verified")

    answer = event("choose_tab", tab="actions")

    card = answer.shown["decided"]["type"]["properties"]["decided_0"]["type"]
    assert sample.filename in card["properties"]["lines"]["default"]
    back = card["properties"]["back_keep"]["view"]["params"]
    after = event("take_back", **back).shown["decided"]["type"]["properties"]
    assert set(after["decided_0"]["type"]["properties"]) == {
        "picture",
        "lines",
        "back_label_verified",
    }


def test_a_report_an_audit_and_a_split_are_asked_for_where_they_belong(event, scanned):
    buttons = event("on_load").shown["action_buttons"]["type"]["properties"]
    assert buttons["report"]["view"]["params"]["operator"] == "report"
    assert buttons["audit"]["view"]["params"]["operator"] == "audit"

    leaks = event("choose_tab", tab="leaks")

    assert button(leaks, "action_buttons", "split")["params"]["operator"] == "split"


def test_the_history_is_read_again_only_when_something_was_done(
    event, scanned, monkeypatch
):
    import importlib

    carrying_out = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.actions.execute"
    )
    read, reads = carrying_out._read_history, []
    monkeypatch.setattr(
        carrying_out, "_read_history", lambda one: reads.append(one) or read(one)
    )
    retag = foo.get_operator("@winnow/curate/retag")
    plan = retag(scanned.limit(1), "view", label="b", on_disk=False, progress=False)
    retag(scanned, plan_id=plan.plan_id, expect_count=1, dry_run=False, progress=False)

    assert "retag of view: 1 image" in event("choose_tab", tab="actions").texts
    event("choose_tab", tab="actions")
    assert len(reads) == 1

    foo.get_operator("@winnow/curate/undo")(scanned, dry_run=False, progress=False)
    assert "0 can be restored" in event("choose_tab", tab="actions").texts


@pytest.mark.parametrize("operator", ["undo", "purge", "report", "quarantine"])
def test_a_button_gives_its_operator_only_what_it_takes(scanned, scan, event, operator):
    scan(scanned, prefix="mine")
    event("choose_run", value="mine")

    asked = event("act", operator=operator, **{"with": {}})

    params = asked.one("prompt_user_for_operation")["params"]
    assert params.pop("panel_step") == "ask"
    assert params == ({} if operator in ("undo", "purge") else {"prefix": "mine"})


def test_a_form_of_the_panel_only_asks_and_the_job_leaves_a_notice(event, scanned):
    asked = event("act", operator="quarantine", **{"with": {"what": "image_issues"}})
    params = asked.one("prompt_user_for_operation")["params"]
    plan = foo.get_operator("@winnow/curate/quarantine")(scanned, "image_issues")
    params[f"apply_{plan.plan_id}"] = True
    params["expect_count"] = plan.count
    assert in_app("quarantine", params, dataset=scanned) == []
    assert scanned.match_tags("quarantined").count() == 0

    answer = event("carry_out", result={}, original_params=params)
    job = answer.one("prompt_user_for_operation")
    assert job["operator_uri"] == "@winnow/curate/quarantine" and job["skip_prompt"]
    assert "timer" in answer.shown and "At work" in answer.texts
    sent = in_app("quarantine", job["params"], dataset=scanned)

    # No dialog: neither a bar nor a card
    assert set(sent) == {"console_log", "reload_dataset"}
    scanned.reload()
    assert scanned.match_tags("quarantined").count() == plan.count
    after = event("done")
    assert "1 image was put into quarantine" in after.texts
    assert "At work" not in after.texts
    assert "put into quarantine" not in event("dismiss").texts


def test_what_fails_for_the_panel_is_a_notice_and_no_exception(event, scanned):
    event("apply_thresholds")
    params = {"panel_step": "do", "min_label_score": 1_000}

    sent = in_app("set_thresholds", params, dataset=scanned)

    assert sent == ["notify"]
    assert "min_label_score" in event("done").texts


def test_a_queued_form_of_the_panel_is_not_done_a_second_time(event, scanned):
    event("scan")

    answer = event("carry_out", result={"id": "of a queue"}, original_params={})

    assert not answer.asked("prompt_user_for_operation")


def test_what_is_selected_is_decided_and_acted_on(event, scanned):
    keeper = scanned.match({"dup_keeper": True}).first()
    other = scanned.match({"dup_cluster": None, "scan_status": "ok"}).first()
    drawn = event("on_change_selected", selected=[keeper.id, other.id])
    row = drawn.shown["selected"]["type"]["properties"]
    assert "**2 selected**" in drawn.texts
    assert {"keep", "label_verified", "retag", "quarantine", "move", "tag"} <= set(row)
    assert "keeper" not in row

    event("decide", selected=[other.id], **row["keep"]["view"]["params"])
    assert scanned[other.id].winnow_decisions == ["keep"]
    assert scanned[keeper.id].winnow_decisions is None
    asked = event("act", selected=[other.id], **row["quarantine"]["view"]["params"])
    params = asked.one("prompt_user_for_operation")["params"]
    assert params["samples"] == [other.id]

    one = event("on_change_selected", selected=[keeper.id])
    assert "keeper" in one.shown["selected"]["type"]["properties"]
    assert "selected" not in event("on_change_selected", selected=[]).shown


def test_a_line_of_what_was_done_undoes_that_line(event, scanned):
    retag = foo.get_operator("@winnow/curate/retag")
    for sample in scanned.match({"ground_truth.label": "a"}).limit(2):
        plan = retag(scanned.select(sample.id), "view", label="b", progress=False)
        retag(scanned, plan_id=plan.plan_id, expect_count=1, dry_run=False)
    lines = event("choose_tab", tab="actions").shown
    button = lines["done_1"]["type"]["properties"]["undo"]["view"]["params"]

    asked = event("act", **button).one("prompt_user_for_operation")["params"]
    form = foo.get_operator("@winnow/curate/undo").resolve_input(
        context(asked, scanned)
    )

    choices = form.type.properties["key"].type.values
    assert choices == [asked["key"]]
    # From elsewhere all of it can be chosen
    form = foo.get_operator("@winnow/curate/undo").resolve_input(context({}, scanned))
    assert len(form.type.properties["key"].type.values) == 2


def test_files_follow_a_label_only_where_the_person_wants_it(scanned):
    retag = foo.get_operator("@winnow/curate/retag")
    params = {"what": "view", "label": "b"}

    def default():
        form = retag.resolve_input(context({"what": "label_issues"}, scanned))
        return form.type.properties["on_disk"].default

    assert default() is False
    plan = retag(scanned.limit(1), "view", label="b", progress=False)
    params = {"plan_id": plan.plan_id, "expect_count": 1, "dry_run": False}
    list(retag.execute(context({**params, "on_disk": True}, scanned)))

    assert default() is True


def test_an_export_stands_in_what_was_done(event, scanned, tmp_path):
    foo.get_operator("@winnow/curate/export")(scanned, tmp_path / "clean")

    assert "export: " in event("choose_tab", tab="actions").texts
