"""Pages that may differ in text are shown, and no default selection takes them."""

import fiftyone as fo
import fiftyone.operators as foo
import pytest
from PIL import Image

from tests.papers import filled_differently, paper


@pytest.fixture
def pages(tmp_path):
    """Six drawings; a darker first one in test, and a smaller copy of the second."""
    folder = tmp_path / "pages"
    folder.mkdir()
    drawn = [paper("drawing", filled) for filled in filled_differently(6, 14)]
    pictures = [
        *drawn,
        drawn[0].point(lambda level: level * 7 // 10),
        drawn[1].resize((630, 630), Image.Resampling.LANCZOS),
    ]
    dataset = fo.Dataset()
    for number, picture in enumerate(pictures):
        path = folder / f"{number}.png"
        picture.save(path)
        tag = "test" if number in (6, 7) else "train"
        dataset.add_sample(fo.Sample(filepath=str(path), tags=[tag]))
    yield dataset
    dataset.delete()


def test_no_default_takes_what_cannot_be_told_and_each_place_says_so(
    pages, scan, tmp_path
):
    said = str(scan(pages, split_by=["train", "test"], progress=False))

    assert "1 is a plain page that looks equal to another but may differ" in said
    show, quarantine, export = (
        foo.get_operator(f"@winnow/curate/{name}")
        for name in ("show", "quarantine", "export")
    )
    assert show(pages, "duplicates").count() == 4
    assert show(pages, "redundant_copies").count() == 1
    assert show(pages, "leaks").count() == 4
    assert show(pages, "leaks_to_remove").count() == 1
    for what, options in (
        ("duplicates", {}),
        ("leaks", {}),
        ("leaks", {"split": "test"}),
    ):
        plan = quarantine(pages, what, progress=False, **options)
        assert plan.count == 1, (what, options)
    assert "may differ in text" in str(quarantine(pages, "duplicates", progress=False))
    clean = export(pages, str(tmp_path / "clean"), format="images")
    assert clean.count == 7


def test_a_person_may_take_them_by_a_tag(pages, scan):
    scan(pages, split_by=["train", "test"], progress=False)
    too_plain = pages.match(fo.ViewField("dup_relation") == "too plain to tell")
    assert len(too_plain) == 1
    too_plain.tag_samples("may go")

    quarantine = foo.get_operator("@winnow/curate/quarantine")

    assert quarantine(pages, "tag", tag="may go", progress=False).count == 1
