"""Reads damaged files of every kind: ``fuzz_reading.py SECONDS FOLDER SEED``.

Runs in a process of its own, so that a crash, a hang and a word on the terminal
are seen. The bytes at hand lie in FOLDER when it ends badly; how many were read
stands there when it ends well.
"""

import faulthandler
import io
import itertools
import random
import sys
import time
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from core.reading.decode import WHOLE, DecodedImage, decode_image
from core.reading.files import ReadFailure

HANG_SECONDS = 30
MAX_MEGAPIXELS = 4
KINDS = (
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "RGB", {"restart_marker_rows": 1, "subsampling": 0}),
    ("JPEG", "L", {"optimize": True}),
    ("JPEG", "CMYK", {"progressive": True}),
    ("JPEG", "RGB", {"exif": True}),
    ("MPO", "RGB", {"save_all": True}),
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("PNG", "P", {"transparency": 3}),
    ("PNG", "I;16", {}),
    ("PNG", "1", {}),
    ("PNG", "RGB", {"save_all": True}),
    ("GIF", "P", {"save_all": True}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("WEBP", "RGB", {}),
    ("WEBP", "RGB", {"save_all": True}),
    ("BMP", "RGB", {}),
    ("BMP", "P", {}),
    ("TIFF", "RGB", {}),
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "RGB", {"compression": "tiff_lzw", "save_all": True}),
    ("TIFF", "RGBA", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "I;16", {}),
    ("TIFF", "F", {"compression": "tiff_lzw"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("AVIF", "RGB", {}),
    ("JPEG2000", "RGB", {}),
    ("JPEG2000", "I;16", {}),
)


def whole_files(chance: random.Random) -> list[bytes]:
    """Returns a file of each kind that this Pillow writes."""
    Image.init()
    return [
        written(form, mode, dict(options), chance)
        for form, mode, options in KINDS
        if form in Image.SAVE
    ]


def written(form: str, mode: str, options: dict, chance: random.Random) -> bytes:
    noise = np.random.default_rng(chance.randrange(2**32))
    first, second = (picture(noise, mode) for _ in range(2))
    if options.get("save_all"):
        options["append_images"] = [second]
    if options.pop("exif", False):
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "maker"
        options["exif"] = exif
    buffer = io.BytesIO()
    first.save(buffer, form, **options)
    return buffer.getvalue()


def picture(noise: np.random.Generator, mode: str) -> Image.Image:
    pixels = noise.integers(0, 256, (6, 8, 3), np.uint8)
    rgb = Image.fromarray(pixels).resize((80, 60), Image.Resampling.BICUBIC)
    if mode in ("I;16", "F"):
        gray = np.asarray(rgb.convert("L"))
        deep = gray.astype(np.uint16) * 257 if mode == "I;16" else gray / np.float32(9)
        return Image.fromarray(deep)
    return rgb.convert(mode)


def damaged(content: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """Returns the bytes with one to four kinds of damage, most of them small."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        if not data:
            break
        # Headers decide most, so half of all damage lies at the start
        reach = len(data) if chance.random() < 0.5 else min(len(data), 200)
        place, length = chance.randrange(reach), chance.choice((1, 2, 4, 40, 400))
        match chance.randrange(8):
            case 0 | 1:
                data[place] ^= 1 << chance.randrange(8)
            case 2:
                data[place : place + length] = chance.randbytes(length)
            case 3:
                del data[place : place + length]
            case 4:
                value = chance.choice((b"\0", b"\xff", b"\x7f", b"\x80"))
                data[place : place + length] = value * length
            case 5:
                data[place:place] = data[place : place + length]
            case 6:
                del data[place:]
            case 7:
                other = chance.choice(others)
                at = chance.randrange(len(other))
                data[place : place + length] = other[at : at + length]
    return bytes(data)


def read(data: bytes) -> None:
    """Reads bytes as a scan does, and asks for all that it asks for."""
    image = decode_image(data, side=16, max_megapixels=MAX_MEGAPIXELS)
    assert isinstance(image, DecodedImage | ReadFailure), image
    if isinstance(image, DecodedImage):
        assert image.square(16).shape == (16, 16, 3)
        assert max(image.gray().shape) <= 256
        again = decode_image(data, side=16, max_megapixels=MAX_MEGAPIXELS)
        same = again.picture_digest == image.picture_digest
        assert same or _shows_memory(data), "not the same twice"
    whole = decode_image(data, side=WHOLE, max_megapixels=MAX_MEGAPIXELS)
    assert isinstance(whole, DecodedImage | ReadFailure), whole


def _shows_memory(data: bytes) -> bool:
    """True for a TIFF read by a libtiff that leaves rows of a damaged fax unwritten."""
    is_tiff = data[:2] in (b"II", b"MM")
    return is_tiff and int(PIL.__version__.split(".")[0]) < 13


def main(seconds: float, folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    files = whole_files(chance)
    for content in files:
        read(content)
    at_hand = folder / "at_hand"
    for count in itertools.count():
        if time.process_time() > seconds:
            (folder / "count").write_text(str(count))
            at_hand.unlink(missing_ok=True)
            return
        data = damaged(files[count % len(files)], files, chance)
        at_hand.write_bytes(data)
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        read(data)
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(float(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
