"""What an agent is told: each operator's risk, and the skill."""

import inspect
import re
from pathlib import Path

import fiftyone.operators as foo
import fiftyone.plugins as fop
import yaml

from tests.pages import ROOT, blocks_of

PREFIX = "@winnow/curate/"

# The level of an operator is that of the most it can do
LEVELS = {
    # Changes nothing: no sample, no field, no view and no file
    "low": "audit open",
    # Writes fields, tags, saved views and decisions of ours, or new files
    "medium": (
        "scan set_thresholds show tag decide register_embeddings from_fastdup split "
        "compare estimate_precision report export to_fastdup thin "
        "select review open_findings sample_frames"
    ),
    # Changes a person's own labels and tags, and can be undone
    "high": "merge remove_objects",
    # Touches a person's files
    "dangerous": "clean quarantine move retag undo purge",
}


def operators():
    found = [one for one in foo.list_operators() if one.uri.startswith(PREFIX)]
    return {one.name: one for one in found if not isinstance(one, foo.Panel)}


def test_every_operator_tells_agents_its_risk():
    levels = {name: level for level, names in LEVELS.items() for name in names.split()}

    told = {
        name: one.config.to_json()["risk_level"] for name, one in operators().items()
    }

    assert told == levels


def test_what_touches_files_plans_unless_it_is_told_otherwise():
    for name in (*LEVELS["dangerous"].split(), *LEVELS["high"].split()):
        call = inspect.signature(operators()[name].__call__)
        assert call.parameters["dry_run"].default is True, name


def test_fiftyone_lists_the_skill():
    (skill,) = fop.list_skills(plugin="@winnow/curate")

    assert skill.name == "clean-data-set" == Path(skill.path).parent.name
    assert "image data set" in skill.description


def test_the_skill_names_operators_that_exist():
    (skill,) = fop.list_skills(plugin="@winnow/curate")
    named = set(re.findall(r"@winnow/curate/(\w+)", skill.content))

    assert named <= operators().keys()
    assert {"scan", "audit", "quarantine", "undo", "purge"} <= named


def test_fiftyone_yml_names_every_operator_and_skill():
    told = yaml.safe_load((ROOT / "fiftyone.yml").read_text())

    assert set(told["operators"]) == operators().keys()
    folders = {path.parent.name for path in (ROOT / "skills").glob("*/SKILL.md")}
    assert set(told["skills"]) == folders


def test_the_skill_s_code_runs_and_changes_no_file_before_the_plan(
    dataset, folder, tmp_path
):
    (skill,) = fop.list_skills(plugin="@winnow/curate")
    dataset.name = "skill-test"
    dataset.set_values("ground_truth.label", ["a"] * len(dataset))
    given = {
        "NAME": dataset.name,
        "LABELS": "ground_truth",
        "SPLITS": ["train", "test"],
        "FOLDER": tmp_path / "report",
    }
    blocks = [block.code for block in blocks_of(re.sub(r"(?m)^   ", "", skill.content))]
    files = sorted(path.name for path in folder.iterdir())

    for code in blocks[:-2]:
        exec(code, given)
    assert sorted(path.name for path in folder.iterdir()) == files
    exec(blocks[-2], given)
    exec(blocks[-1], given)

    assert given["done"].count == given["plan"].count == 2
    assert len(list(folder.iterdir())) == len(files) - 2
