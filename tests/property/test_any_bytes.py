"""Whatever the bytes, reading them ends, and says nothing on the terminal.

``FUZZ_SECONDS=3600`` tries for an hour of processor time, ``FUZZ_SEED=1`` other files.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.reading.decode import WHOLE, DecodedImage, decode_image
from core.reading.files import ReadFailure

SECONDS = float(os.environ.get("FUZZ_SECONDS", 60))
SEED = os.environ.get("FUZZ_SEED", "0")
STARTS = (
    b"\xff\xd8\xff",
    b"\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"GIF89a",
    b"BM",
    b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08",
    b"MM\0+\0\x08\0\0",
    b"RIFF\x40\0\0\0WEBPVP8 ",
    b"\0\0\0\x1cftypavif",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
)


@given(st.sampled_from(STARTS), st.binary(max_size=300), st.sampled_from(STARTS))
def test_any_bytes_give_a_picture_or_a_reason(start, middle, end):
    data = start + middle + end

    image = decode_image(data, side=16, max_megapixels=1)
    whole = decode_image(data, side=WHOLE, max_megapixels=1)

    assert isinstance(image, DecodedImage | ReadFailure)
    assert isinstance(whole, DecodedImage | ReadFailure)
    assert isinstance(image, ReadFailure) == isinstance(whole, ReadFailure)


@pytest.mark.slow
def test_damaged_files_of_every_kind_are_read_without_a_word(tmp_path):
    program = Path(__file__).with_name("fuzz_reading.py")
    command = [sys.executable, str(program), str(SECONDS), str(tmp_path), SEED]

    done = subprocess.run(command, capture_output=True, timeout=60 + 20 * SECONDS)

    assert (done.returncode, done.stdout, done.stderr[-3000:]) == (0, b"", b"")
    assert int((tmp_path / "count").read_text()) > 1
