import cv2
import numpy as np
import pytest

from core.copy_detection.augmentations import AUGMENTATIONS, augmented_copies
from core.reading.decode import DecodedImage, decode_image


@pytest.fixture
def picture(draw):
    return np.asarray(draw(4, side=96).resize((120, 90)))


def decoded(files):
    images = [decode_image(data, side=64, max_megapixels=1) for data in files]
    assert all(isinstance(image, DecodedImage) for image in images)
    return dict(zip(AUGMENTATIONS, (image.stored for image in images), strict=True))


def apart(one, other):
    return float(np.abs(one.astype(float) - other).mean())


def test_each_copy_is_what_its_name_says(picture):
    copies = decoded(augmented_copies(picture, 1))

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
    for name, copy in decoded(augmented_copies(picture, 1)).items():
        if copy.shape == picture.shape:
            assert apart(copy, picture) > 1, name


def test_the_same_seed_gives_the_same_files_and_another_others(picture):
    assert augmented_copies(picture, 7) == augmented_copies(picture, 7)
    assert augmented_copies(picture, 7) != augmented_copies(picture, 8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2), (400, 2)])
def test_the_smallest_pictures_can_be_changed(shape):
    picture = np.full((*shape, 3), 99, np.uint8)

    assert len(decoded(augmented_copies(picture, 0))) == len(AUGMENTATIONS)


def test_the_picture_is_left_alone(picture):
    before = picture.copy()

    augmented_copies(picture, 3)

    assert np.array_equal(picture, before)
