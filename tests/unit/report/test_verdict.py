import pytest

from core.report.verdict import verdict

NOTHING = {"images": 2_000, "leaks_to_remove": 0, "label_issues": 0}


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({}, "Nothing was found in 2,000 images."),
        (
            {"removable": 1, "label_issues": 13},
            "No certain fault in 2,000 images. "
            "To look at: 1 redundant copy and 13 labels in doubt.",
        ),
        (
            {"leaks_to_remove": 14, "conflicts": 1, "unreadable": 3},
            "To mend before use: 14 images that leak between splits, 1 cluster of "
            "copies with two labels and 3 files that cannot be read.",
        ),
        (
            {"damaged": 1, "outliers": 1_234},
            "To mend before use: 1 image damaged inside. To look at: 1,234 outliers.",
        ),
        (
            {"image_issues": 624, "bad_images": 1, "odd_images": 623},
            "No certain fault in 2,000 images. To look at: 1 image dark, bright, "
            "blurry or empty and 623 images of odd size, shape or color.",
        ),
    ],
)
def test_a_verdict_names_faults_before_doubts(counts, says):
    assert verdict(NOTHING | counts, {}) == says


def test_a_verdict_on_boxes_names_what_is_wrong_with_objects():
    counts = NOTHING | {"objects": 426, "object_label_issues": 2, "object_outliers": 3}
    why = {"leaks": "no splits", "object leaks": "no splits", "label issues": "none"}

    assert verdict(counts, why) == (
        "No certain fault in 2,000 images and 426 objects. To look at: 2 labels of "
        "objects in doubt and 3 objects unlike the others. Not looked for: leaks."
    )
    assert verdict(counts | {"bad_boxes": 1}, {}).startswith(
        "To mend before use: 1 box broken, outside or there twice."
    )


def test_a_verdict_says_what_nobody_looked_for():
    why = {"leaks": "no splits were given", "bursts": "thin was not run"}

    assert verdict(NOTHING, why).endswith("2,000 images. Not looked for: leaks.")
