"""A scanned data set, and events of the panel on it."""

import pytest

from tests.panel_events import sender


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
