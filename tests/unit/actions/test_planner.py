import hashlib
import os
from collections import Counter

import pytest

from core.actions.limits import Totals
from core.actions.planner import Request, Rules, Where, make_plan
from core.actions.quarantine import quarantine_of
from core.errors import ActionError

MANY = Totals(1_000, dict.fromkeys(("cat", "dog"), 1_000), {"train": 1_000})


@pytest.fixture
def data(tmp_path):
    """A root with three files; what a plan is made of."""
    root = tmp_path / "data"
    for name, text in (("cat/1.jpg", "one"), ("cat/2.jpg", "one"), ("dog/1.jpg", "x")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def ask(data, path, **more):
    fields = {"why": "test", "records": ["s"], "label": "cat", "split": "train"}
    return Request(os.path.join(data, path), **{**fields, **more})


def plan(data, requests, *, action="quarantine", rules=Rules(), totals=MANY, **where):
    return make_plan(
        action,
        requests,
        where=Where(
            str(data),
            str(where.pop("alias", data)),
            where.pop("quarantine", quarantine_of("d", str(data.parent))),
            **where,
        ),
        totals=totals,
        rules=rules,
        folder=data.parent / "plans",
        options={"a": 1},
    )


def refused(data, *requests, **more):
    made = plan(data, requests, **more)
    assert made.count + sum(made.refused.values()) == len(requests)
    return dict(made.refused)


def kept_copy(data, path, sample="k"):
    digest = hashlib.sha256((data / path).read_bytes()).hexdigest()
    return (str(data / path), digest, sample)


def test_a_plan_changes_nothing_but_the_folder_of_plans(data):
    before = sorted(data.parent.rglob("*"))
    made = plan(data, [ask(data, "cat/1.jpg")])
    after = sorted(data.parent.rglob("*"))
    assert set(after) - set(before) == {data.parent / "plans", made.file}


def test_an_item_says_what_moves_where_and_why(data):
    made = plan(data, [ask(data, "cat/2.jpg", kept_copy=kept_copy(data, "cat/1.jpg"))])
    [item] = made.items()
    assert (item.number, item.source) == (0, "cat/2.jpg")
    assert item.target == "files/00000000.jpg"
    assert item.identity.size == 3
    assert item.kept_copy.path == str(data / "cat/1.jpg")
    assert item.kept_copy.sample == "k"
    assert (made.action, made.options) == ("quarantine", {"a": 1, "creates": []})


def test_an_empty_selection_is_an_empty_plan(data):
    assert plan(data, []).count == 0


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a.JPG", ".JPG"), ("a.tar.gz", ".gz"), ("a", ""), ("a.j pg", ""), (".jpg", "")],
)
def test_a_quarantined_file_keeps_a_plain_suffix_and_no_name(data, name, kept):
    (data / name).write_text("n")
    [item] = plan(data, [ask(data, name)]).items()
    assert item.target == f"files/00000000{kept}"


def test_what_was_asked_to_be_left_alone_is(data):
    assert refused(data, ask(data, "cat/1.jpg", refusal="it is tagged keep")) == {
        "it is tagged keep": 1
    }


@pytest.mark.parametrize(
    "path",
    ["/cwd/s3:/bucket/a.jpg", "https:/host/a.jpg", "/x/gs:/a.jpg", "s3://b/a.jpg"],
)
def test_a_remote_file_is_refused(data, path):
    request = Request(path, "test", ["s"])
    assert refused(data, request) == {"it is not on this machine": 1}


def test_a_folder_with_a_colon_is_local(data):
    (data / "12:30").mkdir()
    (data / "12:30/a.jpg").write_text("a")
    assert refused(data, ask(data, "12:30/a.jpg")) == {}


def test_a_file_in_quarantine_is_refused(data):
    path = f"{data}/.winnow-quarantine/d/x/files/0.jpg"
    assert refused(data, ask(data, path)) == {"it is in quarantine already": 1}


def test_a_file_outside_of_the_root_is_refused(data):
    (data.parent / "other.jpg").write_text("o")
    assert refused(data, ask(data, "/etc/passwd"), ask(data, f"{data}-2/a.jpg")) == {
        f"it is outside of {data}": 2
    }


def test_a_path_with_dots_is_refused(data):
    assert refused(data, ask(data, "cat/../dog/1.jpg")) == {
        "its path has '..', which may lead through a link": 1
    }


@pytest.mark.parametrize("path", ["cat/a\0b.jpg", "cat/\ud800.jpg"])
def test_a_path_that_no_file_can_have_is_refused(data, path):
    assert refused(data, ask(data, path)) == {"its path cannot be that of a file": 1}


