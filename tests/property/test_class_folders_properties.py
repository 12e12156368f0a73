"""A folder that was written is read as it was meant, whatever names there are."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.curation.class_folders import class_folders
from core.reading.folders import list_images

NAMES = st.sampled_from(["a.png", "A.PNG", "b.jpg", "cat.png", "a-2.png"])
SPLITS = st.sampled_from(["train", "test", "Val", None])
LABELS = st.one_of(
    st.none(),
    st.sampled_from(
        ["cat", "Cat", "train", "test", "a/b", "a_b", ".", "..", "cat.png"]
    ),
    st.text(max_size=90).filter(lambda text: text.isprintable()),
)


@given(st.lists(st.tuples(NAMES, SPLITS, LABELS), min_size=2, max_size=12))
@example([("a.png", None, "test"), ("a.png", "test", "test"), ("a.png", "test", None)])
@settings(max_examples=60)
def test_what_is_laid_out_is_read_back(images):
    names, splits, labels = zip(*images, strict=True)

    tree = class_folders(names, splits, labels)

    assert len({path.casefold() for path in tree.paths}) == len(images)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        for path in tree.paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch(exist_ok=False)
        found = {
            os.path.relpath(image.path, root): (image.split, image.label)
            for image in list_images(root).images
        }
    read = [found[path] for path in tree.paths]
    assert tree.misread == 0
    assert [split for split, _ in read] == list(splits)
    folder_of = {}
    for (_, folder), label in zip(read, labels, strict=True):
        assert (folder is None) == (label is None)
        assert folder_of.setdefault(label, folder) == folder
    assert len(set(folder_of.values())) == len(folder_of)
    kept = {label for label in labels if label == folder_of[label]}
    assert tree.renamed.keys() >= set(labels) - kept - {None}


@given(st.lists(st.tuples(NAMES, LABELS), min_size=1, max_size=12))
@settings(max_examples=60)
def test_an_image_without_a_split_is_in_its_class(images):
    names, labels = zip(*images, strict=True)

    tree = class_folders(names, [None] * len(names), labels)

    for path, label in zip(tree.paths, labels, strict=True):
        assert path.count("/") == (label is not None)


def test_a_split_that_no_folder_name_says_is_said():
    tree = class_folders(["a.png", "b.png"], ["fold 1", "fold 2"], ["cat", "cat"])

    assert tree.misread == 2
    assert tree.paths == ["fold 1/cat/a.png", "fold 2/cat/b.png"]


@pytest.mark.parametrize(
    "name", ["a:b", "what?", "a*", '"a"', "<a>", "a|b"] + ["con", "NUL", "lpt9.txt"]
)
def test_names_that_windows_forbids_are_changed_there_alone(name):
    here = class_folders(["a.png"], ["train"], [name], "linux")
    there = class_folders(["a.png"], ["train"], [name], "win32")

    assert here.renamed == {}
    assert list(there.renamed) == [name]
    assert not set('<>:"|?*') & set(there.paths[0])


@pytest.mark.parametrize("name", ["console", "com", "com10", "a b", "\u732b", "a-b"])
def test_names_that_windows_allows_stay(name):
    assert class_folders(["a.png"], ["train"], [name], "win32").renamed == {}


def test_long_names_that_meet_stay_short_enough_and_hidden_ones_are_shown():
    long = "\u732b" * 83 + "12.png"
    tree = class_folders([long, long, ".jpg", ".a.jpg"], [None] * 4, ["cat"] * 4)

    names = [os.path.basename(path) for path in tree.paths]
    assert names[0] == long and len(set(names)) == 4
    assert len(os.fsencode(names[1])) <= 255 and names[1].endswith("-2.png")
    assert names[2:] == ["_.jpg", "_.a.jpg"]
