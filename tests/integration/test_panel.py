"""A panel is an operator: call its events and look at what it asks of the App."""

import time

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from tests.panel_events import sender

TABS = (
    "overview duplicates outliers labels leaks objects bad_files map whole_set actions"
).split()


@pytest.fixture
def event(dataset):
    return sender(dataset)


@pytest.fixture
def scanned(dataset, scan, folder):
    """A data set with copies, leaks, a dark image and an unreadable file."""
    from PIL import Image

    (folder / "05.png").write_bytes(b"no image")
    Image.new("RGB", (64, 64), (2, 2, 2)).save(folder / "06.png")
    scan(
        dataset,
        label_field="ground_truth",
        split_by=["train", "test"],
        min_label_score=60,
    )
    return dataset


def test_without_a_run_it_says_what_winnow_does_and_offers_a_scan(event):
    answer = event("on_load")

    assert "finds what is wrong" in answer.texts
    assert "20 images" in answer.texts
    pressed = event("scan").one("prompt_user_for_operation")
    assert pressed["operator_uri"] == "@winnow/curate/scan"
    # The form only asks; the panel has it done once it is submitted
    assert pressed["params"]["panel_step"] == "ask"
    assert pressed["on_success"].endswith("#carry_out")


def test_an_empty_data_set_is_told_what_is_missing(event):
    empty = fo.Dataset()

    answer = event("on_load", on=empty)

    assert "at least two" in answer.texts
    empty.delete()


def test_the_overview_counts_each_finding_with_its_share(event, scanned):
    answer = event("on_load")

    rows = {row["finding"]: row for row in answer.rows("overview_rows")}
    assert rows["Duplicates"]["images"].split() == ["4", "(20.0", "%)"]
    assert "2 extra copies" in rows["Duplicates"]["note"]
    assert "to be saved" in rows["Duplicates"]["note"]
    assert rows["Leaks"]["images"].split()[0] == "4"
    assert rows["Unreadable"]["images"].split() == ["1", "(5.0", "%)"]
    assert rows["Conflicts"]["images"] == "2"


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_can_be_drawn(event, scanned, tab):
    answer = event("choose_tab", tab=tab)

    assert "problem" not in answer.shown
    assert answer.state["tab"] == tab


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_can_be_drawn_where_nothing_was_found(event, dataset, scan, tab):
    scan(dataset.skip(7).limit(3))

    answer = event("choose_tab", tab=tab)

    assert "problem" not in answer.shown
    assert answer.texts


def test_a_row_of_the_overview_leads_to_its_tab(event, scanned):
    assert event("choose_overview_row", row=4).state["tab"] == "leaks"


def test_clusters_are_pictures_with_the_keeper_marked(event, scanned):
    answer = event("choose_tab", tab="duplicates")

    first = answer.shown["clusters"]["type"]["properties"]["cluster_0"]
    pictures = first["type"]["properties"]["pictures"]["type"]["properties"]
    sources = [
        part["type"]["properties"]["picture"]["default"] for part in pictures.values()
    ]
    assert len(sources) == 2
    assert all(source.startswith("/media?filepath=%2F") for source in sources)
    assert "**keep**" in answer.texts and "same file" in answer.texts


def test_the_conflict_comes_first(event, dataset, scan):
    # 00.png and 19.png have the same bytes, 01.png and 18.bmp the same pixels
    scan(dataset, label_field="ground_truth")

    answer = event("choose_tab", tab="duplicates")

    assert "2 clusters carry two labels" in answer.texts


def test_show_in_grid_groups_by_cluster(event, scanned):
    view = event("show", what="duplicates").view(scanned)

    assert view._is_dynamic_groups
    assert len(view) == 2


def test_one_cluster_is_shown_flat(event, scanned):
    view = event("show_cluster", number=0).view(scanned)

    assert len(view) == 2
    assert view.first().dup_keeper


