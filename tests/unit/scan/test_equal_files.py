"""Which files are equal, from the disk to the findings."""

import os

import numpy as np
import pytest
from PIL import Image

from core.reading.decode import decode_image
from core.scan.settings import ScanSettings


@pytest.fixture
def jpeg_and_png(tmp_path, draw):
    """A large JPEG, which is decoded reduced, and a PNG of its pixels."""

    jpeg, png = tmp_path / "a.jpg", tmp_path / "a.png"
    draw(77, 1200).save(jpeg, quality=92)
    Image.open(jpeg).save(png)
    return jpeg, png


def test_a_large_jpeg_and_its_lossless_png_have_the_same_pixels(
    scan, pictures, jpeg_and_png, monkeypatch
):
    paths, (jpeg, png) = pictures(12), jpeg_and_png

    findings, _ = scan([*paths, jpeg, png])

    assert findings.columns["dup_kind"][-2:] == ["pixels", "pixels"]
    # They are decoded in full once
    monkeypatch.setattr("core.scan.equal_pixels.decode_image", None)
    again, _ = scan([*paths, jpeg, png])
    assert again.columns == findings.columns


@pytest.mark.slow
def test_pixels_of_a_file_that_changed_meanwhile_are_not_kept(
    scan, pictures, jpeg_and_png, monkeypatch
):

    from core.reading.files import read_file
    from core.scan import equal_pixels

    paths, (jpeg, png) = pictures(12), jpeg_and_png
    pixel = Image.open(png)
    pixel.putpixel((0, 0), tuple(255 - value for value in pixel.getpixel((0, 0))))
    other = paths[0].with_name("other") / "a.png"
    other.parent.mkdir()
    pixel.save(other)

    def swapped(path):
        return read_file(path.replace(b"other/", b""))

    with monkeypatch.context() as patch:
        patch.setattr(equal_pixels, "read_file", swapped)
        scan([*paths, jpeg, other])
    findings, _ = scan([*paths, jpeg, other])

    assert findings.columns["dup_kind"][-2:] == ["near", "near"]


def test_a_link_to_a_file_is_not_the_copy_to_keep_and_frees_nothing(scan, pictures):
    paths = pictures(12)
    link, twin = paths[0].with_name("000_a_link.png"), paths[0].with_name("zz.png")
    link.symlink_to(paths[0])
    os.link(paths[0], twin)

    findings, _ = scan([link, *paths, twin])

    assert findings.columns["dup_keeper"][:2] == [False, True]
    assert findings.counts["duplicates"] == 3
    assert findings.counts["removable"] == 0


def test_other_codings_of_a_large_jpeg_have_the_same_pixels(scan, pictures, draw):

    paths = pictures(12)
    folder = paths[0].parent
    draw(77, 1200).save(folder / "a.jpg", quality=92)
    plain = (folder / "a.jpg").read_bytes()
    # The same coefficients in another order decode to the same pixels
    Image.open(folder / "a.jpg").save(folder / "a.bmp")
    (folder / "b.jpg").write_bytes(plain[:2] + b"\xff\xfe\0\4hi" + plain[2:])

    findings, _ = scan([*paths, folder / "a.jpg", folder / "b.jpg", folder / "a.bmp"])

    assert findings.columns["dup_kind"][-3:] == ["pixels"] * 3


def test_large_jpegs_of_equal_coefficients_have_the_same_pixels(scan, pictures, draw):
    paths = pictures(12)
    picture, folder = draw(77, 1200), paths[0].parent
    picture.save(folder / "a.jpg", quality=92)
    picture.save(folder / "b.jpg", quality=92, progressive=True)

    findings, _ = scan([*paths, folder / "a.jpg", folder / "b.jpg"])

    assert findings.columns["dup_kind"][-2:] == ["pixels"] * 2


