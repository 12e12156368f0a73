import io
import os
import threading
import time
from functools import lru_cache

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from skimage import data

from core.copy_detection import (
    MIN_COPY_SCORE,
    NO_RELATION,
    SIGNATURE_BYTES,
    SIGNATURE_SIDE,
    relation_bits,
    relation_names,
    signatures,
    turned_candidates,
    verify_pairs,
)
from core.copy_detection import coarse_alignment as coarse
from core.copy_detection import verify as verification
from core.copy_detection.relations import changed_at_once
from core.copy_detection.verify import narrowly_copies

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "motorcycle", "retina")
SIDE = 150


@lru_cache
def photo(name):
    loaded = getattr(data, "stereo_motorcycle" if name == "motorcycle" else name)()
    pixels = loaded[0] if name == "motorcycle" else loaded
    return ImageOps.fit(Image.fromarray(pixels), (SIDE, SIDE))


def as_jpeg(image, quality):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def scaled(image, factor):
    return image.resize((round(image.width * factor), round(image.height * factor)))


def cropped(image, share, left=0.0, top=0.0):
    width, height = image.size
    box = (left * width, top * height, (left + share) * width, (top + share) * height)
    return image.crop(tuple(round(edge) for edge in box))


def captioned(image):
    image = image.copy()
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 128, 100, 144), fill=(255, 255, 255))
    draw.text((14, 130), "a caption", fill=(160, 0, 0))
    return image


def gamma(image, power):
    return image.point(
        [round(255 * (level / 255) ** power) for level in range(256)] * 3
    )