def test_a_moved_threshold_changes_count_and_grid_but_no_field(event, scanned):
    event("choose_tab", tab="outliers")
    before = scanned.values("outlier")

    answer = event("move_outlier_distance", value=0.0)

    assert "**19** of 19" in answer.texts
    assert len(answer.view(scanned)) == 19
    assert "apply" in answer.shown["action_buttons"]["type"]["properties"]
    assert scanned.values("outlier") == before


def test_a_slider_that_is_only_drawn_moves_nothing(event, scanned):
    event("choose_tab", tab="labels")

    assert not event("move_label_score", value=60.0).asked("set_view")


def test_apply_asks_find_for_the_moved_threshold_and_leaves_the_others(event, scanned):
    event("choose_tab", tab="outliers")
    event("move_outlier_distance", value=0.25)

    asked = event("apply_thresholds").one("prompt_user_for_operation")

    assert asked["operator_uri"] == "@winnow/curate/set_thresholds"
    assert asked["params"]["max_outlier_distance"] == 0.25
    assert "min_label_score" not in asked["params"]
    assert asked["skip_prompt"]


def test_the_bars_of_the_histogram_count_every_image(event, scanned):
    (bars,) = event("choose_tab", tab="outliers").data["outlier_distance_bars"]

    assert sum(bars["y"]) == scanned.count("outlier_distance") == 19


def test_an_outlier_stands_beside_its_nearest_that_is_no_copy(event, scanned):
    event("choose_tab", tab="outliers")
    answer = event("move_outlier_distance", value=0.0)

    cards = answer.shown["outliers"]["type"]["properties"]
    for card in cards.values():
        pair = card["type"]["properties"]["pair"]["type"]["properties"]
        own, other = (
            part["type"]["properties"]["picture"]["view"]["params"]["id"]
            for part in pair.values()
        )
        clusters = scanned.select([own, other]).values("dup_cluster")
        assert own != other
        assert clusters[0] is None or clusters[0] != clusters[1]


def test_a_class_pair_opens_its_images(event, scanned):
    answer = event("choose_tab", tab="labels")
    pair = answer.rows("class_pairs")[0]

    view = event("choose_pair", row=0).view(scanned)

    assert len(view) == int(pair["images"])
    assert set(view.values("ground_truth.label")) == {pair["given"]}
    assert set(view.values("label_suggestion")) == {pair["suggested"]}


def test_a_cell_of_the_matrix_opens_both_sides(event, scanned):
    answer = event("choose_tab", tab="leaks")
    assert answer.rows("leak_matrix") == [
        {"split": "train", "train": "", "test": "2"},
        {"split": "test", "train": "2", "test": ""},
    ]

    view = event("choose_leak_cell", row=0, column=2).view(scanned)

    assert view.values("dup_cluster") == sorted(view.values("dup_cluster"))
    assert set(view.distinct("tags")) == {"train", "test"}
    assert len(view) == 4


@pytest.mark.parametrize(("row", "column"), [(-1, 1), (0, 0), (0, 1)])
def test_other_cells_of_the_matrix_do_nothing(event, scanned, row, column):
    event("choose_tab", tab="leaks")

    answer = event("choose_leak_cell", row=row, column=column)

    assert not answer.asked("set_view")


def test_unreadable_files_are_listed_with_a_reason(event, scanned):
    (bad,) = event("choose_tab", tab="bad_files").rows("unreadable_files")

    assert bad["file"].endswith("05.png")
    assert len(bad["why"]) > 10


def test_an_issue_opens_its_images(event, scanned):
    event("choose_tab", tab="bad_files")

    view = event("choose_issue", issue="dark").view(scanned)

    assert [path[-6:] for path in view.values("filepath")] == ["06.png"]


def test_a_decision_asks_the_operator_and_then_offers_undo(event, scanned):
    ids = scanned.match({"dup_cluster": 0}).values("id")

    asked = event("decide", what="keep", number=0).one("prompt_user_for_operation")
    assert asked["operator_uri"] == "@winnow/curate/decide"
    assert asked["skip_prompt"] and sorted(asked["params"]["samples"]) == sorted(ids)

    assert "Kept, not flagged again (2)" in event("decided").texts
    undone = event("undo").one("prompt_user_for_operation")
    assert undone["params"]["undo"]
    assert undone["params"]["samples"] == asked["params"]["samples"]


