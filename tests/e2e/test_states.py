"""The panel in states that the story of a cleaning does not come to."""

import shutil

import pytest

from tests.e2e.conftest import opened_panel


@pytest.fixture(scope="module")
def small(fiftyone, images, server, tmp_path_factory):
    """Pictures in which a scan finds nothing, and the scan."""
    import fiftyone.operators as foo

    folder = tmp_path_factory.mktemp("small")
    for path in sorted((images / "train").rglob("*.jpg"))[::4]:
        shutil.copyfile(path, folder / f"{path.parent.name} {path.name}")
    dataset = fiftyone.Dataset.from_images_dir(str(folder))
    dataset.name, dataset.persistent = "small-photos", True
    scan = foo.get_operator("@winnow/curate/scan")
    options = {"max_outlier_distance": 2.0, "progress": False}
    scan(dataset, **options)
    clean = {"scan_status": "ok", "image_issues": [], "dup_cluster": None}
    # What is odd depends on the others, so some become it when others are gone
    while unclean := set(dataset.values("id")) - set(_ids(dataset, clean)):
        dataset.delete_samples(unclean)
        scan(dataset, **options)
    yield dataset, scan
    dataset.delete()


def _ids(dataset, match):
    return dataset.match(match).values("id")


@pytest.fixture(scope="module")
def page(browser, server, small):
    dataset, _ = small
    with opened_panel(browser, server, dataset) as app:
        app.sees("images scanned on")
        yield app


def test_nothing_found_is_said_in_every_tab(page, small):
    dataset, _ = small

    page.sees(f"Nothing was found wrong with these {len(dataset)} images")
    page.shot("_clean-overview")
    for tab, words in (
        ("Duplicates", "No image has a copy here"),
        ("Labels", "had no labels"),
        ("Leaks", "had no splits"),
        ("Bad files", "Every file can be read"),
        ("Actions", "copy everything without the problems"),
    ):
        page.tab(tab)
        page.sees(words)
        page.shot(f"_clean-{tab.lower().replace(' ', '-')}")


def test_one_of_several_runs_is_chosen(page, small):
    dataset, scan = small
    scan(dataset.limit(10), prefix="part", progress=False)
    page.tab("Overview")

    page.sees("There are several scans")
    page.sees("10 images scanned on")
    page.shot("_several-runs")
    page.panel.get_by_role("combobox").first.click()
    page.page.get_by_role("option", name="without a prefix").click()

    page.sees(f"{len(dataset)} images scanned on")
    dataset.delete_run("winnow_part")


def test_samples_without_a_file_are_shown_by_themselves(page, small):
    from pathlib import Path

    dataset, scan = small
    Path(dataset.last().filepath).unlink()
    scan(dataset, max_outlier_distance=2.0, progress=False)
    page.tab("Bad files")
    page.sees("Delete selected samples")
    page.shot("_missing")

    page.press("Show what is missing (1)")

    page.grid_shows(1)
