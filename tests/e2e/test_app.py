"""The story of a person who cleans a data set with the panel alone.

The tests follow each other on one page of the App.
"""

import importlib

import pytest

from tests.e2e.conftest import A_SCAN


def test_the_button_above_the_grid_opens_the_panel(app):
    app.page.locator("[data-item-id='@winnow/curate/open']").click()

    app.sees("Winnow finds what is wrong with this data set")
    app.sees("354 images")
    app.shot("panel-welcome")


def test_scan_asks_then_shows_progress_and_counts(app):
    app.press("Scan")
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    app.sees("354 images will be scanned", form)
    app.shot("_scan-form")
    app.submit("Scan")

    # No dialog: what came of it stands in the panel
    app.sees("Winnow scanned 354 images", patience=A_SCAN)
    assert not app.page.locator("[data-cy='operators-prompt-view-modal']").count()
    app.press("OK")
    app.sees("images scanned on")
    app.sees("in 29 clusters")
    app.shot("panel-overview")


def test_the_set_is_drawn_as_plots(app):
    app.tab("The set")

    app.sees("Effective images of the classes")
    app.panel.locator(".js-plotly-plot").nth(1).wait_for()
    app.shot("panel-set")


def test_duplicates_show_clusters_conflicts_first(app):
    app.tab("Duplicates")

    app.sees("58 images in 29 clusters")
    first = app.panel.locator("img").first
    assert first.evaluate("img => img.complete && img.naturalWidth > 0")
    app.sees("two labels")
    app.shot("panel-duplicates")

    app.press("Show in grid")
    app.grid_shows(29)
    app.shot("_duplicates-in-grid")


def test_six_clusters_and_more_fit_on_a_screen(app):
    panel = app.panel.bounding_box()
    pictures = [one.bounding_box() for one in app.panel.locator("img").all()]

    inside = [one for one in pictures if one["y"] + one["height"] < panel["height"]]
    assert len(inside) >= 12


def test_a_click_on_a_picture_opens_it_while_the_grid_is_grouped(app):
    app.sees("The grid shows duplicates")

    picture = app.panel.locator("img").nth(1)
    name = picture.get_attribute("title").rpartition("/")[2]
    modal = app.open_picture(1)
    app.sees("filepath", modal)
    app.page.wait_for_timeout(3000)
    assert not modal.get_by_text("No sample").count(), name
    app.shot("_opened-from-a-group")
    app.close_picture()


def test_a_class_and_a_threshold_narrow_what_is_shown(app, dataset):
    app.panel.get_by_role("combobox").first.click()
    options = app.page.get_by_role("option")
    options.nth(1).wait_for()
    label = options.nth(1).inner_text().partition(" (")[0]
    options.nth(1).click()
    found = dataset.match({"dup_cluster": {"$ne": None}})
    app.grid_shows(found.match({"ground_truth.label": label}).count())
    app.shot("_narrowed")
    app.panel.get_by_role("combobox").first.click()
    app.page.get_by_role("option", name="All classes").click()
    app.grid_shows(29)

    app.press("Threshold")
    app.sees("how surely an image is a copy")
    app.shot("_threshold-of-copies")
    number = app.panel.get_by_role("textbox").first
    number.fill("0.95")
    number.press("Tab")
    app.sees("have a copy that scores 0.950")
    app.grid_shows(52)
    app.shot("panel-copies-threshold")
    app.press("Reset")
    app.press("Threshold")
    app.sees("58 images in 29 clusters")


def test_a_long_name_of_a_file_shows_its_end(app):
    name = app.panel.get_by_text("IMG…147.jpg").first
    name.wait_for()
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_keep_is_remembered_and_can_be_undone(app, dataset):
    app.press("Keep all")
    app.sees("Kept, not flagged again (2)")
    app.sees("56 images in 28 clusters")
    dataset.reload()
    assert dataset.count_values("winnow_decisions")["keep"] == 2
    app.shot("_kept")

    app.press("Undo")
    app.sees("58 images in 29 clusters")


