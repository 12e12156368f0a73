"""Which folders name splits and which name classes."""

import pytest

from core.errors import InputError
from core.reading.layout_choices import Choices, Place, parse_choices
from core.reading.layouts import understand


def read(tree, **said):
    """Understands folders given as text: "a/b a/c", with ":9" for how many images."""
    folders = {}
    for part in tree.split():
        path, _, count = part.partition(":")
        folders[tuple(name for name in path.split("/") if name != ".")] = int(
            count or 8
        )
    return understand(folders, parse_choices(**said))


def given(layout):
    """Returns path -> "split class", with - for none."""
    return {
        "/".join(folder) or ".": f"{place.split or '-'} {place.label or '-'}"
        for folder, place in layout.places.items()
    }


def first_of(tree):
    return tree.split()[0]


AS_PEOPLE_HAVE_THEM = {
    "training_set/cats test_set/cats": ("split/class", "training_set cats"),
    "Training/glioma Testing/glioma": ("split/class", "Training glioma"),
    "seg_train/seg_train/sea seg_test/seg_test/sea": (
        "split/*/class",
        "seg_train sea",
    ),
    "train2017 val2017": ("split", "train2017 -"),
    "images/train images/val": ("*/split", "train -"),
    "images/train/cat images/val/cat": ("*/split/class", "train cat"),
    "train/images valid/images": ("split", "train -"),
    "train/images train/masks test/images test/masks": ("split", "train -"),
    "xray/train/NORMAL xray/test/NORMAL": ("*/split/class", "train NORMAL"),
    "a/b/c/train/x a/b/c/test/x": ("*/*/*/split/class", "train x"),
    "train/train test1/test1": ("split", "train -"),
    "train/pets/cat train/pets/dog test/pets/cat": ("split/*/class", "train cat"),
    "trn/cat tst/cat": ("split/class", "trn cat"),
    "trainA trainB testA testB": ("split", "trainA -"),
    "bounding_box_train bounding_box_test query": ("split", "bounding_box_train -"),
    "train/cat train/dog": ("split/class", "train cat"),
    "training/image_2 testing/image_2": ("split", "training -"),
    "entrenamiento/perro pruebas/perro": ("split/class", "entrenamiento perro"),
    "cat/train dog/train cat/test dog/test": ("class/split", "train cat"),
    "CelebA/train/m LFW/train/m LFW/test/m": ("*/split/class", "train m"),
    "cat dog": ("class", "- cat"),
    "pets/cat pets/dog": ("*/class", "- cat"),
    "images/cat images/dog": ("*/class", "- cat"),
    "fold1/cat fold1/dog fold2/cat fold2/dog": ("*/class", "- cat"),
    "cat/a cat/b dog/c": ("class", "- cat"),
    "only": ("class", "- only"),
    "VOCdevkit/VOC2012/JPEGImages": ("flat", "- -"),
    "VOCdevkit/VOC2012/JPEGImages VOCdevkit/VOC2012/SegmentationClass": (
        "flat",
        "- -",
    ),
    "VOCdevkit/VOC2007/JPEGImages VOCdevkit/VOC2012/JPEGImages": ("flat", "- -"),
    "pets/only": ("*/class", "- only"),
    "amazon/mouse amazon/mug dslr/mouse dslr/mug": ("*/class", "- mouse"),
    "train/amazon/mouse train/amazon/mug train/dslr/mouse train/dslr/mug "
    "test/amazon/mouse test/amazon/mug test/dslr/mouse test/dslr/mug": (
        "split/*/class",
        "train mouse",
    ),
    "cat/front cat/back dog/front dog/back owl/front owl/back": ("class", "- cat"),
    "images labels": ("flat", "- -"),
    ".": ("flat", "- -"),
    "bus car plane train": ("class", "- bus"),
    "bus train": ("class", "- bus"),
    "flask test_tube steam_train": ("class", "- flask"),
    "a b c d e train test": ("class", "- a"),
    "train/cat train/dog unseen/cat unseen/dog": ("split/class", "train cat"),
}


