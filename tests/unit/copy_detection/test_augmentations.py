import cv2
import numpy as np
import pytest

from core.copy_detection.augmentations import (
    AUGMENTATIONS,
    COVERED,
    UNCOVERED,
    augmented_copies,
)
from core.reading.decode import DecodedImage, decode_image


@pytest.fixture
def picture(draw):
    return np.asarray(draw(4, side=96).resize((120, 90)))


def as_it_is(picture):
    return picture


def decoded(files):
    alone = files[: len(AUGMENTATIONS)]
    images = [decode_image(data, side=64, max_megapixels=1) for data in alone]
    assert all(isinstance(image, DecodedImage) for image in images)
    return dict(zip(AUGMENTATIONS, (image.stored for image in images), strict=True))


def apart(one, other):
    return float(np.abs(one.astype(float) - other).mean())


def test_each_copy_is_what_its_name_says(picture):
    copies = decoded(augmented_copies(picture, 1, as_it_is))

    assert apart(copies["re-encoded"], picture) < 12
    assert copies["resized"].shape == (45, 60, 3)
    assert copies["cropped"].shape == (81, 108, 3)
    assert apart(copies["mirrored"], picture[:, ::-1]) < 6
    assert copies["turned by 90 degrees"].shape == (120, 90, 3)
    assert copies["turned by 5 degrees"][0, 0].max() < 40
    assert np.ptp(copies["gray"].astype(int), axis=2).max() < 8
    blurred = cv2.Laplacian(copies["blurred"], cv2.CV_64F).var()
    assert blurred < cv2.Laplacian(picture, cv2.CV_64F).var() / 2
    assert abs(copies["lighter or darker"].mean() / picture.mean() - 1) > 0.15
    assert abs(copies["other contrast"].std() / picture.std() - 1) > 0.15
    assert 4 < apart(copies["noisy"], picture) < 16
    bar = copies["captioned"][78:86, 6:76]
    assert bar.mean() > 150 and bar.min() < 100


def test_no_copy_is_the_picture_itself(picture):
    for name, copy in decoded(augmented_copies(picture, 1, as_it_is)).items():
        if copy.shape == picture.shape:
            assert apart(copy, picture) > 1, name


def test_the_same_seed_gives_the_same_files_and_another_others(picture):
    assert augmented_copies(picture, 7, as_it_is) == augmented_copies(
        picture, 7, as_it_is
    )
    assert augmented_copies(picture, 7, as_it_is) != augmented_copies(
        picture, 8, as_it_is
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2), (400, 2)])
def test_the_smallest_pictures_can_be_changed(shape):
    picture = np.full((*shape, 3), 99, np.uint8)

    copies = augmented_copies(picture, 0, as_it_is)

    assert len(decoded(copies)) == len(AUGMENTATIONS)
    assert len(copies) == len(AUGMENTATIONS) + UNCOVERED + COVERED


def test_copies_with_several_changes_differ_from_one_another(picture):
    composed = augmented_copies(picture, 1, as_it_is)[len(AUGMENTATIONS) :]

    assert len(set(composed)) == UNCOVERED + COVERED


def test_copies_are_saved_at_the_size_that_is_asked_for(picture):
    def small(copy):
        return cv2.resize(copy, (32, 24))

    for data in augmented_copies(picture, 1, small):
        assert decode_image(data, side=64, max_megapixels=1).width == 32


def test_the_picture_is_left_alone(picture):
    before = picture.copy()

    augmented_copies(picture, 3, as_it_is)

    assert np.array_equal(picture, before)
