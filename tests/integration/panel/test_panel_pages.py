"""The first page, the tabs and the runs: what is drawn, and when it is counted anew."""

import time

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone.operators.executor import ExecutionContext, Executor

from tests.panel_events import button

TABS = (
    "overview duplicates outliers labels leaks objects bad_files map whole_set actions"
).split()


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


def test_every_card_says_which_file_it_is(event, scanned):
    answer = event("choose_tab", tab="duplicates")

    for name in ("00.png", "19.png"):
        assert f"\n\n{name}" in answer.texts


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


def test_an_event_that_was_sent_before_a_tab_was_drawn_does_not_go_back(event, scanned):
    before = dict(event("choose_tab", tab="labels").state)
    event("choose_tab", tab="actions")

    late = event("done", panel_state=before)

    assert late.state["tab"] == "actions"
    assert "Tag what you want to look at again" in late.texts