def test_a_missing_file_is_refused(data):
    assert refused(data, ask(data, "cat/9.jpg")) == {"the file is missing": 1}


def test_a_link_and_a_file_behind_a_linked_folder_are_refused(data):
    (data / "cat/l.jpg").symlink_to("1.jpg")
    (data / "linked").symlink_to("cat")
    assert refused(data, ask(data, "cat/l.jpg"), ask(data, "linked/1.jpg")) == {
        "it is a symbolic link": 1,
        "its path goes through a symbolic link": 1,
    }


def test_what_is_not_a_regular_file_is_refused(data):
    os.mkfifo(data / "cat/pipe.jpg")
    (data / "cat/folder.jpg").mkdir()
    assert refused(data, ask(data, "cat/pipe.jpg"), ask(data, "cat/folder.jpg")) == {
        "it is not a regular file": 2
    }


def test_a_read_only_file_is_protected(data):
    (data / "cat/1.jpg").chmod(0o444)
    assert refused(data, ask(data, "cat/1.jpg")) == {
        "it is read-only, which protects it": 1
    }


def test_a_file_with_other_names_is_refused_unless_it_is_said(data):
    os.link(data / "cat/1.jpg", data / "cat/3.jpg")
    why = "it has other names (hard links): no space would be freed"
    both = ask(data, "cat/1.jpg"), ask(data, "cat/3.jpg")
    assert refused(data, *both) == {why: 2}
    assert refused(data, *both, rules=Rules(allow_hardlinks=True)) == {
        "it is the same file as another of the plan": 1
    }


def test_one_file_asked_for_twice_is_one_item(data):
    assert refused(data, ask(data, "cat/1.jpg"), ask(data, "cat//1.jpg")) == {
        "it is the same file as another of the plan": 1
    }


def test_a_kept_copy_must_be_there_and_be_another_file_that_stays(data):
    other = kept_copy(data, "cat/1.jpg")
    gone = (str(data / "cat/9.jpg"), other[1], "k")
    itself = kept_copy(data, "cat/2.jpg")
    away = (f"{data}/.winnow-quarantine/d/x/files/0.jpg", other[1], "k")
    (data / "cat/folder").mkdir()
    no_file = (str(data / "cat/folder"), other[1], "k")
    for kept, why in (
        (gone, "the copy to keep is not there"),
        (no_file, "the copy to keep is not there"),
        (itself, "the copy to keep would be removed as well"),
        (away, "the copy to keep is in quarantine"),
    ):
        assert refused(data, ask(data, "cat/2.jpg", kept_copy=kept)) == {why: 1}
    os.link(data / "cat/2.jpg", data / "cat/3.jpg")
    request = ask(data, "cat/2.jpg", kept_copy=kept_copy(data, "cat/3.jpg"))
    assert refused(data, request, rules=Rules(allow_hardlinks=True)) == {
        "it and the copy to keep are one file": 1
    }


def test_a_copy_that_would_go_as_well_justifies_nothing(data):
    requests = [
        ask(data, "cat/1.jpg", kept_copy=kept_copy(data, "cat/2.jpg")),
        ask(data, "cat/2.jpg", kept_copy=kept_copy(data, "cat/1.jpg")),
    ]
    assert refused(data, *requests) == {"the copy to keep would be removed as well": 2}


def test_the_root_may_be_spelled_with_a_link(data):
    alias = data.parent / "alias"
    alias.symlink_to(data)
    request = Request(f"{alias}/cat/1.jpg", "test", ["s"])
    keeper = (f"{alias}/cat/1.jpg", kept_copy(data, "cat/1.jpg")[1], "k")
    copy = Request(f"{alias}/cat/2.jpg", "test", ["s"], kept_copy=keeper)
    [item] = plan(data, [request], alias=alias).items()
    assert item.source == "cat/1.jpg"
    assert refused(data, request, copy, alias=alias) == {
        "the copy to keep would be removed as well": 1
    }


def test_a_label_alone_moves_nothing_and_needs_no_file(data):
    made = plan(data, [ask(data, "gone.jpg", stays=True)], action="retag")
    [item] = made.items()
    assert (item.target, item.identity, made.moves) == (None, None, 0)


# Where files go


def test_a_move_takes_the_next_free_name(data):
    (data / "cat/x.jpg").write_text("taken")
    requests = [
        ask(data, "cat/1.jpg", target="dog/1.jpg"),
        ask(data, "cat/2.jpg", target="dog/1.jpg"),
        ask(data, "dog/1.jpg", target="cat/x.jpg"),
    ]
    made = plan(data, requests, target_root=str(data))
    targets = [item.target for item in made.items()]
    assert targets == ["dog/1-2.jpg", "dog/1-3.jpg", "cat/x-2.jpg"]