def test_a_threshold_moves_count_and_grid_at_once(app, dataset):
    app.tab("Outliers")
    app.sees("of 351 images are farther than")
    before = int(
        app.panel.get_by_role("button", name="Outliers").inner_text().split()[-1]
    )

    about = app.panel.get_by_text("images are farther than").first
    slider = app.panel.locator(".MuiSlider-root").first
    shown = before
    # A panel that is drawn anew at that moment does not hear the click
    for _ in range(10):
        width = slider.evaluate("track => track.getBoundingClientRect().width")
        slider.click(position={"x": 0.7 * width, "y": 10})
        app.page.wait_for_timeout(4000)
        shown = int(about.locator("strong").first.inner_text().replace(",", ""))
        if shown > before:
            break
    assert shown > before
    app.grid_shows(shown)
    app.shot("panel-outliers")

    app.press("Apply")
    app.panel.get_by_role("button", name=f"Outliers {shown}").wait_for()
    dataset.reload()
    assert dataset.match({"outlier": True}).count() == shown


def test_labels_show_who_contradicts_and_pairs_of_classes(app):
    app.tab("Labels")
    app.sees("Similar images say")
    app.sees("nearest of another label")
    app.shot("panel-labels")

    app.panel.locator("tbody tr").first.click()
    app.sees("look like")
    app.press("All classes again")
    app.sees("worst first")


def test_labels_are_reviewed_with_one_key_each(app, dataset):
    before = dataset.match({"label_issue": True}).count()
    app.press("Review one by one")
    review = app.page.locator("[data-cy='winnow-review']")
    place = app.page.locator("[data-cy='winnow-review-place']")
    app.sees("similar images have", review)
    assert place.inner_text() == f"1 of {before}"
    app.shot("panel-review")

    # Right, back again, accept, skip; flicker and zoom change nothing
    for key, number in (("r", 2), ("u", 1), ("a", 2), ("s", 3), ("f", 3), ("z", 3)):
        app.page.keyboard.press(key)
        place.get_by_text(f"{number} of {before}").wait_for()
    app.page.keyboard.press("Escape")
    review.wait_for(state="detached")

    app.sees("Correct 1 label")
    app.shot("_reviewed")
    dataset.reload()
    words = [one for some in dataset.values("winnow_decisions") for one in some or ()]
    assert [word[:8] for word in words] == ["label to"]
    labeled = dataset.exists("winnow_decisions")
    foo = importlib.import_module("fiftyone.operators")
    foo.get_operator("@winnow/curate/decide")(labeled, "relabel", undo=True)
    app.tab("Labels")


def test_a_verified_label_is_no_issue_any_more(app, dataset):
    before = dataset.match({"label_issue": True}).count()

    app.press("is right")
    app.sees("Labels verified (1)")

    dataset.reload()
    assert dataset.match({"label_issue": True}).count() == before - 1


def test_an_earlier_decision_is_taken_back(app, dataset):
    before = dataset.match({"label_issue": True}).count()
    app.tab("Actions")
    app.sees("What you decided")
    app.shot("_decisions")

    app.press("Take back")
    app.panel.get_by_text("What you decided").wait_for(state="detached")

    dataset.reload()
    assert dataset.match({"label_issue": True}).count() == before + 1
    app.tab("Labels")
    app.sees("nearest of another label")


