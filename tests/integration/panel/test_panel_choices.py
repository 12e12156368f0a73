"""What a person chooses to see in the panel: menus, pages, numbers, thresholds."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest

from tests.panel_events import path_of


@pytest.fixture
def scanned(dataset, scan, folder):
    """A data set with copies, outliers, doubtful labels, leaks and a dark image."""
    from PIL import Image

    Image.new("RGB", (64, 64), (2, 2, 2)).save(folder / "06.png")
    scan(
        dataset,
        label_field="ground_truth",
        split_by=["train", "test"],
        max_outlier_distance=0.1,
        min_label_score=60,
    )
    return dataset


def menu(answer, tab, name):
    row, _, name = path_of(answer, f"menus_{tab}", name).partition(".")
    part = answer.shown[row]["type"]["properties"][name]
    return {one["value"]: one["label"] for one in part["view"]["choices"]}


@pytest.mark.parametrize("tab", ["duplicates", "outliers", "labels", "bad_files"])
def test_each_tab_can_be_narrowed_to_a_class_that_its_menu_counts(event, scanned, tab):
    before = event("choose_tab", tab=tab)
    choices = menu(before, tab, "class")
    assert choices.pop("(all)") == "All classes"
    label, words = next(iter(choices.items()))
    assert words.startswith(f"{label} (")

    after = event("choose_class", value=label)

    assert after.state["filters"] == {"class": label}
    assert "problem" not in after.shown


@pytest.mark.parametrize(
    ("tab", "name", "method", "value"),
    [
        ("duplicates", "class", "choose_class", "(all)"),
        ("duplicates", "order", "choose_order", "largest"),
        ("outliers", "order", "choose_order", "farthest"),
    ],
)
def test_a_menu_that_is_drawn_changes_nothing(event, scanned, tab, name, method, value):
    drawn = event("choose_tab", tab=tab)
    path = path_of(drawn, f"menus_{tab}", name)

    answer = event(method, value=value, path=path)

    assert answer.state == drawn.state and not answer.requests


def test_a_change_that_the_app_sends_twice_is_made_once(event, scanned):
    drawn = event("choose_tab", tab="duplicates")
    path = path_of(drawn, "menus_duplicates", "class")

    assert "a" in event("choose_class", value="a", path=path).state["filters"].values()
    # The second is sent before the first is answered
    again = event("choose_class", value="a", path=path, panel_state=drawn.state)

    assert not again.requests


def test_a_menu_shows_a_class_again_that_was_chosen_before(event, scanned):
    names = []
    for value in ("a", "(all)", "a", "(all)"):
        drawn = event("choose_tab", tab="duplicates")
        names.append(path_of(drawn, "menus_duplicates", "class"))
        event("choose_class", value=value, path=names[-1])
        assert filters_of(event("refresh")).get("class") == value

    # The App keeps what was chosen under the name of the menu
    assert len(set(names)) == len(names)


def filters_of(answer):
    return answer.state.get("filters") or {}


def test_a_class_and_a_split_hold_in_other_tabs_and_a_kind_in_its_own(event, scanned):
    event("choose_tab", tab="duplicates")
    event("choose_class", value="a")
    event("choose_kind", value="pixels")

    answer = event("choose_tab", tab="outliers")

    kept = answer.state["filters"]
    assert kept == {"class": "a", "kind of duplicates": "pixels"}


def test_the_grid_follows_a_menu(event, scanned):
    event("choose_tab", tab="duplicates")
    shown = event("show", what="duplicates")
    stages = shown.one("set_view")["view"]
    event("choose_class", value="a", view=stages)

    answer = event("show", what="duplicates")

    view = answer.view(scanned)
    assert set(view.values("ground_truth.label")) == {"a"}


def test_a_number_that_is_typed_moves_the_threshold(event, scanned):
    event("choose_tab", tab="labels")

    assert event("move_label_score", value="42.5").state["label_score"] == 42.5
    assert event("move_label_score", value="many").state["label_score"] == 42.5


def test_labels_and_copies_have_a_histogram_too(event, scanned):
    bars = event("choose_tab", tab="labels").data["label_score_bars"][0]
    assert sum(bars["y"]) == scanned.count("label_score")

    event("choose_tab", tab="duplicates")
    opened = event("open_copy_score")
    assert sum(opened.data["copy_score_bars"][0]["y"]) == scanned.count("copy_score")


def test_the_threshold_on_copies_counts_at_once_and_is_applied(event, scanned):
    event("choose_tab", tab="duplicates")
    event("open_copy_score")
    sure = scanned.match({"copy_score": {"$gte": 0.99}}).count()

    answer = event("move_copy_score", value=0.99)

    assert f"**{sure:,}** images have a copy that scores **0.990**" in answer.texts
    assert answer.view(scanned).count() == sure
    event("apply_thresholds")
    assert scanned.match({"dup_cluster": {"$ne": None}}).count() == sure


def test_a_page_is_turned_to_by_its_number(event, scanned):
    event("choose_tab", tab="outliers")

    assert event("turn_to", value="3").state["start"] == 16
    assert event("turn_to", value="0").state["start"] == 0
    assert event("turn_to", value="last").state["start"] == 0


def test_a_picture_opens_from_a_grid_of_groups_at_once(event, scanned):
    event("choose_tab", tab="duplicates")
    stages = event("show", what="duplicates").one("set_view")["view"]
    # With one, the App takes the view for one without groups and shows no sample
    assert dict(stages[-1]["kwargs"])["sort_expr"] is None
    one = scanned.exists("dup_cluster").first().id

    answer = event("open_sample", id=one, view=stages)

    assert answer.one("open_sample") == {"id": one, "group_id": None}
    assert not answer.asked("set_view")


def test_scenes_are_listed_and_thin_is_offered(event, scanned):
    ids = scanned.limit(4).values("id")
    scenes = dict(zip(ids, [0, 0, 0, 1], strict=True))
    scanned.set_values("scene_group", scenes, key_field="id")
    event("choose_tab", tab="duplicates")

    answer = event("choose_list", list="scenes")

    assert "**3 images**" in answer.texts and "**1 images**" not in answer.texts
    buttons = answer.shown["action_buttons"]["type"]["properties"]
    assert buttons["thin"]["view"]["params"]["operator"] == "thin"
    fewer = event("choose_class", value="b")
    assert "scene_1" not in fewer.shown or fewer.state["filters"]["class"] == "b"


def test_what_is_drawn_around_on_the_map_is_selected(event, scanned):
    assert "Make the map" in event("choose_tab", tab="map").texts
    foo.get_operator("@winnow/curate/register_embeddings")(scanned)

    traces = event("choose_tab", tab="map").data["map"]

    ids = [one for trace in traces for one in trace["ids"]]
    assert len(ids) == len(set(ids)) == scanned.count("outlier_distance")
    assert traces[0]["name"].startswith("no finding") and len(traces) > 1
    points = [{"id": one, "x": 0, "y": 0} for one in ids[:3]]
    answer = event("choose_on_map", data=points)
    selected = answer.one("set_selected_samples")["samples"]
    assert [one["id"] for one in selected] == ids[:3]


def test_the_map_is_there_though_the_tab_was_drawn_while_it_was_made(event, scanned):
    seen = []

    def look(progress):
        if progress.stage == "Registering brain runs":
            seen.append(event("choose_tab", tab="map").texts)

    foo.get_operator("@winnow/curate/register_embeddings")(scanned, progress=look)

    assert "Make the map" in seen[0]
    assert "Make the map" not in event("choose_tab", tab="map").texts


def test_a_long_name_of_a_file_is_cut_in_its_middle(event, dataset, scan, folder):
    from PIL import Image

    name = f"IMG_{'x' * 60}_0147.png"
    Image.new("RGB", (64, 64), (2, 2, 2)).save(folder / name)
    dataset.add_sample(fo.Sample(filepath=str(folder / name)))
    scan(dataset)

    texts = event("choose_tab", tab="bad_files").texts

    assert "_0147" in texts and "xxxxxxxxxxxxxxxxxxxx" not in texts


def test_the_tab_of_duplicates_counts_no_other_moments(event, scanned):
    copies = scanned.count("dup_cluster")
    ids = scanned.limit(4).values("id")
    scenes = dict.fromkeys(ids, 0)
    scanned.set_values("scene_group", scenes, key_field="id")

    assert f"Duplicates {copies}" in event("choose_tab", tab="duplicates").texts


def test_without_label_issues_the_tab_says_how_to_see_doubtful_ones(event, scanned):
    foo.get_operator("@winnow/curate/set_thresholds")(scanned, min_label_score=0)

    texts = event("choose_tab", tab="labels").texts

    assert "Move the threshold to the right" in texts


def test_the_tab_of_labels_says_how_many_are_expected_to_be_wrong(event, scanned):
    # Few images have no estimate: this is what a large set's record holds
    config = scanned.get_run_info("winnow").config
    estimate = {"wrong_labels": 3, "label_precision": 0.8, "label_recall": 0.9}
    config.report["expected"] |= estimate
    counts = config.report["counts"]
    counts["label_issue_pictures"] = counts["label_issues"]
    scanned.update_run_config("winnow", config)

    texts = event("choose_tab", tab="labels").texts

    assert "Of all labels about 3 are estimated to be wrong; of those flagged" in texts

    counts |= {"label_issues": 40, "label_issue_pictures": 4}
    scanned.update_run_config("winnow", config)

    texts = event("choose_tab", tab="labels").texts

    assert (
        "4 are flagged where equal pictures count once, and about 3 are estimated to "
        "be wrong; of those flagged"
    ) in texts
