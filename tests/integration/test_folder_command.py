"""``make scan``, without make: the command as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fiftyone as fo
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(tmp_path):
    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, str(ROOT / "cli" / "scan_folder.py"), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def tree(tmp_path, folder):
    """The folder's pictures as Train_Set/a, valid_set/a, test/b and others."""
    root = tmp_path / "tree"
    places = ["Train_Set/a", "Train_Set/b", "valid_set/a", "test/b"]
    for number, path in enumerate(sorted(folder.iterdir())):
        target = root / places[number % 4] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    (root / "test" / "b" / "notes.txt").write_text("not an image")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x.png").write_bytes(b"")
    (root / "Train_Set" / "a" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return root


def findings_in(folder):
    lines = (folder / "findings.jsonl").read_text().splitlines()
    return {row["filepath"]: row for row in map(json.loads, lines)}


def test_a_folder_becomes_findings_and_a_summary(command, tree, tmp_path):
    done = command(str(tree), "--out", "found")

    assert done.returncode == 0, done.stderr
    assert "Winnow scanned 21 images" in done.stdout
    rows = findings_in(tmp_path / "found")
    assert len(rows) == 21
    first = rows["Train_Set/a/00.png"]
    assert (first["split"], first["label"]) == ("Train_Set", "a")
    assert first["dup_kind"] == "bytes" and first["leak_splits"] == ["test"]
    assert rows["Train_Set/a/cut.jpg"]["scan_status"] == "truncated"
    assert rows["Train_Set/a/cut.jpg"]["dup_cluster"] is None
    assert first["outlier_nearest"] in rows and first["leak_remove"] is True
    summary = json.loads((tmp_path / "found" / "summary.json").read_text())
    assert summary["counts"]["unreadable"] == 1
    assert len(summary["model_sha256"]) == 64
    assert summary["leak_matrix"]["bytes"]["Train_Set"]["test"] == 1
    assert summary["leaks_by_class"][0]["class"] == "a"
    assert 0 < summary["expected"]["copy_recall"] <= 1
    assert set(summary["seconds"]) == set(summary["images_per_second"])
    assert summary["peak_memory_bytes"] > 0
    report = json.loads((tmp_path / "found" / "report.json").read_text())
    assert report["run"]["counts"] == summary["counts"]
    page = (tmp_path / "found" / "report.html").read_text()
    assert "Train_Set/a/00.png" in page.replace("<wbr>", "")
    assert (tmp_path / "found" / "report.md").exists()


def test_the_second_run_loads_and_embeds_nothing(command, tree, tmp_path):
    command(str(tree), "--out", "one")

    again = command(str(tree), "--out", "two")

    assert findings_in(tmp_path / "one") == findings_in(tmp_path / "two")
    assert "21 samples added" not in again.stdout
    summary = json.loads((tmp_path / "two" / "summary.json").read_text())
    assert summary["counts"]["images"] == 21


def test_a_cleaned_folder_is_clean(command, tree, tmp_path):
    """Scan, delete what was found, scan again: nothing of it is left."""
    command(str(tree))
    (tree / "Train_Set" / "a" / "cut.jpg").unlink()
    (tree / "test" / "b" / "03.png").rename(tree / "test" / "b" / "new.png")

    again = command(str(tree), "--out", "again", FAIL_ON="unreadable")

    rows = findings_in(tmp_path / "again")
    assert again.returncode == 0, again.stderr
    assert "2 files are gone" in again.stdout
    assert "test/b/03.png" not in rows and len(rows) == 20
    assert rows["test/b/new.png"]["scan_status"] == "ok"
    assert rows["test/b/new.png"]["dup_cluster"] is None


def test_what_fiftyone_cannot_hold_is_a_row_and_counted(command, tree, tmp_path):
    whole = (tree / "test" / "b" / "03.png").read_bytes()
    with open(os.fsencode(tree) + b"/bad\xff.png", "wb") as file:
        file.write(whole)
    (tree / "test" / "b" / "odd.tga").write_bytes(b"not known to FiftyOne")

    done = command(str(tree), "--out", "found", FAIL_ON="conflicts,unreadable")

    rows = findings_in(tmp_path / "found")
    assert rows["bad\\xff.png"]["scan_status"] == "bad_name"
    assert rows["test/b/odd.tga"]["scan_status"] == "unsupported"
    assert rows["test/b/odd.tga"]["split"] == "test"
    summary = json.loads((tmp_path / "found" / "summary.json").read_text())
    assert summary["counts"]["unreadable"] == 3
    assert "FAIL_ON: unreadable: 3 of 23 images" in done.stderr
    report = json.loads((tmp_path / "found" / "report.json").read_text())
    listed = report["sections"]["unreadable"]["tables"]["files"]["rows"]
    assert {row["File"] for row in listed} == {
        "Train_Set/a/cut.jpg",
        "bad\\xff.png",
        "test/b/odd.tga",
    }


def test_a_class_and_a_split_that_no_sample_has_end_no_scan(command, tree, tmp_path):
    whole = (tree / "test" / "b" / "03.png").read_bytes()
    odd = os.fsencode(tree) + b"/vald\xe9/\xe9t\xe9"
    os.makedirs(odd)
    with open(odd + b"/a.png", "wb") as file:
        file.write(whole)

    done = command(str(tree), "--out", "found")

    assert done.returncode == 0, done.stderr
    row = findings_in(tmp_path / "found")["vald\\xe9/\\xe9t\\xe9/a.png"]
    assert (row["split"], row["label"]) == ("vald\\xe9", "\\xe9t\\xe9")
    assert row["scan_status"] == "bad_name"


def test_the_command_runs_the_checkout_that_it_is_part_of():
    code = (
        "import scan_folder; scan_folder.use_this_checkout();"
        "import fiftyone.plugins as fop;"
        "print([(p.name, p.directory) for p in fop.list_plugins(builtin=False)])"
    )

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "cli",
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == str([("@winnow/curate", str(ROOT))])


def test_the_collector_does_not_search_what_the_command_imports():
    code = (
        "import gc, sys; sys.path[:0] = ['cli', '.']; import scan_folder as command;"
        "before = [one['collections'] for one in gc.get_stats()];"
        "fo = command.connected_fiftyone();"
        "after = [one['collections'] for one in gc.get_stats()];"
        "print(fo.__name__, gc.isenabled(), sum(after) - sum(before) < 5)"
    )

    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.splitlines()[-1] == "fiftyone True True"


def test_a_fault_of_ours_does_not_look_like_a_problem_of_the_images():
    program = (
        "import sys; sys.path[:0] = ['cli', '.']; import scan_folder as command;"
        "sys.exit(command.exit_code(lambda: 1 / 0, ''))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 3
    assert "ZeroDivisionError" in done.stderr


def test_fail_on_decides_the_exit_code(command, tree):
    failed = command(str(tree), FAIL_ON="leaks,unreadable")
    assert failed.returncode == 1
    assert "FAIL_ON: unreadable: 1 of 21 images" in failed.stderr
    limits = "exact duplicates <= 20 %, unreadable <= 1, label issues <= 50 %"
    passed = command(str(tree), FAIL_ON=limits)
    assert passed.returncode == 0, passed.stderr
    assert "FAIL_ON" not in passed.stderr
    wrong = command(str(tree), FAIL_ON="leeks")
    assert wrong.returncode == 2
    assert "A policy does not know 'leeks'. Did you mean 'leaks'?" in wrong.stderr
    assert "Starting FiftyOne" not in wrong.stdout


def test_a_flat_folder_has_not_passed_a_gate_on_leaks(command, folder):
    found = command(str(folder), FAIL_ON="leaks")

    assert found.returncode == 1
    assert "FAIL_ON: leaks: not looked for, no splits were given" in found.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone", "does not exist"), ("file", "is a file"), ("empty", "no images in")],
)
def test_a_wrong_folder_is_one_sentence(command, tmp_path, name, words):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()

    wrong = command(str(tmp_path / name))

    assert wrong.returncode == 2
    assert words in wrong.stderr
    assert "Traceback" not in wrong.stderr


def labels_and_tags(root):
    """Returns file name -> its label and tags in the folder's data set."""
    names = [name for name in fo.list_datasets() if name.startswith("winnow-")]
    found = [fo.load_dataset(name) for name in names]
    (dataset,) = [one for one in found if one.info["root"] == str(root)]
    paths, labels, tags = dataset.values(["filepath", "ground_truth.label", "tags"])
    rows = zip(paths, labels, tags, strict=True)
    return dataset, {os.path.relpath(path, root): (a, b) for path, a, b in rows}


def test_labels_and_splits_follow_how_folders_are_understood(command, tree):
    first = command(str(tree))
    assert "Understood as split/class" in first.stdout
    dataset, _ = labels_and_tags(tree)
    # What a person changed since is theirs
    corrected = dataset[str(tree / "Train_Set" / "a" / "00.png")]
    corrected["ground_truth"].label = "corrected"
    corrected.save()
    moved = dataset[str(tree / "test" / "b" / "03.png")]
    moved.tags = ["mine"]
    moved.save()

    named = command(str(tree), SPLITS="train=Train_Set,test=test")

    assert "another split or label than at the last run" in named.stdout
    _, rows = labels_and_tags(tree)
    assert rows["Train_Set/a/04.png"] == ("a", ["train"])
    assert rows["Train_Set/a/00.png"] == ("corrected", ["train"])
    assert rows["valid_set/a/02.png"] == ("a", [])
    assert rows["test/b/03.png"] == ("b", ["mine"])

    none = command(str(tree), "--layout", "class")

    _, rows = labels_and_tags(tree)
    assert rows["Train_Set/a/04.png"] == ("Train_Set", [])
    assert rows["Train_Set/a/00.png"] == ("corrected", [])
    assert rows["test/b/03.png"] == ("test", ["mine"])
    assert "Not counted as leaks: 1 files in 'Train_Set' have the same" in none.stdout
    assert command(str(tree), "--layout", "class").stdout.count("another split") == 0


def test_one_split_name_alone_is_a_class_and_equal_files_are_said(
    command, tmp_path, folder
):
    root = tmp_path / "vehicles"
    for number, path in enumerate(sorted(folder.iterdir())):
        target = root / ["bus", "car", "plane", "train"][number % 4] / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)

    done = command(str(root), "--out", "found")

    assert done.returncode == 0, done.stderr
    assert "'train' is called like a split beside 'bus', 'car'" in done.stdout
    # 00.png in bus is 19.png in train
    assert "1 files in 'train' have the same bytes as files in 'bus'" in done.stdout
    assert "SPLITS=train,bus" in done.stdout
    assert {row["split"] for row in findings_in(tmp_path / "found").values()} == {None}
    summary = json.loads((tmp_path / "found" / "summary.json").read_text())
    assert summary["folders"]["layout"] == {"class": 20}
    assert summary["folders"]["equal_across"] == [
        {"folder": "train", "other": "bus", "files": 1}
    ]


