"""What FiftyOne calls private and Winnow uses is there, and does what is said."""

import ast
import importlib
from pathlib import Path

import fiftyone as fo
import pytest
from fiftyone import ViewField as F

MODULE = "fiftyone.plugins.orgs.winnow.curate.operators.adapter.dataset.internals"
PATH = Path(__file__).parents[2] / "operators" / "adapter" / "dataset" / "internals.py"


def private_names():
    """Returns owner, as the module calls it, and name of all that it uses."""
    nodes = ast.walk(ast.parse(PATH.read_text(encoding="utf-8")))
    found = {
        (ast.unparse(node.value), node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }
    return sorted(found)


@pytest.fixture
def internals():
    return importlib.import_module(MODULE)


@pytest.mark.parametrize(("owner", "name"), private_names())
def test_this_fiftyone_has_every_private_name_that_is_used(dataset, owner, name):
    owners = {
        "dataset": [dataset],
        "samples": [dataset, dataset.limit(3)],
        "view": [dataset.limit(3)],
        "fo.Sample": [fo.Sample],
        "fo.core.odm.sample": [fo.core.odm.sample],
    }
    for one in owners[owner]:
        assert hasattr(one, name), (
            f"FiftyOne {fo.__version__} has no {type(one).__name__}.{name}: mend "
            "operators/adapter/dataset/internals.py"
        )


def test_a_view_and_a_data_set_lead_to_the_data_set(internals, dataset):
    assert internals.dataset_of(dataset) is dataset
    assert internals.dataset_of(dataset.limit(3)) is dataset


def test_an_id_outlives_a_new_name(internals, dataset):
    before = internals.dataset_id(dataset)
    dataset.name = f"{dataset.name} renamed"
    assert internals.dataset_id(dataset) == before


def test_the_samples_are_documents_of_the_named_collection(internals, dataset):
    documents = internals.sample_documents(dataset)
    assert documents.count_documents({}) == len(dataset)
    assert documents.name == internals.sample_documents_name(dataset)


def test_held_samples_follow_the_database(internals, dataset):
    held = dataset.first()
    update = {"$set": {"tags": ["changed"]}}
    internals.sample_documents(dataset).update_one({"filepath": held.filepath}, update)
    internals.refresh_held_samples(dataset)
    assert held.tags == ["changed"]


def test_views_of_parts_and_of_groups_are_told_from_views_of_images(internals, dataset):
    boxes = [
        fo.Detections(detections=[fo.Detection(bounding_box=[0, 0, 1, 1])])
        for _ in range(len(dataset))
    ]
    dataset.set_values("boxes", boxes)
    plain = dataset.limit(3)
    patches = dataset.to_patches("boxes")
    assert internals.shows_parts(patches)
    assert not internals.shows_parts(plain)
    made = patches._dataset
    assert internals.is_generated(internals.sample_documents_name(made))
    assert not internals.is_generated(internals.sample_documents_name(dataset))
    assert internals.is_grouped_by_field(dataset.group_by("filepath"))
    assert not internals.is_grouped_by_field(plain)


def test_equal_views_have_equal_stages(internals, dataset):
    def view():
        return dataset.match(F("filepath").exists()).limit(3)

    assert len(internals.stages_of(view())) == 2
    stages = internals.serialized_stages(view())
    assert stages == internals.serialized_stages(view())
    assert stages != internals.serialized_stages(dataset.limit(3))


def test_stored_values_are_those_of_fiftyone(internals, dataset):
    dataset.first().clear_field("tags")
    sample = dataset.last()
    sample.tags = []
    sample.save()
    for view in (dataset, dataset.skip(3).match_tags("train")):
        assert internals.stored_values(view, "tags") == view.values("tags")