def noisy(image, sigma):
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(1).normal(0, sigma, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


AUGMENTATIONS = {
    "jpeg 30": (lambda image: as_jpeg(image, 30), "re-encoded"),
    "jpeg 60": (lambda image: as_jpeg(image, 60), "re-encoded"),
    "noise": (lambda image: noisy(image, 8), "re-encoded"),
    "half size": (lambda image: scaled(image, 0.5), "resized"),
    "double size": (lambda image: scaled(image, 2), "resized"),
    "crop of 0.9": (lambda image: cropped(image, 0.9, 0.05, 0.1), "cropped"),
    "crop of 0.8": (lambda image: cropped(image, 0.8, 0.2, 0), "cropped"),
    "mirrored": (ImageOps.mirror, "mirrored"),
    "upside down, mirrored": (ImageOps.flip, "mirrored"),
    "turned by 90": (lambda image: image.rotate(90), "rotated"),
    "turned by 180": (lambda image: image.rotate(180), "rotated"),
    "turned by 270, jpeg": (lambda image: as_jpeg(image.rotate(270), 60), "rotated"),
    "turned by 5": (lambda image: image.rotate(5, Image.Resampling.BICUBIC), "rotated"),
    "gray": (lambda image: ImageOps.grayscale(image).convert("RGB"), "color-changed"),
    "darker": (lambda i: ImageEnhance.Brightness(i).enhance(0.7), "color-changed"),
    "contrast": (lambda i: ImageEnhance.Contrast(i).enhance(0.6), "color-changed"),
    "gamma": (lambda image: gamma(image, 0.6), "color-changed"),
    "blurred": (lambda i: i.filter(ImageFilter.GaussianBlur(2)), "blurred"),
    "captioned": (captioned, "edited"),
}


def described(images):
    """Returns signatures and sizes."""
    squares = [
        cv2.resize(
            np.asarray(image.convert("RGB")),
            (SIGNATURE_SIDE, SIGNATURE_SIDE),
            interpolation=cv2.INTER_AREA,
        )
        for image in images
    ]
    sizes = np.array([image.size for image in images], np.int32).reshape(-1, 2)
    return signatures(np.array(squares, np.uint8)), sizes


def check(images, pairs):
    signature, sizes = described(images)
    return verify_pairs(signature, np.array(pairs, np.int32).reshape(-1, 2), sizes)


def all_pairs(count):
    return [(a, b) for b in range(count) for a in range(b)]


@pytest.mark.parametrize("change", AUGMENTATIONS)
def test_a_changed_copy_is_found_and_the_change_is_named(change):
    make, relation = AUGMENTATIONS[change]
    originals = [photo(name) for name in PHOTOS]
    images = originals + [make(image) for image in originals]

    checks = check(images, [(i, i + len(PHOTOS)) for i in range(len(PHOTOS))])

    found = checks.scores >= MIN_COPY_SCORE
    named = checks.relations == relation_bits(relation)
    # A caption is the hardest: series of pictures differ by no more than that
    assert found.mean() >= (1 / 3 if change == "captioned" else 5 / 6)
    assert named[found].mean() >= 0.5
    assert (checks.relations[~found] == NO_RELATION).all()


def test_each_of_several_changes_is_named():
    originals = [photo(name) for name in PHOTOS]
    crop, darker, small = (
        AUGMENTATIONS[name][0] for name in ("crop of 0.8", "darker", "half size")
    )
    images = originals + [small(darker(crop(image))) for image in originals]

    checks = check(images, [(i, i + len(PHOTOS)) for i in range(len(PHOTOS))])

    named = checks.relations[checks.scores >= MIN_COPY_SCORE].tolist()
    assert len(named) >= 4
    names = [relation_names(bits) for bits in named]
    assert names.count("cropped, color-changed, resized") >= len(names) - 1


def test_different_photographs_are_no_copies_whatever_was_done_to_them():
    originals = [photo(name) for name in PHOTOS]
    changed = [
        make(image)
        for image, (make, _) in zip(originals * 4, AUGMENTATIONS.values(), strict=False)
    ]
    images = originals + changed
    source = [i % len(PHOTOS) for i in range(len(images))]
    pairs = [(a, b) for a, b in all_pairs(len(images)) if source[a] != source[b]]

    checks = check(images, pairs)

    assert (checks.scores < MIN_COPY_SCORE).all()
    assert (checks.relations == NO_RELATION).all()


def test_two_parts_of_one_photograph_that_overlap_are_no_copies():
    whole = Image.fromarray(data.astronaut())
    parts = [cropped(whole, 0.5, x, y) for x, y in ((0, 0), (0.2, 0), (0, 0.25))]

    checks = check(parts, all_pairs(3))

    assert (checks.scores < MIN_COPY_SCORE).all()


def test_frames_that_only_overlap_are_no_copies():
    # Two plains and an edge: one frame moved along lies on the other perfectly
    y, x = np.mgrid[:400, :400]
    slope = x * 0.25 + y * 0.1
    upper = np.stack([60 + slope * 0.6, 40 + slope * 0.5, 120 + slope * 0.3], axis=-1)
    lower = np.stack([250 - slope * 0.5, 200 - slope * 0.3, 150 - slope * 0.2], axis=-1)
    scene = np.where((y < 200 + 0.1 * x)[..., None], upper, lower).astype(np.uint8)
    places = [(0.1, 0.35), (0.05, 0.5), (0.15, 0.2), (0.3, 0.2)]
    parts = [cropped(Image.fromarray(scene), 0.45, *place) for place in places]

    checks = check(parts, all_pairs(len(parts)))

    assert (checks.scores < MIN_COPY_SCORE).all()


def test_a_turned_and_cropped_copy_scores_the_same_whichever_comes_first():
    originals = [photo(name) for name in PHOTOS]
    changed = [cropped(image, 0.85, 0.1, 0.05).rotate(90) for image in originals]
    pairs = [(i, i + len(PHOTOS)) for i in range(len(PHOTOS))]

    after = check(originals + changed, pairs).scores
    before = check(changed + originals, pairs).scores

    assert (after > 0.1).all()
    assert np.allclose(before, after, atol=0.05)


def sky(top, bottom):
    rows = np.linspace(top, bottom, SIDE)[:, None, :]
    noise = np.random.default_rng(sum(top)).normal(0, 2, (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(rows + noise, 0, 255).astype(np.uint8))


def test_two_blank_skies_are_no_copies():
    skies = [
        sky((90, 140, 220), (180, 205, 240)),
        sky((80, 130, 215), (190, 210, 245)),
        sky((100, 150, 225), (200, 220, 250)),
    ]

    assert (check(skies, all_pairs(3)).scores < MIN_COPY_SCORE).all()


def icon(background, ink):
    image = Image.new("RGB", (SIDE, SIDE), background)
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 30, 120, 120), fill=ink)
    draw.polygon([(75, 45), (105, 95), (45, 95)], fill=background)
    return image


