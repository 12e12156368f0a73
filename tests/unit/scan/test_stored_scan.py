"""A scan's data in a file: whole, of this version, or an error that says so."""

import io
import json
import os
import shutil
import zipfile
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from core.errors import StaleRunError
from core.models.registry import load_embedder
from core.scan.apply_thresholds import apply_thresholds
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput
from core.scan.settings import ScanSettings
from core.scan.stored_scan import load_scan_data, save_scan_data


@pytest.fixture(scope="module")
def paths(tmp_path_factory, draw):
    folder = tmp_path_factory.mktemp("pictures")
    made = [folder / f"{number:02d}.png" for number in range(20)]
    for number, path in enumerate(made):
        draw(number).save(path)
    shutil.copyfile(made[1], made[2])
    made[3].write_bytes(b"text")
    return [os.fsencode(path) for path in made]


@pytest.fixture
def scan(paths, tmp_path):
    def run(**settings):
        labels = np.arange(20, dtype=np.int32) % 2
        return collect_scan_data(
            ScanInput(paths, labels, ["a", "b"]),
            load_embedder(),
            folder=tmp_path / "cache",
            settings=ScanSettings(**settings),
        )

    return run


def parts(record, prefix=""):
    """Returns all values of nested records by their dotted names."""
    found = {}
    for field in fields(record):
        part, name = getattr(record, field.name), prefix + field.name
        found |= parts(part, f"{name}.") if is_dataclass(part) else {name: part}
    return found


@pytest.mark.parametrize("preset", [None, "fastdup"])
def test_every_part_of_a_scan_comes_back_as_it_was(scan, tmp_path, preset):
    scan_data = scan(preset=preset)
    save_scan_data(scan_data, tmp_path / "runs" / "one.npz")

    again = load_scan_data(tmp_path / "runs" / "one.npz")

    before, after = parts(scan_data), parts(again)
    assert list(before) == list(after)
    for name, part in before.items():
        if isinstance(part, np.ndarray):
            assert part.dtype == after[name].dtype, name
            assert np.array_equal(part, after[name], equal_nan=part.dtype.kind == "f")
        else:
            assert part == after[name], name
    assert again.samples.unreadable[0]["status"] == "unsupported"
    assert (again.nearest_samples is None) == (preset is None)
    assert apply_thresholds(again).columns == apply_thresholds(scan_data).columns


def test_a_damaged_file_asks_for_a_new_scan(scan, tmp_path):
    path = tmp_path / "one.npz"
    save_scan_data(scan(), path)
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(StaleRunError, match=r"cannot be read\. Scan again"):
        load_scan_data(path)


def test_a_file_that_is_gone_asks_for_a_new_scan(tmp_path):
    with pytest.raises(StaleRunError, match=r"no longer there\. Scan again"):
        load_scan_data(tmp_path / "one.npz")


def test_a_file_of_another_version_asks_for_a_new_scan(scan, tmp_path):
    path, older = tmp_path / "one.npz", tmp_path / "older.npz"
    save_scan_data(scan(), path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(older, "w") as copy:
        values = np.load(io.BytesIO(archive.read("others.npy")))
        stored = {**json.loads(values.tobytes()), "version": 5}
        text = np.frombuffer(json.dumps(stored).encode(), np.uint8)
        buffer = io.BytesIO()
        np.save(buffer, text)
        # An older version has none of the arrays of this one
        copy.writestr("others.npy", buffer.getvalue())

    with pytest.raises(StaleRunError, match=r"another version of Winnow\. Scan again"):
        load_scan_data(older)
