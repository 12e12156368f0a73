"""No code but the disk and the purge may take a file away (contract C18)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ACTIONS = sorted((ROOT / "core" / "actions").glob("*.py"))
OTHERS = sorted(
    path
    for folder in ("core", "operators", "cli")
    for path in (ROOT / folder).rglob("*.py")
    if path not in ACTIONS
)

# Calls that remove, rename, replace, shorten or overwrite something
BITES = {
    "os": {
        "remove", "unlink", "rename", "renames", "replace", "rmdir", "removedirs",
        "truncate", "ftruncate", "link", "symlink",
    },
    "shutil": {"move", "rmtree", "copy", "copy2", "copyfile", "copytree"},
}  # fmt: skip
PATH_BITES = {"unlink", "rename", "rmdir", "replace"}
NEVER = {"pickle", "shutil", "joblib", "marshal", "dill", "eta", "fiftyone"}

# Where a file of Winnow's own is written or removed, never one of a person
ALLOWED_IN_ACTIONS = {
    ("filesystem.py", "os.rmdir"): "the seam: empty folders",
    ("filesystem.py", "os.unlink"): "the seam: called by the purge",
    ("filesystem.py", "os.ftruncate"): "the seam: a journal",
    ("restore.py", "os.link"): "fails where a rename would overwrite",
    ("restore.py", "os.unlink"): "the other name of the same file",
    ("restore.py", "os.rename"): "where there are no links",
    ("quarantine.py", "os.ftruncate"): "the lock",
    ("apply.py", ".unlink"): "the plan that was applied, in the cache",
    ("plan.py", ".unlink"): "old plans, in the cache",
    ("plan.py", ".replace"): "a plan, in the cache",
}
ALLOWED_ELSEWHERE = {
    "core/storage/cache.py": "embeddings and small pictures, by their exact names",
    "core/scan/stored_scan.py": "a new scan data file takes its name, in the cache",
    "core/reading/thumbnails.py": "a new thumbnail takes its name, in the cache",
    "core/sharded_scan/job_folder.py": "what a job wrote itself, in its folder",
    "core/videos/decoder.py": "what the decoder says, in a file of its own",
    "operators/adapter/runs/paths.py": "results of earlier scans, in the cache",
    "operators/adapter/runs/lock.py": "a run's progress, and a request to stop it",
    "core/storage/replace_file.py": "findings, and a report: over one only if asked",
    "cli/demo_images.py": "the pictures that the demo made",
}


def bites(path):
    """Yields the calls of a module that take something away."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name, owner = node.func.attr, node.func.value
        module = owner.id if isinstance(owner, ast.Name) else None
        if module in BITES:
            if name in BITES[module]:
                yield f"{module}.{name}"
        elif name in PATH_BITES and not _of_text(name, node, module):
            yield f".{name}"


def _of_text(name, call, module):
    """True for str.replace, dataclasses.replace and the disk's own rename."""
    if name == "replace":
        return len(call.args) != 1
    return name == "rename" and len(call.args) > 1


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.name)
def test_actions_take_nothing_away_but_where_it_is_allowed(path):
    found = {(path.name, call) for call in bites(path)}
    assert found <= set(ALLOWED_IN_ACTIONS)
    assert not set(imports(path)) & NEVER


def test_every_exception_of_the_rule_is_still_needed():
    found = {(path.name, call) for path in ACTIONS for call in bites(path)}
    assert found == set(ALLOWED_IN_ACTIONS)


def test_the_disk_removes_for_the_purge_alone():
    calls = [
        (path.name, node.lineno)
        for path in ACTIONS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "remove"
    ]
    assert {name for name, _ in calls} == {"filesystem.py", "purge.py"}


def test_no_other_module_takes_a_file_away():
    found = {
        str(path.relative_to(ROOT)): sorted(set(bites(path)))
        for path in OTHERS
        if any(bites(path))
    }
    assert set(found) == set(ALLOWED_ELSEWHERE), found


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.name)
def test_no_error_is_passed_over_in_silence(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{path.name}:{node.lineno}"
            empty = all(isinstance(line, ast.Pass) for line in node.body)
            assert not empty, f"{path.name}:{node.lineno}"


@pytest.mark.parametrize(
    "text",
    [
        "os.remove(p)",
        "os.replace(a, b)",
        "shutil.move(a, b)",
        "p.unlink()",
        "p.rename(q)",
    ],
)
def test_the_rule_sees_what_bites(tmp_path, text):
    (tmp_path / "module.py").write_text(text)
    assert list(bites(tmp_path / "module.py"))


@pytest.mark.parametrize(
    "text", ["'a'.replace('b', 'c')", "replace(x, a=1)", "disk.rename(a, b, c, d)"]
)
def test_the_rule_leaves_others_alone(tmp_path, text):
    (tmp_path / "module.py").write_text(text)
    assert not list(bites(tmp_path / "module.py"))


@pytest.mark.slow
def test_the_demo_takes_no_folder_of_somebody_else(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("mine")
    done = subprocess.run(
        [sys.executable, str(ROOT / "cli/demo_images.py"), str(tmp_path / "mine")],
        capture_output=True,
        text=True,
    )
    assert "is there and is not a demo" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine/a.txt").read_text() == "mine"
