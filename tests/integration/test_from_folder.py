"""A folder's data set holds what FiftyOne itself would have put there."""

import importlib
from dataclasses import replace

import fiftyone as fo
import pytest

from core.reading.folders import list_images

ADAPTER = "fiftyone.plugins.orgs.winnow.curate.operators.adapter"
OWN = {"_id", "_rand", "_dataset_id", "created_at", "last_modified_at"}


@pytest.fixture
def from_folder():
    return importlib.import_module(f"{ADAPTER}.dataset.from_folder")


@pytest.fixture
def listing(tmp_path, draw):
    """Test images without a class before train images of two."""
    root = tmp_path / "data"
    for number in range(9):
        folder = root / ("test" if number < 3 else f"train/{'ab'[number % 2]}")
        folder.mkdir(parents=True, exist_ok=True)
        draw(number).save(folder / f"{number}.png")
    return list_images(root)


@pytest.fixture
def loaded(from_folder, listing):
    dataset = from_folder.load_folder(listing, progress=False).dataset
    yield dataset
    dataset.delete()


@pytest.fixture
def added(from_folder, listing):
    """The same, as FiftyOne adds it."""
    dataset = fo.Dataset()
    dataset.add_samples([from_folder.sample_of(image) for image in listing.images])
    yield dataset
    dataset.delete()


def documents(dataset):
    return list(dataset._sample_collection.find())


def test_samples_are_the_documents_that_fiftyone_would_add(loaded, added):
    ours, theirs = documents(loaded), documents(added)
    assert len(ours) == len(theirs) == 9
    for our, their in zip(ours, theirs, strict=True):
        assert list(our) == list(their)
        assert {name: type(value) for name, value in our.items()} == {
            name: type(value) for name, value in their.items()
        }
        for label in (our.get("ground_truth", {}), their.get("ground_truth", {})):
            label.pop("_id", None)
        assert {name: our[name] for name in our.keys() - OWN} == {
            name: their[name] for name in their.keys() - OWN
        }
        assert our["_dataset_id"] == loaded._doc.id
    assert loaded.get_field_schema().keys() == added.get_field_schema().keys()
    assert loaded.media_type == added.media_type == "image"


def test_each_sample_and_each_label_has_an_id_and_a_number_of_its_own(loaded):
    found = documents(loaded)
    labels = [one["ground_truth"]["_id"] for one in found if "ground_truth" in one]
    assert len({one["_id"] for one in found} | set(labels)) == 9 + 6
    assert len({one["_rand"] for one in found}) == 9


def test_files_that_come_later_are_added_to_those_that_are_there(
    from_folder, listing, draw
):
    first = replace(listing, images=listing.images[:4])
    dataset = from_folder.load_folder(first, progress=False).dataset
    ids = dataset.values("id")
    try:
        again = from_folder.load_folder(listing, progress=False)
        assert again.dataset.values("id")[:4] == ids
        paths = [image.path for image in listing.images]
        assert again.dataset.values("filepath") == paths
        expected = [image.label for image in listing.images]
        assert again.dataset.values("ground_truth.label") == expected
    finally:
        dataset.delete()
