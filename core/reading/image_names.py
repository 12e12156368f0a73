"""Which files are images: by their names, or else by their first bytes."""

from __future__ import annotations

import os

from .files import first_bytes
from .formats import format_of

_DECODED = ".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .dib .tif .tiff"
# Listed all the same, so that the scan can say why they have no findings
_NOT_DECODED = (
    ".heic .heif .avif .jp2 .j2k .jxl .psd .svg .ico .tga .ppm .pgm .pbm "
    ".raw .cr2 .cr3 .nef .arw .dng .eps"
)
_VIDEOS = (
    ".mp4 .m4v .mov .qt .3gp .avi .mkv .webm .mpg .mpeg .mpe .m2v .m2ts .mts .ts .vob "
    ".wmv .asf .flv .ogv .mxf"
)
_TEXT = (
    ".txt .xml .json .jsonl .csv .tsv .md .yaml .yml .html .htm .names .cfg .log .rst"
)
# Not worth opening: there may be as many of them as images
_OTHER = (
    ".npy .npz .pkl .pt .pth .h5 .hdf5 .mat .parquet .tfrecord .lmdb .onnx .zip .tar "
    ".gz .tgz .bz2 .xz .7z .rar .mp3 .wav .pdf .py .pyc "
    ".ipynb .db .ini .lnk .url .sh .bat .exe .dll .so"
)
IMAGE_SUFFIXES = frozenset(f"{_DECODED} {_NOT_DECODED}".split())
_TEXT_SUFFIXES, _OTHER_SUFFIXES = frozenset(_TEXT.split()), frozenset(_OTHER.split())
VIDEO_SUFFIXES = frozenset(_VIDEOS.split())
TEXT_FILES, OTHER_FILES, VIDEOS = "text and label files", "other files", "videos"

_BMP_HEADER_BYTES = (12, 40, 52, 56, 64, 108, 124)
_LONGEST = 32


def kind_of_other_file(path: str) -> str | None:
    """Returns what a file is that is no image; None for an image.

    Files with a suffix of another kind are not opened; those without one, or with
    one that says nothing (``.jpg_large``, ``.jpeg?w=200``), are asked for their
    first bytes.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix in IMAGE_SUFFIXES:
        return None
    if suffix in VIDEO_SUFFIXES:
        return VIDEOS
    if suffix in _TEXT_SUFFIXES:
        return TEXT_FILES
    if suffix in _OTHER_SUFFIXES or not starts_like_an_image(path):
        return OTHER_FILES
    return None


def starts_like_an_image(path: str) -> bool:
    """True if a file's first bytes are those of an image format."""
    start = first_bytes(os.fsencode(path), _LONGEST)
    name = format_of(start)
    if name == "BMP":
        # Two letters alone may begin a text
        return int.from_bytes(start[14:18], "little") in _BMP_HEADER_BYTES
    return name is not None