def test_buttons_of_operators_that_are_not_installed_are_not_drawn(event, scanned):
    installed = {o.name for o in foo.list_operators(type="operator")}

    buttons = event("choose_tab", tab="duplicates").shown["action_buttons"]["type"][
        "properties"
    ]

    assert ("quarantine" in buttons) == ("quarantine" in installed)


def test_samples_that_came_later_are_counted_and_a_scan_is_offered(
    event, scanned, draw
):
    path = scanned.first().filepath.replace("00.png", "new.png")
    draw(99).save(path)
    scanned.add_sample(fo.Sample(path))

    answer = event("on_load")

    assert "1 image added after the scan" in answer.texts
    # Moving a threshold or deciding is no scan
    foo.get_operator("@winnow/curate/set_thresholds")(scanned)
    assert "1 image added after the scan" in event("on_load").texts
    params = event("scan").one("prompt_user_for_operation")["params"]
    assert params["label_field"] == "ground_truth"
    assert params["split_tags"] == ["train", "test"]


def test_deleted_samples_are_told_and_the_rest_is_shown(event, scanned):
    scanned.delete_samples(scanned.match({"dup_keeper": False}))

    answer = event("on_load")

    assert "2 images were removed from the data set" in answer.texts
    assert "to be saved" not in str(answer.rows("overview_rows"))
    for tab in TABS:
        assert "problem" not in event("choose_tab", tab=tab).shown


def test_a_scan_with_a_prefix_can_be_chosen(event, scanned, scan):
    scan(scanned.limit(8), prefix="part")

    answer = event("on_load")
    assert "several scans" in answer.texts
    # The newest is shown until another is chosen
    assert "**8 images**" in answer.texts

    assert "**20 images**" in event("choose_run", value="").texts
    assert "**8 images**" in event("choose_run", value="part").texts
    assert event("tag", what="outliers").one("prompt_user_for_operation")["params"] == {
        "what": "outliers",
        "prefix": "part",
    }


def test_no_event_opens_what_the_scan_stored(event, scanned):
    import os
    from pathlib import Path

    name = scanned.get_run_info("winnow").config.scan_data
    (Path(os.environ["WINNOW_CACHE"]) / "runs" / name).unlink()

    for tab in TABS:
        assert "problem" not in event("choose_tab", tab=tab).shown
    event("choose_tab", tab="outliers")
    answer = event("move_outlier_distance", value=0.0)

    assert "problem" not in answer.shown
    assert len(answer.shown["outliers"]["type"]["properties"]) == 8


def test_the_button_opens_the_panel(dataset, plugin):
    executor = Executor()
    request = {"dataset_name": dataset.name, "params": {}}
    ctx = ExecutionContext(request_params=request, executor=executor)

    foo.get_operator("@winnow/curate/open").execute(ctx)

    (asked,) = executor._requests
    assert asked.operator_uri == "open_panel"
    assert asked.params["name"] == "winnow"


