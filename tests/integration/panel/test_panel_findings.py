"""The cards of duplicates, outliers, labels, leaks and bad files."""

import fiftyone.operators as foo
import pytest

from tests.panel_events import button


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


def test_labels_of_a_conflict_can_be_made_one(event, dataset, scan):
    scan(dataset, label_field="ground_truth")

    answer = event("choose_tab", tab="duplicates")

    part = answer.shown["clusters"]
    for name in ("cluster_0", "pictures", "picture_0", "buttons", "label"):
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
    buttons = answer.shown["pair_buttons"]["type"]["properties"]
    asked = buttons["retag"]["view"]["params"]["with"]
    given, suggested = asked["pair"]

    plan = foo.get_operator("@winnow/curate/retag")(
        scanned, asked["what"], pair=asked["pair"], label=asked["label"]
    )

    assert asked["label"] == suggested
    view = answer.view(scanned)
    assert plan.count == len(view) < scanned.match({"label_issue": True}).count()
    assert all(given in why for _, _, why in plan.examples())


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


def test_how_many_of_the_leaks_should_go_follows_the_chosen_pair(event, scanned):
    event("choose_tab", tab="leaks")
    answer = event("choose_leak", one="train", other="test")
    plan = foo.get_operator("@winnow/curate/quarantine")(
        scanned, "leaks", between=["train", "test"], progress=False
    )

    going = plan.count + sum(plan.skipped.values())
    assert f"**{going}** of them should go" in answer.texts