def test_recolored_icons_are_no_copies():
    white = (255, 255, 255)
    colors = [(200, 30, 30), (30, 150, 40), (40, 60, 200), (220, 170, 20)]
    icons = [icon(white, ink) for ink in colors]
    icons += [
        icon(ground, (60, 60, 60)) for ground in ((250, 230, 190), (190, 220, 250))
    ]

    assert (check(icons, all_pairs(len(icons))).scores < MIN_COPY_SCORE).all()


def test_blank_pictures_score_nothing_even_when_they_are_equal():
    blank = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))

    assert check([blank, blank], [(0, 1)]).scores[0] < MIN_COPY_SCORE


def test_neither_the_order_of_a_pair_nor_of_the_pairs_matters():
    images = [photo(name) for name in PHOTOS]
    images += [cropped(image, 0.85, 0.1, 0.05) for image in images]
    pairs = np.array(all_pairs(len(images)), np.int32)

    forward = check(images, pairs)
    backward = check(images, pairs[::-1, ::-1])

    assert np.array_equal(forward.scores, backward.scores[::-1])
    assert np.array_equal(forward.relations, backward.relations[::-1])


@pytest.mark.slow
def test_a_pair_scores_the_same_alone_and_among_others():
    images = [photo(name) for name in PHOTOS]
    images += [image.rotate(4, Image.Resampling.BICUBIC) for image in images]
    pairs = all_pairs(len(images))

    together = check(images, pairs).scores
    alone = [check(images, [pair]).scores[0] for pair in pairs]

    assert np.allclose(together, alone, atol=1e-3)


def test_pairs_score_the_same_in_however_small_parts(monkeypatch):
    picture, other = photo("coffee"), photo("rocket")
    images = [picture, other, cropped(picture, 0.9), cropped(other, 0.8, 0.1)]
    images += [ImageOps.expand(one, 20) for one in images]
    together = check(images, all_pairs(len(images)))

    monkeypatch.setattr(coarse, "_AT_ONCE", 3)
    monkeypatch.setattr(verification, "_OVERLAID_AT_ONCE", 2)
    in_parts = check(images, all_pairs(len(images)))

    assert (together.scores >= MIN_COPY_SCORE).sum() >= 4
    assert np.array_equal(together.scores, in_parts.scores)
    assert np.array_equal(together.relations, in_parts.relations)


@pytest.mark.slow
def test_processes_say_what_this_process_says(answers_of_workers, monkeypatch):
    images = [photo(name) for name in PHOTOS]
    images += [cropped(image, 0.85, 0.1, 0.05) for image in images]
    signature, sizes = described(images)
    pairs = np.array(all_pairs(len(images)) * 50, np.int32)
    damaged = np.arange(len(images)) == 3
    here = verify_pairs(signature, pairs, sizes, damaged=damaged)
    monkeypatch.setattr(verification, "_PAIRS_A_PROCESS", len(pairs) // 3)

    shared = verify_pairs(signature, pairs, sizes, damaged=damaged)

    assert len(answers_of_workers) > 1
    assert all(answers_of_workers)
    assert (here.scores >= MIN_COPY_SCORE).sum() >= 5 * 50
    for one, other in zip(here.columns(), shared.columns(), strict=True):
        assert np.array_equal(one, other)


def test_no_pairs_are_no_trouble():
    checks = check([photo("coffee")], [])

    assert checks.scores.shape == checks.relations.shape == (0,)


def test_progress_counts_every_pair_and_may_cancel():
    signature, sizes = described([photo(name) for name in PHOTOS])
    pairs = np.array(all_pairs(len(PHOTOS)) * 300, np.int32)
    seen, threads = [], []

    def note(progress):
        seen.append(progress.done)
        threads.append(threading.current_thread())

    verify_pairs(signature, pairs, sizes, on_progress=note)

    assert seen == sorted(set(seen))
    assert len(seen) > 2
    assert seen[-1] == len(pairs)
    assert set(threads) == {threading.current_thread()}
    with pytest.raises(KeyboardInterrupt):
        verify_pairs(signature, pairs, sizes, on_progress=_cancel)


def _cancel(progress):
    raise KeyboardInterrupt


def test_after_a_cancel_nothing_is_compared_though_the_error_is_held(monkeypatch):
    signature, sizes = described([photo(name) for name in PHOTOS])
    pairs = np.array(all_pairs(len(PHOTOS)) * 600, np.int32)
    compared = []
    check_batch = verification._check

    def check(*args):
        compared.append(args)
        return check_batch(*args)

    monkeypatch.setattr(verification, "_check", check)

    with pytest.raises(KeyboardInterrupt) as held:
        verify_pairs(signature, pairs, sizes, on_progress=_cancel)
    by_then = len(compared)
    time.sleep(0.3)

    assert held.traceback
    assert by_then == len(compared) < 8


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="the system cannot be told"
)
def test_the_number_of_processors_changes_nothing():
    images = [photo(name) for name in PHOTOS]
    images += [cropped(image, 0.85, 0.1, 0.05) for image in images]
    signature, sizes = described(images)
    pairs = np.array(all_pairs(len(images)) * 50, np.int32)
    ours = os.sched_getaffinity(0)

    together = verify_pairs(signature, pairs, sizes)
    os.sched_setaffinity(0, {min(ours)})
    try:
        alone = verify_pairs(signature, pairs, sizes)
    finally:
        os.sched_setaffinity(0, ours)

    assert np.array_equal(together.scores, alone.scores)
    assert np.array_equal(together.relations, alone.relations)


