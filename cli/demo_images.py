"""Makes the folder that ``make scan`` uses when it is given none.

A few hundred pictures are cut from photographs that ship inside packages we
depend on (scikit-image, scikit-learn), and problems are planted among them:
copies, wrong labels, leaks, outliers, dark, bright and blurred pictures, and
files that cannot be read. Nothing of it is committed or downloaded; the
photographs' own licenses (public domain, CC0 and CC BY) stand in the
packages' README files.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from importlib import resources
from pathlib import Path

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

_SIDE = 128
_SEED = 5
_PHOTOS = {
    "building": ("sklearn.datasets.images", ["china.jpg"]),
    "cat": ("skimage.data", ["chelsea.png"]),
    "coffee": ("skimage.data", ["coffee.png"]),
    "dahlia": ("sklearn.datasets.images", ["flower.jpg"]),
    "eye": ("skimage.data", ["retina.jpg"]),
    "galaxy": ("skimage.data", ["hubble_deep_field.jpg"]),
    "grass": ("skimage.data", ["grass.png"]),
    "motorcycle": ("skimage.data", ["motorcycle_left.png"]),
    "spaceflight": ("skimage.data", ["astronaut.png", "rocket.jpg"]),
    "stones": ("skimage.data", ["gravel.png", "brick.png"]),
}
_OTHER_SUBJECTS = ("page.png", "text.png", "horse.png", "color.png", "ihc.png")
_TILES_A_CLASS = 36
_SPLITS = ("train",) * 6 + ("valid",) * 2 + ("test",) * 2


def make_demo_images(folder: Path) -> Path:
    """Writes the pictures and ``planted.json``, what is wrong where.

    Does nothing if they are there already. The result is the same each time.
    """
    if not (folder / "planted.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as part:
            _make(Path(part) / "demo")
            try:
                (Path(part) / "demo").rename(folder)
            except OSError as error:
                # Never ours to empty: it may be anything
                raise SystemExit(
                    f"{folder} is there and is not a demo ({error.strerror}). Remove "
                    "it, or give another folder."
                ) from None
    return folder / "images"


def _make(folder: Path) -> None:
    rng = random.Random(_SEED)
    planted: dict[str, list[object]] = {}
    images = folder / "images"
    paths = _write_tiles(images, rng)
    rng.shuffle(paths)
    _plant_copies(images, paths[:30], planted, rng)
    _plant_wrong_labels(images, paths[30:40], planted, rng)
    _plant_bad_light(images, paths[40:52], planted)
    _plant_outliers(images, planted)
    _plant_unreadable(images, paths[52:54], planted)
    (folder / "planted.json").write_text(
        json.dumps(planted, indent=1), encoding="utf-8"
    )


def _photo(package: str, name: str) -> Image.Image:
    with (resources.files(package) / name).open("rb") as file:
        return Image.open(file).convert("RGB")


def _write_tiles(images: Path, rng: random.Random) -> list[Path]:
    paths = []
    for label, (package, names) in _PHOTOS.items():
        tiles = [tile for name in names for tile in _tiles(_photo(package, name))]
        rng.shuffle(tiles)
        for number, tile in enumerate(tiles[:_TILES_A_CLASS]):
            split = _SPLITS[number % len(_SPLITS)]
            path = images / split / label / f"{label}_{number:02d}.jpg"
            _save(tile, path, quality=rng.randint(85, 95))
            paths.append(path)
    return paths


def _tiles(photo: Image.Image) -> list[Image.Image]:
    """Cuts a photograph into squares that do not overlap."""
    side = max(_SIDE // 2, min(photo.size) // 5)
    return [
        photo.crop((x, y, x + side, y + side)).resize((_SIDE, _SIDE), Image.BICUBIC)
        for y in range(0, photo.height - side + 1, side)
        for x in range(0, photo.width - side + 1, side)
    ]


def _plant_copies(
    images: Path, originals: list[Path], planted: dict, rng: random.Random
) -> None:
    for number, original in enumerate(originals):
        label = original.parent.name
        split = rng.choice(("train", "valid", "test"))
        copy = images / split / label / f"{label}_{number:02d}_again.jpg"
        picture = Image.open(original)
        if number % 3 == 0:
            kind = "bytes"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, copy)
        elif number % 6 == 1:
            kind = "pixels"
            copy = copy.with_suffix(".png")
            _save(picture, copy)
        else:
            kind = "near"
            _save(_EDITS[number % len(_EDITS)](picture), copy, quality=70)
        planted.setdefault("copies", []).append(
            {"of": _name(original, images), "copy": _name(copy, images), "kind": kind}
        )


_EDITS = (
    lambda picture: picture.resize((96, 96), Image.BICUBIC),
    ImageOps.mirror,
    lambda picture: picture.crop((6, 6, _SIDE - 6, _SIDE - 6)),
    lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    ImageOps.grayscale,
)


def _plant_wrong_labels(
    images: Path, paths: list[Path], planted: dict, rng: random.Random
) -> None:
    for path in paths:
        true = path.parent.name
        wrong = rng.choice([label for label in _PHOTOS if label != true])
        moved = path.parent.parent / wrong / path.name
        path.rename(moved)
        planted.setdefault("wrong_labels", []).append(
            {"path": _name(moved, images), "true_label": true}
        )


def _plant_bad_light(images: Path, paths: list[Path], planted: dict) -> None:
    for number, path in enumerate(paths):
        kind, change = _BAD_LIGHT[number % len(_BAD_LIGHT)]
        _save(change(Image.open(path)), path, quality=90)
        planted.setdefault(kind, []).append(_name(path, images))


_BAD_LIGHT = (
    ("dark", lambda picture: ImageEnhance.Brightness(picture).enhance(0.08)),
    (
        "bright",
        lambda picture: Image.blend(
            picture, Image.new("RGB", picture.size, "white"), 0.93
        ),
    ),
    ("blurry", lambda picture: picture.filter(ImageFilter.GaussianBlur(5))),
)


def _plant_outliers(images: Path, planted: dict) -> None:
    for number, name in enumerate(_OTHER_SUBJECTS):
        label = list(_PHOTOS)[number]
        path = images / "train" / label / f"{label}_stranger.jpg"
        _save(ImageOps.fit(_photo("skimage.data", name), (_SIDE, _SIDE)), path)
        planted.setdefault("outliers", []).append(_name(path, images))


def _plant_unreadable(images: Path, originals: list[Path], planted: dict) -> None:
    whole = originals[0].read_bytes()
    folder = images / "train" / "coffee"
    for name, data in (
        ("cut_off.jpg", whole[: len(whole) // 2]),
        ("empty.jpg", b""),
        ("a_text.jpg", b"This is not a picture.\n"),
    ):
        (folder / name).write_bytes(data)
        planted.setdefault("unreadable", []).append(_name(folder / name, images))


def _save(picture: Image.Image, path: Path, **options: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").save(path, **options)


def _name(path: Path, images: Path) -> str:
    return path.relative_to(images).as_posix()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    print(make_demo_images(parser.parse_args().folder))
