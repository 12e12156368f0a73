"""The story of a person who cleans a detection set with the panel alone.

The tests follow each other on one page of the App.
"""

import pytest

from tests.e2e.conftest import A_SCAN, opened_panel
from tests.object_set import draw_object_set


@pytest.fixture(scope="module")
def boxes(fiftyone, images, server, tmp_path_factory):
    """A detection set with known faults; no field of it holds a label of an image."""
    folder = tmp_path_factory.mktemp("boxes")
    dataset = fiftyone.Dataset("street-corners")
    dataset.persistent = True
    for one in draw_object_set(images.parent, folder):
        found = [
            fiftyone.Detection(label=label, bounding_box=box)
            for label, box in one.objects
        ]
        sample = fiftyone.Sample(filepath=str(one.path), tags=[one.split])
        sample["ground_truth"] = fiftyone.Detections(detections=found)
        dataset.add_sample(sample)
    yield dataset
    dataset.delete()


@pytest.fixture(scope="module")
def page(browser, server, boxes):
    with opened_panel(browser, server, boxes) as app:
        yield app


def form_of(page):
    return page.page.locator("[data-cy='operators-prompt-modal']")


def labels(dataset):
    dataset.reload()
    return dataset.values("ground_truth.detections.label")


def test_a_scan_of_a_detection_set_looks_at_its_objects(page):
    page.press("Scan")
    page.sees("51 images will be scanned", form_of(page))
    page.sees("ground_truth", form_of(page))
    page.shot("_objects-scan-form")
    page.submit("Scan")

    page.sees("and 154 objects", patience=A_SCAN)
    page.press("OK")
    page.sees("Object label issues")
    page.shot("_objects-overview")


def test_wrong_labels_of_objects_are_shown_with_their_evidence(page):
    page.tab("Objects")

    page.sees("similar objects have cat")
    page.sees("nearest of another label")
    first = page.panel.locator("img").first
    assert first.evaluate("img => img.complete && img.naturalWidth > 0")
    page.press("Show in grid")
    page.grid_shows(3)
    page.shot("panel-objects")


def test_a_suggestion_is_accepted(page, boxes):
    before = labels(boxes)
    page.press("Call it cat")
    form = form_of(page)
    page.sees("labeled 'eye', similar objects 'cat'", form)
    page.shot("_objects-call-it")
    form.get_by_text("I have looked at this plan of 1 object").click()
    page.submit("Relabel 1 object")
    page.sees("1 object was given another label")
    page.press("OK")

    after = labels(boxes)
    assert (before[1][0], after[1][0]) == ("eye", "cat")
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    page.panel.get_by_role("button", name="Label issues 2").wait_for()
    # The grid does not go on showing what was corrected
    page.grid_shows(2)


def test_another_finding_follows_into_the_grid(page):
    page.press("Box disagreements")
    page.sees("A copy lacks this")
    page.grid_shows(5)
    page.shot("_objects-disagreements")

    page.open_picture()
    page.close_picture()


def test_a_class_is_chosen(page):
    page.panel.get_by_role("combobox").first.click()
    page.page.get_by_role("option", name="eye (1)").click()
    page.sees("1 object:")
    page.grid_shows(1)
    page.panel.get_by_role("combobox").first.click()
    page.page.get_by_role("option", name="All classes (5)").click()
    page.grid_shows(5)


def test_a_box_that_is_right_is_kept_and_that_is_undone(page, boxes):
    page.press("The box is right")
    page.sees("Kept, not flagged again (1)")
    page.panel.get_by_role("button", name="Box disagreements 4").wait_for()
    boxes.reload()
    kept = boxes.count_values("ground_truth.detections.winnow_decisions")
    assert kept.get("keep") == 1
    page.panel.get_by_role("button", name="Decided 1").wait_for()

    page.press("Undo")
    page.panel.get_by_role("button", name="Box disagreements 5").wait_for()


def test_bad_boxes_are_removed_and_come_back(page, boxes):
    page.press("Bad boxes")
    page.sees("a second box on one object")
    page.press("Remove all 2")
    form = form_of(page)
    page.sees("I have looked at this plan of 2 objects", form)
    page.shot("_objects-remove")
    form.get_by_text("I have looked at this plan of 2 objects").click()
    page.submit("Remove 2 objects")
    page.sees("2 objects were removed")
    page.press("OK")
    assert sum(map(len, labels(boxes))) == 152

    page.tab("Actions")
    page.press("Undo")
    page.submit("Undo")
    page.sees("Restored 2 objects")
    page.press("OK")
    assert sum(map(len, labels(boxes))) == 154


def test_selected_objects_are_acted_on(page, boxes):
    page.tab("Objects")
    # By way of another finding: the grid has shown bad boxes all the time, and what
    # is ticked before they are shown anew is not selected any more
    page.press("Box disagreements")
    page.grid_shows(5)
    page.press("Bad boxes")
    page.grid_shows(2)
    page.select(1)
    page.sees("1 object selected")
    page.shot("_objects-selected")
    page.panel.get_by_role("button", name="Remove", exact=True).first.click()
    form = form_of(page)
    page.sees("I have looked at this plan of 1 object", form)
    form.get_by_role("button", name="Cancel").click()
    page.press("Select none")
    page.panel.get_by_text("1 object selected").wait_for(state="detached")
    page.press("Show all")
    page.grid_shows(51)