@pytest.mark.parametrize("tree", AS_PEOPLE_HAVE_THEM)
def test_folders_as_people_have_them(tree):
    pattern, first = AS_PEOPLE_HAVE_THEM[tree]

    layout = read(tree)

    assert list(layout.patterns) == [pattern]
    assert given(layout)[first_of(tree)] == first
    assert sum(layout.patterns.values()) == 8 * len(tree.split())


def test_a_split_without_classes_beside_one_with_them():
    # As Tiny ImageNet has them
    places = given(read("train/n01/images train/n02/images val/images test/images"))

    assert places["train/n01/images"] == "train n01"
    assert places["val/images"] == "val -" and places["test/images"] == "test -"

    # As PACS has them: what one split calls a class is one in each
    places = given(read("train/photo train/sketch test/photo"))
    assert places["test/photo"] == "test photo"


def test_folders_that_hold_the_same_classes_are_said():
    layout = read("amazon/mouse amazon/mug dslr/mouse dslr/mug")

    assert len(layout.remarks) == 1
    assert "'amazon', 'dslr' hold the same folders, 'mouse', 'mug'" in layout.remarks[0]
    assert "LAYOUT=class" in layout.remarks[0]


def test_an_archive_that_holds_its_splits_twice():
    """xray/{train,test} and once more in xray/xray, as a well-known download has."""
    tree = "x/train/n x/train/p x/test/n x/x/train/n x/x/train/p x/x/test/n"

    layout = read(tree)

    assert layout.patterns == {"*/split/class": 24, "*/*/split/class": 24}
    assert given(layout)["x/x/train/p"] == "train p"


def test_folders_beside_splits_are_splits_and_that_is_said():
    layout = read("train/cat train/dog test/cat extra")

    assert given(layout)["extra"] == "extra -"
    (said,) = layout.remarks
    assert "'extra', beside 'test', 'train', is taken for a split too" in said


def test_many_images_in_two_splits_outweigh_a_few_other_folders():
    layout = read("train:900 test:90 docs:2 assets:1 figures:3 icons:4 logos:1")

    assert given(layout)["train"] == "train -"


def test_loose_files_beside_folders_have_neither_split_nor_class():
    assert given(read(".:99 cat dog")) == {".": "- -", "cat": "- cat", "dog": "- dog"}
    assert given(read(".:99 train test"))["train"] == "train -"
    assert given(read(".:2 train/cat train/dog train:3"))["train"] == "train -"


def test_one_split_name_alone_is_a_class_and_a_person_is_asked():
    layout = read("bus car plane train/steam")

    assert given(layout)["train/steam"] == "- train"
    assert layout.alike == {("train", "steam"): ("train",)}
    (said,) = layout.remarks
    assert "'train' is called like a split beside 'bus', 'car', 'plane'" in said
    assert "SPLITS=train,bus" in said


def test_names_that_differ_in_case_are_one_split_but_two_classes():
    layout = read("a/Train/Cat a/test/cat b/train/cat b/test/dog")

    assert {place.split for place in layout.places.values()} == {"Train", "test"}
    assert "'Cat', 'cat' differ only in case" in layout.remarks[0]
    blanks = understand({("big dog",): 1, ("big\N{NO-BREAK SPACE}dog ",): 1})
    assert "differ only" in blanks.remarks[0]


def test_folds_with_splits_inside_are_said_to_cross():
    layout = read("fold1/train fold1/test fold2/train fold2/test")

    assert given(layout)["fold2/test"] == "test -"
    assert "'fold1', 'fold2' look like the folds" in layout.remarks[0]


