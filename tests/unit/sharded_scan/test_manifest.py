import builtins
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import InputError
from core.sharded_scan import manifest
from core.sharded_scan.manifest import read_manifest


def rows(found):
    return [
        (os.fsdecode(path), split, label)
        for shard in found.shards
        for path, split, label in zip(shard.locators, shard.splits, shard.labels)
    ]


def test_parquet_names_paths_splits_and_labels(tmp_path):
    table = {
        "path": ["/a/1.jpg", "s3://b/2.jpg"],
        "split": ["train", None],
        "label": [7, 8],
        "more": [0.1, 0.2],
    }
    pq.write_table(pa.table(table), tmp_path / "m.parquet")

    found = read_manifest(str(tmp_path / "m.parquet"))

    assert rows(found) == [("/a/1.jpg", "train", "7"), ("s3://b/2.jpg", None, "8")]


def test_csv_says_the_same_and_relative_paths_lie_beside_it(tmp_path):
    text = 'path,label\nsub/1.jpg,cat\n"two, three.jpg",\n'
    (tmp_path / "m.csv").write_text(text)

    found = rows(read_manifest(str(tmp_path / "m.csv")))

    assert found == [
        (f"{tmp_path}/sub/1.jpg", None, "cat"),
        (f"{tmp_path}/two, three.jpg", None, None),
    ]


def test_text_is_a_path_a_line(tmp_path):
    (tmp_path / "m.txt").write_text("a.jpg\n\n/b.jpg\n")

    found = rows(read_manifest(str(tmp_path / "m.txt")))

    assert [path for path, *_ in found] == [f"{tmp_path}/a.jpg", "/b.jpg"]


def test_a_folder_of_parquet_files_is_one_manifest(tmp_path):
    for number in (1, 0):
        table = pa.table({"path": [f"/{number}.jpg", f"/{number}b.jpg"]})
        pq.write_table(table, tmp_path / f"part-{number}.parquet")

    found = read_manifest(str(tmp_path))

    assert [path for path, *_ in rows(found)] == [
        "/0.jpg",
        "/0b.jpg",
        "/1.jpg",
        "/1b.jpg",
    ]
    assert len(found.shards) == 2


def test_a_folder_of_images_is_understood_as_a_scan_understands_it(tmp_path, draw):
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            (tmp_path / split / label).mkdir(parents=True)
            draw(1).save(tmp_path / split / label / "1.png")

    found = rows(read_manifest(str(tmp_path)))

    assert found[0] == (f"{tmp_path}/test/cat/1.png", "test", "cat")
    assert len(found) == 4


def test_a_range_of_tar_files_is_a_shard_each(tmp_path):
    found = read_manifest(f"{tmp_path}/laion/{{00008..00011}}.tar")

    assert [shard.tar for shard in found.shards] == [
        f"{tmp_path}/laion/{number:05d}.tar" for number in range(8, 12)
    ]


def test_long_lists_are_many_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "ROWS_A_SHARD", 4)
    (tmp_path / "m.txt").write_text("\n".join(f"{n}.jpg" for n in range(10)))

    found = read_manifest(str(tmp_path / "m.txt"))

    assert [len(shard.locators) for shard in found.shards] == [4, 4, 2]


@pytest.mark.parametrize(
    "name, text, says",
    [
        ("m.csv", "file,label\na.jpg,cat\n", "no column 'path' .*file, label"),
        ("m.csv", "path,label\na.jpg,cat\n,dog\n", "no path in row 2"),
        ("m.csv", "path,label\na.jpg,b,c\n", "3 values in row 1 and 2 columns"),
        ("m.csv", "path\na.jpg\n", "lists 1 images"),
        ("m.csv", "", r"no column 'path' \(it has: none\)"),
        ("m.parquet", "no parquet", "cannot be read"),
        ("m.txt", "", "lists 0 images"),
        ("m.json", "[]", "is no manifest"),
    ],
)
def test_a_bad_manifest_is_said_in_a_sentence(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)

    with pytest.raises(InputError, match=says):
        read_manifest(str(tmp_path / name))


def test_a_manifest_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_manifest(str(tmp_path / "gone.parquet"))
    with pytest.raises(InputError, match="is not there"):
        read_manifest(str(tmp_path / "gone"))


def test_a_missing_driver_is_said_before_any_work():
    with pytest.raises(InputError, match="(?i)s3fs"):
        read_manifest("s3://bucket/m.parquet")
    with pytest.raises(InputError, match="(?i)protocol"):
        read_manifest("nonsense://bucket/m.parquet")


@pytest.mark.parametrize(
    "package, name", [("pyarrow", "m.parquet"), ("fsspec", "memory://m.csv")]
)
def test_a_missing_package_is_said_with_what_to_run(
    tmp_path, monkeypatch, package, name
):
    (tmp_path / "m.parquet").touch()
    real = builtins.__import__

    def without(asked, *args, **options):
        if asked.split(".")[0] == package:
            raise ImportError(f"No module named '{asked}'")
        return real(asked, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(InputError, match="requirements-ray.txt"):
        read_manifest(name if "://" in name else str(tmp_path / name))