def test_events_stay_quick_at_25_000_samples(event, dataset, scan):
    """A few small files shared by many samples, with fields as a scan leaves them."""
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    paths = dataset.values("filepath")
    count = 25_000
    collection = dataset._sample_collection
    rows = list(collection.find())
    more = []
    for number in range(len(rows), count):
        row = dict(rows[number % len(rows)])
        row.pop("_id")
        row["outlier_distance"] = (number % 997) / 1000
        row["dup_cluster"] = number // 3 if number % 10 < 4 else None
        row["dup_keeper"] = number % 3 == 0 if number % 10 < 4 else None
        row["dup_similarity"] = 0.9 if number % 10 < 4 else None
        row["label_issue"] = number % 50 == 0
        row["label_suggestion"] = "ab"[number // 50 % 2]
        row["leak"] = number % 12 == 0
        row["leak_splits"] = ["test"] if number % 12 == 0 else []
        more.append(row)
    collection.insert_many(more)
    assert dataset.count() == count and len(set(paths)) == 20

    slow = {}
    event("on_load")
    for tab in TABS:
        event("choose_tab", tab=tab)
        started = time.perf_counter()
        event("choose_tab", tab=tab)
        slow[tab] = time.perf_counter() - started
    started = time.perf_counter()
    event("move_outlier_distance", value=0.9)
    slow["move"] = time.perf_counter() - started

    # 0.3 s is the aim, on a machine that does nothing else; here others work too
    assert max(slow.values()) < 1.5, slow


def test_every_tab_shows_what_the_preset_found(event, dataset, scan):
    scan(dataset, label_field="ground_truth", preset="fastdup")
    event("on_load")
    for tab in TABS:
        assert event("choose_tab", tab=tab).texts
    assert "1.00 similar" in event("choose_tab", tab="duplicates").texts


def test_a_table_that_got_shorter_has_another_name(event, scanned):
    # The App lays a list over the old one: the end of a longer one would stay
    before = event("choose_tab", tab="labels")
    first = next(name for name in before.data if name.startswith("class_pairs"))
    row = scanned.match({"label_issue": True}).first()
    pairs = {(r["given"], r["suggested"]) for r in before.rows("class_pairs")}
    wrong = scanned.match({"label_suggestion": row.label_suggestion})
    wrong.set_values("label_issue", [False] * len(wrong))
    wrong.set_values("label_suggestion", [None] * len(wrong))

    after = event("choose_tab", tab="labels")

    assert len(pairs) >= 2
    assert first not in after.data


def test_a_page_that_is_no_more_shows_the_last_one(event, scanned):
    event("choose_tab", tab="duplicates")

    answer = event("page", start=600)

    assert "cluster_0" in answer.shown["clusters"]["type"]["properties"]


def test_what_the_grid_shows_is_said_until_all_is_shown(event, scanned):
    event("choose_tab", tab="outliers")
    assert "The grid shows" not in event("on_load").texts

    shown = event("show", what="duplicates")
    assert "The grid shows **duplicates**" in shown.texts

    assert "The grid shows" not in event("show_all").texts


def test_the_grid_follows_the_tab_once_it_showed_a_finding(event, scanned):
    assert not event("choose_tab", tab="duplicates").asked("set_view")
    event("show", what="duplicates")

    answer = event("choose_tab", tab="leaks")

    assert "The grid shows **leaks**" in answer.texts
    assert set(answer.view(scanned).values("leak")) == {True}


def test_a_view_of_the_persons_own_is_left_and_named(event, scanned):
    own = scanned.limit(3)._serialize(include_uuids=False)

    answer = event("choose_tab", tab="leaks", view=own)

    assert "The grid shows **a view of your own**" in answer.texts
    assert not answer.asked("set_view")


def test_a_cluster_stays_in_the_grid_when_clusters_are_numbered_anew(event, scanned):
    number = scanned.match({"dup_cluster": 1}).values("id")

    view = event("show_cluster", number=1).view(scanned)
    scanned.set_field("dup_cluster", 0).save()

    assert sorted(view.values("id")) == sorted(number)


def test_a_scan_at_work_is_shown_and_can_be_stopped(event, dataset, scan):
    seen = []

    def look(progress):
        if progress.stage == "Reading images" and not seen:
            seen.append(event("look_again").texts)
            event("stop")
            # The scan looks for it twice a second
            time.sleep(0.6)

    with pytest.raises(Exception, match="stopped before it was finished"):
        scan(dataset, progress=look)

    assert "**Reading images**" in seen[0] or "at work" in seen[0]
    assert "finds what is wrong" in event("look_again").texts


def test_what_was_counted_is_counted_anew_after_every_kind_of_change(event, scanned):
    def shown():
        rows = event("on_load").rows("overview_rows")
        return next(
            row["images"].split()[0] for row in rows if "Outl" in row["finding"]
        )

    before = int(shown())
    sample = scanned.match({"outlier": False}).first()
    sample["outlier"] = True
    sample.save()
    assert int(shown()) == before + 1

    scanned.match({"outlier": False}).limit(1).set_field("outlier", True).save()
    assert int(shown()) == before + 2

    scanned.delete_samples([sample.id])
    assert int(shown()) == before + 1


def test_a_threshold_that_was_moved_holds_for_the_next_scan(event, scanned):
    params = event("scan").one("prompt_user_for_operation")["params"]

    assert params["min_label_score"] == 60
    assert "min_copy_score" not in params


def test_labels_of_a_conflict_can_be_made_one(event, dataset, scan):
    scan(dataset, label_field="ground_truth")

    answer = event("choose_tab", tab="duplicates")

    part = answer.shown["clusters"]
    for name in ("cluster_0", "pictures", "picture_0", "ways", "label"):
        part = part["type"]["properties"][name]
    asked = part["view"]["params"]["with"]
    given = dataset.select(asked["samples"]).values("ground_truth.label")
    assert sorted([asked["label"], *given]) == ["a", "b"]


def test_only_the_chosen_leaks_and_pairs_are_acted_on(event, scanned):
    event("choose_tab", tab="leaks")
    answer = event("choose_leak", one="train", other="test")
    leak = answer.shown["action_buttons"]["type"]["properties"]["quarantine"]["view"][
        "params"
    ]
    assert leak["with"] == {"what": "leaks", "between": ["train", "test"]}

    event("choose_tab", tab="labels")
    answer = event("choose_pair", row=0)
    buttons = answer.shown["pair_ways"]["type"]["properties"]
    asked = buttons["retag"]["view"]["params"]["with"]
    given, suggested = asked["pair"]

    plan = foo.get_operator("@winnow/curate/retag")(
        scanned, asked["what"], pair=asked["pair"], label=asked["label"]
    )

    assert asked["label"] == suggested
    view = answer.view(scanned)
    assert plan.count == len(view) < scanned.match({"label_issue": True}).count()
    assert all(given in why for _, _, why in plan.examples())


def test_a_large_data_set_gets_indexes_that_the_next_scan_makes_anew(
    dataset, scan, monkeypatch
):
    import importlib

    indexes = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.dataset.indexes"
    )
    scan(dataset)
    assert "outlier_distance" not in dataset.list_indexes()

    monkeypatch.setattr(indexes, "_INDEXED_FROM", 10)
    scan(dataset)
    assert {"dup_cluster", "outlier_distance"} <= set(dataset.list_indexes())

    monkeypatch.setattr(indexes, "_INDEXED_FROM", 100)
    scan(dataset)
    assert "outlier_distance" not in dataset.list_indexes()
    assert "filepath" in dataset.list_indexes()


