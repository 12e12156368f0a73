"""What the grid shows while tabs, clusters and pairs are chosen."""

import json


def test_show_in_grid_groups_by_cluster(event, scanned):
    view = event("show", what="duplicates").view(scanned)

    assert view._is_dynamic_groups
    assert len(view) == 2


def test_one_cluster_is_shown_flat(event, scanned):
    view = event("show_cluster", number=0).view(scanned)

    assert len(view) == 2
    assert view.first().dup_keeper


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


def test_a_view_that_a_browser_sends_back_is_still_the_panels(event, scanned):
    event("choose_tab", tab="labels")
    event("move_label_score", value="70")
    sent = json.dumps(event("show_tab").one("set_view")["view"])
    assert "70.0" in sent
    # A browser knows one kind of number: 70.0 comes back as 70
    back = json.loads(sent.replace("70.0", "70"))

    texts = event("refresh", view=back).texts

    assert "a view of your own" not in texts
    assert "The grid shows **labels that score below 70**" in texts


def test_a_cluster_stays_in_the_grid_when_clusters_are_numbered_anew(event, scanned):
    number = scanned.match({"dup_cluster": 1}).values("id")

    view = event("show_cluster", number=1).view(scanned)
    scanned.set_field("dup_cluster", 0).save()

    assert sorted(view.values("id")) == sorted(number)
