"""A folder of good pictures with files among them that no decoder should pass."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

_OF_EACH = 3
_GOOD = 60


def _png(jpeg: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        image.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def _damaged(data: bytes) -> bytes:
    """Inverts 40 bytes in the middle, where the compressed pixels stand."""
    middle = len(data) // 2
    return (
        data[:middle]
        + bytes(b ^ 255 for b in data[middle : middle + 40])
        + data[middle + 40 :]
    )


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "empty.jpg": lambda jpeg: b"",
    "header.jpg": lambda jpeg: jpeg[:300],
    "half.jpg": lambda jpeg: jpeg[: len(jpeg) // 2],
    "end.jpg": lambda jpeg: jpeg[:-200],
    "text.jpg": lambda jpeg: b"no picture, but a line of text\n" * 40,
    "page.png": lambda jpeg: b"<html><body>404 not found</body></html>" * 20,
    "half.png": lambda jpeg: _png(jpeg)[: len(_png(jpeg)) // 2],
    "damaged.png": lambda jpeg: _damaged(_png(jpeg)),
}


def make_broken_folder(folder: Path, good: Sequence[str]) -> set[str]:
    """Writes 60 good JPEGs and three files a way of being broken.

    Args:
        folder: to make
        good: JPEG files to take the pictures from, at least 84

    Returns:
        the paths of the broken files
    """
    folder.mkdir(parents=True, exist_ok=True)
    broken = set()
    for number, path in enumerate(good[:_GOOD]):
        (folder / f"good_{number}.jpg").write_bytes(Path(path).read_bytes())
    rest = iter(good[_GOOD:])
    for name, spoil in WAYS.items():
        for number in range(_OF_EACH):
            target = folder / f"{number}_{name}"
            target.write_bytes(spoil(Path(next(rest)).read_bytes()))
            broken.add(str(target))
    return broken