def button(answer, row, name):
    return answer.shown[row]["type"]["properties"][name]["view"]


def test_a_decision_is_listed_with_its_picture_and_taken_back(event, scanned):
    sample = scanned.match({"dup_cluster": None}).first()
    decide = foo.get_operator("@winnow/curate/decide")
    decide(scanned.select(sample.id), "keep")
    decide(scanned.select(sample.id), "label_verified")

    answer = event("choose_tab", tab="actions")

    card = answer.shown["decided"]["type"]["properties"]["decided_0"]["type"]
    assert sample.filename in card["properties"]["lines"]["default"]
    back = card["properties"]["back_keep"]["view"]["params"]
    asked = event("take_back", **back).one("prompt_user_for_operation")
    assert asked["operator_uri"] == "@winnow/curate/decide" and asked["skip_prompt"]
    params = asked["params"]
    decide(scanned.select(params["samples"]), params["what"], undo=params["undo"])
    after = event("choose_tab", tab="actions").shown["decided"]["type"]["properties"]
    assert set(after["decided_0"]["type"]["properties"]) == {
        "picture",
        "lines",
        "back_label_verified",
    }


def test_samples_without_a_file_are_shown_for_fiftyone_to_delete(event, scanned, scan):
    from pathlib import Path

    gone = scanned.match({"dup_cluster": None, "scan_status": "ok"}).first()
    Path(gone.filepath).unlink()
    assert "missing" not in event("choose_tab", tab="bad_files").shown
    scan(scanned, label_field="ground_truth", split_by=["train", "test"])

    drawn = event("choose_tab", tab="bad_files")
    assert "Delete selected samples" in drawn.texts
    assert button(drawn, "missing", "show")["label"] == "Show what is missing (1)"
    answer = event("show_missing")

    assert answer.view(scanned).values("id") == [gone.id]