def test_a_link_that_leads_nowhere_takes_a_name(data):
    (data / "dog/9.jpg").symlink_to("nowhere")
    request = ask(data, "cat/1.jpg", target="dog/9.jpg")
    [item] = plan(data, [request], target_root=str(data)).items()
    assert item.target == "dog/9-2.jpg"


def test_a_file_that_is_there_already_is_refused(data):
    request = ask(data, "cat/1.jpg", target="cat/1.jpg")
    assert refused(data, request, target_root=str(data)) == {"it is there already": 1}


def test_a_name_that_would_be_too_long_is_refused(data):
    long = "dog/" + "é" * 125 + ".jpg"
    (data / long).write_text("taken")
    request = ask(data, "cat/1.jpg", target=long)
    assert refused(data, request, target_root=str(data)) == {
        "its new name would be too long": 1
    }


def test_the_folders_that_an_action_makes_are_known(data):
    requests = [
        ask(data, "cat/1.jpg", target="new/deep/1.jpg"),
        ask(data, "cat/2.jpg", target="dog/2.jpg"),
    ]
    made = plan(data, requests, target_root=str(data))
    assert made.options["creates"] == ["new", "new/deep"]


# Limits


def test_a_class_a_split_and_the_data_set_are_never_emptied(data):
    cats = [ask(data, "cat/1.jpg"), ask(data, "cat/2.jpg")]
    dog = ask(data, "dog/1.jpg", label="dog")
    totals = Totals(10, {"cat": 2, "dog": 2}, {"train": 5})
    assert refused(data, *cats, dog, totals=totals) == {
        "nothing would be left of class cat": 2
    }
    totals = Totals(10, {"cat": 9, "dog": 9}, {"train": 3})
    assert refused(data, *cats, dog, totals=totals) == {
        "nothing would be left of split train": 3
    }
    totals = Totals(3, {"cat": 9, "dog": 9}, {"train": 9})
    assert refused(data, *cats, dog, totals=totals) == {
        "nothing would be left of data set": 3
    }
    assert refused(data, *cats, totals=totals, rules=Rules(may_empty=True)) == {}


def test_samples_are_counted_not_files(data):
    request = ask(data, "cat/1.jpg", records=["a", "b"])
    totals = Totals(100, {"cat": 2}, {"train": 50})
    assert refused(data, request, totals=totals) == {
        "nothing would be left of class cat": 1
    }


def test_much_without_a_copy_that_stays_must_be_said_twice(data):
    totals = Totals(100, {"cat": 10}, {"train": 50})
    cats = [ask(data, "cat/1.jpg"), ask(data, "cat/2.jpg")]
    assert (
        "2 of the 10 samples of class 'cat'"
        in plan(data, cats, totals=totals).needs_count
    )
    copy = ask(data, "cat/2.jpg", kept_copy=kept_copy(data, "cat/1.jpg"))
    (data / "cat/3.jpg").write_text("3")
    single = ask(data, "cat/3.jpg")
    assert plan(data, [copy, single], totals=totals).needs_count is None


# Where the quarantine can be


def test_a_root_or_a_base_that_is_not_there_is_an_error(data):
    with pytest.raises(ActionError, match="There is no folder .*missing, so nothing"):
        plan(data / "missing", [])
    with pytest.raises(ActionError, match="for the quarantine. Give quarantine="):
        plan(data, [], quarantine=quarantine_of("d", str(data / "missing")))


def test_progress_is_told(data):
    for number in range(2_000):
        (data / f"{number}.jpg").write_text("n")
    seen = []
    make_plan(
        "quarantine",
        [ask(data, f"{number}.jpg") for number in range(2_000)],
        where=Where(str(data), str(data), quarantine_of("d", str(data.parent))),
        totals=Totals(10_000, {"cat": 9_000}, {"train": 9_000}),
        rules=Rules(),
        folder=data.parent / "plans",
        options={},
        on_progress=seen.append,
    )
    assert [(report.done, report.total) for report in seen] == [(2_000, 2_000)]


def test_a_plan_counts_what_it_has(data):
    made = plan(data, [ask(data, "cat/1.jpg"), ask(data, "cat/9.jpg")])
    assert (made.count, made.moves, made.bytes) == (1, 1, 3)
    assert made.classes == Counter(cat=1)
    assert [(r.path, r.reason) for r in made.refusals] == [
        (str(data / "cat/9.jpg"), "the file is missing")
    ]
