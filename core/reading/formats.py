"""Which file formats are read, and names for those that are not."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from PIL import features

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00\x08\x00\x00\x00", "TIFF"),
    (b"MM\x00+\x00\x08\x00\x00", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JXL"),
    (b"\xff\x0a", "JXL"),
)
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

_PLUGINS = {
    "HEIF": ("pillow_heif", "pillow-heif"),
    "JXL": ("pillow_jxl", "pillow-jxl-plugin"),
}
"""Module and package that teach Pillow a format, where a person installed them."""

_OTHER_KINDS = (
    (b"<svg", "SVG; render it to PNG"),
    (b"<?xml", "SVG or XML; render it to PNG"),
    (b"<!doctype html", "a web page, not an image"),
    (b"<html", "a web page, not an image"),
    (b"{", "JSON, not an image"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself"),
    (b"8bps", "Photoshop; export it as PNG or TIFF"),
    (b"%!ps", "PostScript or PDF; export its pictures"),
    (b"%pdf", "PostScript or PDF; export its pictures"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"pk\x03\x04", "a ZIP archive; unpack it"),
    (b"ii\xbc\x01", "JPEG XR; convert it to PNG or TIFF"),
    (b"\x76\x2f\x31\x01", "OpenEXR; convert it to TIFF"),
    (b"#?radiance", "Radiance HDR; convert it to TIFF"),
    (b"simple  =", "FITS; convert it to TIFF"),
    (b"\x00\x00\x01\x00", "an icon (ICO); convert it to PNG"),
    *((b"p%d" % kind, "Netpbm (PPM); convert it to PNG") for kind in range(1, 8)),
)
"""How other kinds begin, in small letters and after white space."""


def format_of(data: bytes) -> str | None:
    """Returns Pillow's name of a format by a file's first bytes; None if unknown."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(data)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    if brands & _HEIF_BRANDS:
        return "HEIF"
    return None


@cache
def why_not_read(format_name: str) -> str | None:
    """Returns why a format is not read on this machine; None if it is."""
    if format_name == "AVIF" and not features.check("avif"):
        return "AVIF, which the installed Pillow does not read; convert it to PNG"
    if format_name == "JPEG2000" and not features.check("jpg_2000"):
        return "JPEG 2000, which the installed Pillow does not read; convert it to PNG"
    if format_name not in _PLUGINS:
        return None
    module, package = _PLUGINS[format_name]
    try:
        plugin = import_module(module)
        if format_name == "HEIF":
            plugin.register_heif_opener()
    # A plugin made for another Pillow raises what it likes
    except Exception:
        name = {"HEIF": "HEIC or HEIF", "JXL": "JPEG XL"}[format_name]
        return f"{name}; install {package}, or convert it to JPEG or PNG"
    return None


def describe_unknown(data: bytes) -> str:
    """Says what a file is that has none of the formats."""
    if data[4:8] == b"ftyp":
        return "a video or another file of the MP4 family, not an image"
    if data[128:132] == b"DICM":
        return "DICOM; export it as PNG or TIFF"
    head = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, name in _OTHER_KINDS:
        if head.startswith(start):
            return name
    return (
        "not a supported image format (JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF, "
        "JPEG 2000)"
    )


def _brands(data: bytes) -> set[bytes]:
    """Returns the brands of an ISO media file (ISO/IEC 14496-12, 4.3)."""
    if data[4:8] != b"ftyp":
        return set()
    size = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))}