def test_only_images_that_look_damaged_are_offered_for_quarantine(event, scanned):
    plans = event("choose_tab", tab="actions").shown
    assert plans["plan_image_issues"]
    dark = scanned.match({"image_issues": "dark"})
    dark.set_values("image_issues", [["grayscale"]] * len(dark))

    assert "plan_image_issues" not in event("choose_tab", tab="actions").shown


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


def test_every_card_says_which_file_it_is(event, scanned):
    answer = event("choose_tab", tab="duplicates")

    for name in ("00.png", "19.png"):
        assert f"\n\n{name}" in answer.texts


@pytest.mark.parametrize("operator", ["undo", "purge", "report", "quarantine"])
def test_a_button_gives_its_operator_only_what_it_takes(scanned, scan, event, operator):
    scan(scanned, prefix="mine")
    event("choose_run", value="mine")

    asked = event("act", operator=operator, **{"with": {}})

    params = asked.one("prompt_user_for_operation")["params"]
    assert params.pop("panel_step") == "ask"
    assert params == ({} if operator in ("undo", "purge") else {"prefix": "mine"})


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

    asked = event("decide", selected=[other.id], **row["keep"]["view"]["params"]).one(
        "prompt_user_for_operation"
    )
    assert asked["params"]["samples"] == [other.id]
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


def test_how_many_of_the_leaks_should_go_follows_the_chosen_pair(event, scanned):
    event("choose_tab", tab="leaks")
    answer = event("choose_leak", one="train", other="test")
    plan = foo.get_operator("@winnow/curate/quarantine")(
        scanned, "leaks", between=["train", "test"], progress=False
    )

    going = plan.count + sum(plan.skipped.values())
    assert f"**{going}** of them should go" in answer.texts


def test_the_first_page_says_what_may_go_and_what_needs_eyes(
    event, scanned, scan, folder
):
    (folder / "07.png").write_bytes(b"")
    scan(scanned, label_field="ground_truth", split_by=["train", "test"])
    drawn = event("on_load")
    assert "**May go by proof:** damaged or empty files (1)" in drawn.texts
    proven = button(drawn, "proven", "clean")["params"]
    assert (proven["operator"], proven["with"]) == ("clean", {})
    assert "**Needs your eyes,** about" in drawn.texts
    reviewed = button(drawn, "reviews", "review_duplicates")["params"]
    assert reviewed == {"what": "duplicates"}

    shown = event("review", **reviewed).shown["review"]["view"]
    assert shown["component"] == "WinnowReview"
    assert (shown["what"], shown["on_end"]) == (
        "duplicates",
        "@winnow/curate/winnow#end_review",
    )
    sample = scanned.match({"dup_cluster": None, "scan_status": "ok"}).first()
    decide = foo.get_operator("@winnow/curate/decide")
    decide(scanned.select(sample.id), "may_go", update=False)
    ended = event("end_review", count=1)
    assert ended.one("prompt_user_for_operation")["params"]["update"]
    waits = button(event("done"), "decided_waits", "quarantine")
    assert waits["label"] == "Quarantine 1 image"
    assert waits["params"]["with"] == {"what": "may_go"}