def test_files_without_a_suffix_and_linked_folders_are_read(command, tmp_path, folder):
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(
            path.with_name([f"{number:032x}", f"{number}.jpg_large"][number % 2])
        )
    (tmp_path / "view").mkdir()
    os.symlink("../images", tmp_path / "view" / "all")
    os.symlink(".", tmp_path / "view" / "loop")

    done = command(str(tmp_path / "view"), "--out", "found", FOLLOW_LINKS="1")

    assert done.returncode == 0, done.stderr
    assert "1 links that lead back to a folder they are in" in done.stdout
    rows = findings_in(tmp_path / "found")
    assert {row["scan_status"] for row in rows.values()} == {"ok"}
    assert len(rows) == 20 and "all/1.jpg_large" in rows
    assert "does not exist" not in done.stdout
    refused = command(str(tmp_path / "view"))
    assert refused.returncode == 2
    assert "2 links to folders" in refused.stderr


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"LAYOUT": "splits/class"}, "LAYOUT=splits/class fits no image"),
        ({"SPLITS": "train=gone"}, "there is none with images called so"),
        ({"OUT": "file"}, "it is a file"),
        ({"OUT": "file/below"}, "it is a file, or lies in one"),
        ({"OUT": "/proc/out"}, "The folder of the findings '/proc/out' cannot be"),
        ({"OUT": "taken"}, "'taken/findings.jsonl' is a folder"),
        ({"WINNOW_CACHE": "/proc/cache"}, "Set WINNOW_CACHE"),
        (
            {"FIFTYONE_DATABASE_DIR": "/proc/db", "FIFTYONE_DATABASE_URI": ""},
            "Set FIFTYONE_DATABASE_DIR",
        ),
    ],
)
def test_what_cannot_work_is_one_sentence_before_any_work(
    command, tree, tmp_path, said, words
):
    (tmp_path / "file").write_text("x")
    (tmp_path / "taken" / "findings.jsonl").mkdir(parents=True)

    wrong = command(str(tree), **said)

    assert wrong.returncode == 2
    assert words in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1
    assert "Reading images" not in wrong.stdout