def test_a_signature_is_small_and_shows_the_whole_picture():
    mirrored = ImageOps.mirror(photo("coffee"))

    straight, turned = described([photo("coffee"), mirrored])[0]

    assert straight.dtype == np.uint8
    assert straight.shape == (SIGNATURE_BYTES,)
    gray = straight[:4096].reshape(64, 64).astype(int)
    assert np.abs(gray - turned[:4096].reshape(64, 64)[:, ::-1]).max() <= 1


def test_turned_copies_are_proposed_without_the_embedding():
    turns = [
        lambda image: image.rotate(90),
        lambda image: image.rotate(180),
        lambda image: as_jpeg(image.rotate(270), 50),
        ImageOps.mirror,
        ImageOps.flip,
        lambda image: as_jpeg(image.transpose(Image.Transpose.TRANSPOSE), 60),
    ]
    originals = [photo(name) for name in PHOTOS]
    images = originals + [
        turn(image) for turn, image in zip(turns, originals, strict=True)
    ]

    pairs = turned_candidates(described(images)[0])

    assert pairs.dtype == np.int32
    assert pairs.tolist() == [[i, i + len(PHOTOS)] for i in range(len(PHOTOS))]


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_blank_pictures_propose_nothing(count):
    blank = [Image.new("RGB", (SIDE, SIDE), (c, c, c)) for c in range(count)]

    signature = described(blank)[0] if count else np.zeros((0, SIGNATURE_BYTES), "u1")

    assert turned_candidates(signature).shape == (0, 2)


def test_many_equal_pictures_propose_few_pairs_each():
    signature = np.repeat(described([photo("rocket")])[0], 300, axis=0)

    assert 0 < len(turned_candidates(signature)) <= 300 * 6


def test_what_is_moved_and_changed_at_once_is_told_apart():
    relations = np.array(
        [
            relation_bits("rotated", "edited"),
            relation_bits("edited", "color-changed"),
            relation_bits("framed", "cropped"),
            relation_bits("cropped", "resized"),
            relation_bits("color-changed", "re-encoded"),
        ],
        np.int16,
    )

    several, moved = changed_at_once(relations)

    assert several.tolist() == [True, True, True, False, False]
    assert moved.tolist() == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("changes", "tones", "bounds"),
    [
        (("rotated", "edited"), 1.5, (0.93, 0.95)),
        (("edited", "color-changed"), 2.6, (0.95, 0.97)),
        (("edited",), 2.8, (0.93, 0.95)),
        (("edited", "color-changed"), 2.3, (0.5, 0.61)),
    ],
)
def test_a_narrow_copy_has_bounds_by_what_differs_and_what_it_shows(
    changes, tones, bounds
):
    evidence = {"tones": np.full(2, tones)}
    relations = np.full(2, relation_bits(*changes), np.int16)

    found = narrowly_copies(np.array(bounds), evidence, relations)

    # Below the bound a look must confirm it; what is refused anyhow needs none
    assert found.tolist() == [bounds[0] >= MIN_COPY_SCORE, False]