def test_one_label_is_corrected_and_the_correction_undone(app, dataset):
    before = dict(zip(*dataset.values(["id", "ground_truth.label"]), strict=True))
    name = app.panel.get_by_role("button", name="Call it").first.inner_text()
    label = name.rpartition("Call it ")[2].strip()

    app.press("Call it")
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    app.shot("_call-it-form")
    app.sees(f"becomes '{label}'", form)
    app.shot("_call-it")
    form.get_by_text("I have looked at this plan of 1 image").click()
    app.submit("Relabel 1 image")
    app.sees("1 image was given another label")

    dataset.reload()
    after = dict(zip(*dataset.values(["id", "ground_truth.label"]), strict=True))
    changed = [one for one in before if before[one] != after[one]]
    assert [after[one] for one in changed] == [label]

    app.tab("Actions")
    app.press("Undo")
    app.sees("What to undo", form)
    app.submit("Undo")
    app.sees("Restored 1 image")
    app.sees("0 can be restored")
    dataset.reload()
    assert dataset.values("ground_truth.label") == list(before.values())


def test_a_cell_of_the_matrix_opens_its_leaks(app):
    app.tab("Leaks")
    app.sees("images have a copy in another split")

    app.panel.locator("tbody tr").first.locator("td").nth(2).click()
    app.grid_shows(16)
    app.sees("The grid shows copies of")
    app.shot("panel-leaks")


def test_bad_files_are_listed_with_reasons(app):
    app.tab("Bad files")
    app.sees("images have issues")
    app.shot("panel-bad-files")

    app.panel.get_by_text("files cannot be read").scroll_into_view_if_needed()
    app.sees("cut_off.jpg")
    app.shot("_unreadable")


def test_what_is_selected_is_quarantined_and_nothing_else(app, dataset):
    app.press("Show all")
    app.grid_shows(354)
    for number in (0, 1):
        app.select(number)
    app.sees("2 selected")
    app.shot("panel-selected")
    app.panel.get_by_role("button", name="Quarantine", exact=True).first.click()
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    app.sees("I have looked at this plan of 2 images", form)
    form.get_by_role("button", name="Cancel").click()

    app.press("Select none")
    app.panel.get_by_text("2 selected").wait_for(state="detached")


def test_redundant_copies_are_tagged(app, dataset):
    app.tab("Duplicates")
    app.press("Tag extra copies")
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    form.locator("input").last.wait_for()
    field = form.get_by_placeholder("Type or select a value")
    field.fill("copy")
    field.press("Enter")
    app.shot("_tag-form")
    app.submit("Tag")

    app.page.get_by_text("Tag 'copy' added to 24 images").wait_for()
    dataset.reload()
    assert dataset.count_sample_tags()["copy"] == 24


def test_the_clean_set_is_exported(app, tmp_path):
    app.tab("Actions")
    app.shot("_actions")
    app.press("Export the clean set")
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    app.sees("of 354 images will be copied", form)
    target = tmp_path / "clean"
    field = form.locator("input[type=text]").last
    field.fill("~/clean-images")
    field.press("Tab")
    app.shot("panel-export")
    field.fill(str(target))
    field.press("Tab")
    app.page.wait_for_timeout(1500)
    app.submit("Export")

    app.sees("images exported to")
    app.sees("export: ")
    left = [path for path in target.rglob("*") if path.is_file()]
    assert sorted(path.name for path in target.iterdir()) == ["test", "train", "valid"]
    assert 200 < len(left) < 354 - 29


def test_a_quarantine_is_previewed_applied_and_undone(app, dataset, images):
    before = sorted(path for path in images.rglob("*") if path.is_file())
    app.tab("Actions")
    app.press("Quarantine")
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    app.sees("23 images would be put into quarantine", form)
    app.sees("its copies have different labels", form)
    app.shot("plan-quarantine")
    tick = form.get_by_text("I have looked at this plan of 23 images")
    tick.scroll_into_view_if_needed()
    tick.click()
    app.submit("Quarantine 23 images")
    app.sees("23 images were put into quarantine")
    app.shot("_quarantined")

    app.sees("quarantine of duplicates: 23 images")
    app.shot("panel-actions")
    dataset.reload()
    assert dataset.match_tags("quarantined").count() == 23
    assert dataset.exists("dup_cluster").count() == 12
    left = [path for path in images.rglob("*") if path.is_file()]
    assert len(left) == len(before) - 23

    app.press("Undo")
    app.sees("quarantine of duplicates: 23 images", form)
    app.submit("Undo")
    app.sees("Restored 23 images")
    app.sees("0 can be restored")
    dataset.reload()
    assert dataset.match_tags("quarantined").count() == 0
    assert sorted(path for path in images.rglob("*") if path.is_file()) == before