@pytest.mark.parametrize("name", ["scan_folder", "compare_folders", "cache"])
def test_a_user_without_a_home_or_a_name_is_told_in_one_sentence(tmp_path, name):
    environment = {key: value for key, value in os.environ.items() if key != "HOME"}
    environment.pop("WINNOW_CACHE")
    code = (
        "import os, sys; os.getuid = lambda: 2**31 - 7; sys.argv[1:] = sys.argv[2:];"
        f"sys.path.insert(0, 'cli'); import {name}; sys.exit({name}.main())"
    )
    # cache.py takes no folder
    arguments = [] if name == "cache" else [str(tmp_path), "--against", "x"]
    if name == "scan_folder":
        arguments = arguments[:1]

    done = subprocess.run(
        [sys.executable, "-c", code, name, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2, done.stderr
    assert done.stderr.strip().startswith("There is no home folder: HOME is not set")
    assert len(done.stderr.strip().splitlines()) == 1


def test_no_database_is_one_sentence(command, tree):
    wrong = command(
        str(tree),
        FIFTYONE_DATABASE_URI="mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=500",
    )

    assert wrong.returncode == 2
    assert "Traceback" not in wrong.stderr
    assert "database" in wrong.stderr


def test_the_largest_picture_can_be_said_and_a_slip_is_told_at_once(
    command, tree, tmp_path
):
    wrong = command(str(tree), MAX_MEGAPIXELS="much")
    assert wrong.returncode == 2
    assert wrong.stderr == "\nmax_megapixels must be a number, got 'much'.\n"

    done = command(str(tree), "--out", "found", MAX_MEGAPIXELS="0.001")
    assert "None of the" in done.stderr and "too_large" in done.stderr