def test_large_jpegs_that_differ_when_they_are_reduced_are_not_decoded_in_full(
    scan, pictures, draw, monkeypatch
):
    paths = pictures(12)
    picture, folder = draw(77, 1200), paths[0].parent
    noise = np.random.default_rng(0).integers(0, 12, (1200, 1200, 3))
    picture.save(folder / "a.jpg", quality=92)
    noisy = np.minimum(np.asarray(picture) + noise, 255).astype(np.uint8)
    Image.fromarray(noisy).save(folder / "b.jpg", quality=92)
    decoded = []

    def counted(data, **options):
        decoded.append(data)
        return decode_image(data, **options)

    monkeypatch.setattr("core.scan.equal_pixels.decode_image", counted)

    findings, _ = scan([*paths, folder / "a.jpg", folder / "b.jpg"])

    assert findings.columns["dup_kind"][-2:] == ["near"] * 2
    assert not decoded

    # One that is turned may be equal however its numbers round when it is reduced
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(noisy).rotate(180).save(folder / "b.jpg", quality=92, exif=exif)
    scan([*paths, folder / "a.jpg", folder / "b.jpg"])

    assert len(decoded) == 2


def test_drawings_in_the_transparency_alone_are_told_apart(scan, pictures, draw):

    paths = pictures(12)
    white = []
    for number in range(3):
        ink = Image.new("RGBA", (64, 64), "white")
        ink.putalpha(draw(100 + number).convert("L"))
        white.append(paths[0].with_name(f"white_{number}.png"))
        ink.save(white[-1])

    findings, _ = scan([*paths, *white])

    assert findings.columns["dup_cluster"][-3:] == [None] * 3


def stack(path, pictures):
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    return path


def test_files_of_several_pictures_are_equal_only_if_all_of_them_are(
    scan, pictures, tmp_path, draw
):
    paths = pictures(12)
    first = draw(40)
    one = stack(tmp_path / "1.tif", [first, draw(41), draw(42)])
    same = stack(tmp_path / "2.tiff", [first, draw(41), draw(42)])
    same.write_bytes(same.read_bytes() + b"\0")
    other = stack(tmp_path / "3.tif", [first, draw(41), draw(43)])
    cover = tmp_path / "cover.png"
    first.save(cover)

    findings, _ = scan([*paths, one, same, other, cover])

    kinds, relations, keeper = (
        findings.columns[name][12:]
        for name in ("dup_kind", "dup_relation", "dup_keeper")
    )
    copies = [row for row in range(4) if not keeper[row]]
    equal = [row for row in copies if kinds[row] == "pixels"]
    assert len(copies) == 3 and len(equal) == 1 and equal[0] < 2
    said = {relations[row] for row in copies if row not in equal}
    assert said == {"first of 3 pictures equal"}


def test_pictures_that_differ_below_8_bits_are_near_and_it_is_said_that_they_look_equal(
    scan, pictures, tmp_path, draw
):

    deep = np.asarray(draw(40).convert("L"), np.uint16) * 16
    for number in (0, 1):
        deep[3, 5] += number
        Image.fromarray(deep).save(tmp_path / f"{number}.png")

    findings, _ = scan([*pictures(12), tmp_path / "0.png", tmp_path / "1.png"])

    assert findings.columns["dup_kind"][-2:] == ["near", "near"]
    assert set(findings.columns["dup_relation"][-2:]) == {None, "looks equal"}


def test_the_same_picture_in_12_16_and_8_bits_is_one_cluster(
    scan, pictures, tmp_path, draw
):

    gray = np.asarray(draw(40).convert("L"), np.uint16)
    forms = {"12.png": gray * 16, "16.tif": gray * 257, "8.png": gray.astype(np.uint8)}
    for name, samples in forms.items():
        Image.fromarray(samples).save(tmp_path / name)

    findings, _ = scan([*pictures(12), *(tmp_path / name for name in forms)])

    clusters = set(findings.columns["dup_cluster"][-3:])
    assert len(clusters) == 1 and None not in clusters
    assert "pixels" not in findings.columns["dup_kind"][-3:]


def test_a_large_jpeg_beyond_the_limit_is_never_decoded_whole(
    scan, pictures, jpeg_and_png
):
    settings = ScanSettings(max_megapixels=1)
    large, _ = jpeg_and_png
    commented = large.with_name("b.jpg")
    data = large.read_bytes()
    commented.write_bytes(data[:2] + b"\xff\xfe\0\x04hi" + data[2:])
    recoded = large.with_name("c.jpg")

    Image.open(large).save(recoded, quality="keep", optimize=True)

    findings, _ = scan([*pictures(12), large, commented, recoded], settings)

    # 1.44 megapixels; equal coded data is a proof all the same
    assert findings.columns["scan_status"][-3:] == ["ok"] * 3
    assert sorted(findings.columns["dup_kind"][-3:]) in (
        ["near", "pixels", "pixels"],
        ["near", "near", "pixels"],
    )