SAID = [
    ("seg_a/x seg_b/x", {"splits": "train=seg_a,test=seg_b"}, "train x"),
    ("a/x b/x c/x", {"splits": "a,b"}, "a x"),
    ("d/a/x d/b/x", {"splits": "t=d/a,v=d/b"}, "t x"),
    ("a b c", {"splits": "train=a,train=b,test=c"}, "train -"),
    ("train/x test/x", {"splits": "none"}, "- train"),
    ("train/x test/x", {"splits": "NONE", "classes": "none"}, "- -"),
    ("train/x test/x", {"classes": "none"}, "train -"),
    ("train/x test/x", {"layout": "*/class"}, "- x"),
    ("train/x test/x", {"layout": "flat"}, "- -"),
    ("train/x test/x", {"layout": "Class"}, "- train"),
    ("a/b/c", {"layout": "class/*/split"}, "c a"),
    ("a/b/c", {"layout": "split/class/*"}, "a b"),
    ("a/b/c", {"layout": "/a/class/"}, "- b"),
    ("a/b", {"layout": "split", "splits": "train=a"}, "train -"),
    ("bus train test", {"classes": "bus,train,test"}, "- bus"),
    ("x/bus x/car x/train", {"classes": "bus,train"}, "- bus"),
    ("train/a/cat test/b/cat", {"classes": "cat"}, "train cat"),
    ("a/cat a/dog", {"layout": "*/class", "classes": "cat"}, "- cat"),
]


@pytest.mark.parametrize(("tree", "said", "first"), SAID)
def test_what_a_person_says_counts(tree, said, first):
    assert given(read(tree, **said))[first_of(tree)] == first


def test_what_was_not_named_has_no_split_but_its_class():
    layout = read("a/x b/x c/x", splits="train=a,test=b")

    assert given(layout)["c/x"] == "- x"


def test_folders_that_no_longer_count_as_splits_are_remembered_as_alike():
    layout = read("train/x test/x", splits="none")

    assert layout.alike == {
        ("train", "x"): ("train",),
        ("test", "x"): ("test",),
    }
    # Whoever said so needs no advice
    assert "SPLITS=" not in "".join(layout.remarks)
    assert read("train/x test/x").alike == {}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"layout": "splits/class"}, "LAYOUT=splits/class fits no image"),
        ({"layout": "*/*/*/class"}, "fits no image"),
        ({"layout": "split/split"}, "says 'split' twice"),
        ({"layout": "class", "splits": "train"}, "has no splits, but SPLITS"),
        ({"layout": "split", "classes": "x"}, "has no classes, but CLASSES"),
        ({"splits": "train=gone"}, "'gone', but there is none with images"),
        ({"splits": "train="}, "cannot be read at 'train='"),
        ({"splits": "a=x", "layout": "split/class"}, "where the layout says 'split'"),
        ({"classes": "cat,gone"}, "CLASSES names 'cat'"),
    ],
)
def test_what_fits_no_folder_is_an_error_in_a_sentence(said, words):
    with pytest.raises(InputError, match="^[A-Z].*[.]$") as caught:
        read("train/x test/x", **said)

    assert words in str(caught.value)


def test_an_empty_text_leaves_it_to_the_names():
    assert parse_choices(" ", "", "") == Choices()


def test_a_path_of_two_thousand_folders_and_a_level_of_many_classes():
    deep = {("d",) * 2_000: 2, ("e",): 1}
    wide = {(f"test {number}",): 1 for number in range(2_000)}
    wide |= {(f"class {number}",): 2 for number in range(2_000)}

    assert understand(deep).places["e",] == Place(None, "e", ("class",))
    assert len(understand(wide).places) == 4_000


def test_folders_below_the_classes_are_named_with_what_to_do():
    tree = " ".join(
        f"shop/{split}/{path}"
        for split in ("train", "test")
        for path in ("fruit/apple/gala fruit/kiwi veg/leek veg/beet").split()
    )
    found = read(tree)

    assert [*found.patterns] == ["*/split/class"]
    (remark,) = found.remarks
    assert "The folders of 'fruit', 'veg' hold 4 folders, 'apple', 'beet'" in remark
    assert remark.endswith("LAYOUT=*/split/*/class")
    said = read(tree, layout="*/split/*/class")
    assert said.remarks == ()
    labels = {place.label for place in said.places.values()}
    assert labels == {"apple", "kiwi", "leek", "beet"}


@pytest.mark.parametrize(
    "tree",
    ["cat/front cat/back dog/front dog/back owl/front owl/back", "cat dog", "train/a"],
)
def test_views_below_the_classes_are_not_remarked_on(tree):
    assert read(tree).remarks == ()