def test_samples_that_came_later_are_told(app, dataset, images, tmp_path):
    import fiftyone as fo

    new = tmp_path / "cat_new.jpg"
    new.write_bytes((images / "test" / "cat" / "cat_08.jpg").read_bytes())
    dataset.add_sample(
        fo.Sample(str(new), tags=["train"], ground_truth=fo.Classification(label="cat"))
    )

    app.tab("Overview")

    app.sees("1 image added after the scan")
    app.shot("_stale")


def test_the_panel_says_where_a_scan_is_and_can_stop_it(another_app, dataset):
    lock = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.operators.adapter.runs.lock"
    )
    progress = importlib.import_module(
        "fiftyone.plugins.orgs.winnow.curate.core.progress"
    )
    errors = importlib.import_module("fiftyone.plugins.orgs.winnow.curate.core.errors")
    with lock.exclusive_run(dataset):
        report = lock.report_progress_to_file(dataset, progress.silent)
        report(progress.Progress("Reading images", 40, 355))
        app = another_app()
        app.open_panel()

        app.sees("Reading images")
        app.sees("40 of 355")
        app.shot("_running")
        app.press("Stop")
        app.page.get_by_text("The scan stops").first.wait_for()

        app.page.wait_for_timeout(500)
        with pytest.raises(errors.Cancelled):
            report(progress.Progress("Reading images", 41, 355))

    # It looks again by itself, and the scan is over
    app.panel.get_by_text("40 of 355").wait_for(state="detached")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_narrow_panel_cuts_nothing_off(another_app, theme):
    app = another_app(width=900, theme=theme)
    app.open_panel()
    app.sees("images scanned on")

    for tab in ("Overview", "Duplicates", "Outliers", "Labels", "Leaks", "Bad files"):
        app.tab(tab)
        app.shot(f"_narrow-{theme}-{tab.lower().replace(' ', '-')}")
        assert app.fits(), tab


def test_the_embeddings_panel_has_our_map(app):
    app.tab("Map")
    app.grid_shows(355)
    # The tab is drawn anew while the map is made, and must not keep that there is none
    app.press("Make the map")
    form = app.page.locator("[data-cy='operators-prompt-modal']")
    form.get_by_role("button", name="Make both").first.click()
    app.sees("351 embeddings are in the field")

    app.page.locator("[data-cy='new-panel-btn']").first.click()
    app.page.locator("[data-cy='new-panel-option-Embeddings']").click()
    app.page.get_by_text("winnow_map").first.click()
    app.shot("panel-embeddings")

    # The server remembers what is open, and pages of other stories open it too
    tab = app.page.locator("[data-cy='panel-tab-embeddings']")
    tab.locator("svg").last.click()
    tab.wait_for(state="detached")
    app.grid_shows(355)


def test_a_map_of_all_images_selects_what_is_drawn_around(app):
    app.tab("Map")
    app.sees("Draw around some to select them")
    plot = app.panel.locator(".js-plotly-plot")
    plot.wait_for()
    app.page.wait_for_timeout(3000)
    box = plot.bounding_box()
    x, y = box["x"], box["y"]
    corners = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.6), (0.2, 0.6), (0.2, 0.2)]
    app.page.mouse.move(x + 0.2 * box["width"], y + 0.2 * box["height"])
    app.page.mouse.down()
    for right, down in corners:
        at = x + right * box["width"], y + down * box["height"]
        app.page.mouse.move(*at, steps=8)
    app.page.mouse.up()

    app.sees(" selected")
    app.shot("panel-map")
    app.press("Select none")
    app.tab("Overview")
