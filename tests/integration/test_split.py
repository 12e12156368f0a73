import fiftyone as fo
import fiftyone.operators as foo
import pytest
from fiftyone import ViewField as F
from fiftyone.operators.executor import ExecutionContext, Executor

HALVES = {"one": 0.5, "two": 0.5}


@pytest.fixture
def split():
    return foo.get_operator("@winnow/curate/split")


@pytest.fixture
def scanned(dataset, scan, folder):
    (folder / "05.png").write_bytes(b"no image")
    scan(dataset, label_field="ground_truth", split_by=["train", "test"])
    return dataset


def form(dataset, params=None):
    request = {"dataset_name": dataset.name, "params": params or {}}
    ctx = ExecutionContext(request_params=request, executor=Executor())
    operator = foo.get_operator("@winnow/curate/split")
    return operator.resolve_type(ctx, "inputs").type.properties


def test_a_proposal_changes_nothing(scanned, split):
    before = scanned.get_field_schema().keys()

    report = split(scanned)

    assert scanned.get_field_schema().keys() == before
    assert report.leaking == 4
    assert sum(report.moved.values()) == 2
    assert "Nothing has been changed" in str(report)


@pytest.mark.parametrize("shares", [None, HALVES])
def test_a_scan_by_the_new_split_finds_no_leak(scanned, split, scan, shares):
    assert scan(scanned, split_by=["train", "test"]).counts["leaks"] == 4

    report = split(scanned, shares, dry_run=False)

    assert report.written == "the field 'winnow_split'"
    assert scan(scanned, split_by="winnow_split").counts["leaks"] == 0
    assert scanned.count_sample_tags() == {"train": 10, "test": 10}


def test_the_unreadable_is_in_no_new_split_and_said_to_be(scanned, split):
    report = split(scanned, HALVES, dry_run=False)

    assert report.without == {"unreadable": 1}
    unread = scanned.match(F("filepath").ends_with("05.png"))
    assert unread.values("winnow_split") == [None]
    assert scanned.count_values("winnow_split") == {"one": 10, "two": 9, None: 1}


def test_groups_stay_together(scanned, split):
    paths = scanned.values("filepath")
    scanned.set_values("patient", [f"p{row // 4}" for row in range(len(paths))])

    report = split(scanned, HALVES, group_field="patient", dry_run=False)

    for patient in scanned.distinct("patient"):
        own = scanned.match(F("patient") == patient).exists("winnow_split")
        assert len(own.distinct("winnow_split")) <= 1
    assert report.largest >= 4


def test_a_fixed_split_stays_and_its_copies_are_left_out(scanned, split):
    report = split(scanned, fixed=["test"], field="mine", dry_run=False)

    assert report.left_out == 2
    test = scanned.match_tags("test")
    assert set(test.values("mine")) == {"test"}
    assert scanned.match_tags("train").count_values("mine") == {"train": 8, None: 2}


def test_tags_are_written_but_never_among_tags_in_use(scanned, split):
    split(scanned, HALVES, tag_prefix="fold ", dry_run=False)

    assert scanned.count_sample_tags()["fold one"] == 10
    with pytest.raises(Exception, match="'fold one' is in use already"):
        split(scanned, HALVES, tag_prefix="fold ", dry_run=False)
    with pytest.raises(Exception, match="'test' is in use already"):
        split(scanned, tag_prefix="", dry_run=False)


def test_only_a_field_of_its_own_is_written(scanned, split):
    scanned.add_sample_field("mine", fo.StringField)

    with pytest.raises(Exception, match="'mine' already exists"):
        split(scanned, HALVES, field="mine", dry_run=False)

    split(scanned, HALVES, dry_run=False)
    split(scanned, {"a": 0.5, "b": 0.5}, dry_run=False)
    assert set(scanned.distinct("winnow_split")) == {"a", "b"}


def test_of_a_view_only_its_images_are_given_a_split(scanned, split):
    split(scanned.match_tags("train"), HALVES, dry_run=False)

    assert scanned.match_tags("test").count("winnow_split") == 0
    assert scanned.match_tags("train").count("winnow_split") == 9


def test_what_was_decided_to_be_no_duplicate_may_be_parted(
    scanned, split, scan, folder, draw
):
    path = folder / "near.jpg"
    draw(9).resize((56, 56)).save(path, quality=90)
    near = scanned.add_sample(fo.Sample(str(path), tags=["test"]))
    scan(scanned, split_by=["train", "test"])
    assert split(scanned).bound == 6

    decide = foo.get_operator("@winnow/curate/decide")
    decide(scanned.select(near), "not_duplicate")

    assert split(scanned).bound == 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"fixed": ["tests"]}, "no split 'tests'"),
        ({"shares": HALVES, "fixed": ["test"]}, "either shares or fixed"),
        ({"shares": HALVES, "group_field": "nobody"}, "could name groups"),
        ({"shares": {"one": 50, "two": 50}}, "per cent"),
        ({"field": "two words"}, "cannot be a field's name"),
    ],
)
def test_a_choice_that_cannot_work_is_a_sentence(scanned, split, options, says):
    with pytest.raises(Exception, match=says):
        split(scanned, **options)


def test_without_splits_there_is_none_to_change(dataset, scan, split):
    scan(dataset)

    with pytest.raises(Exception, match="no present split"):
        split(dataset)


def test_the_form_shows_the_proposal_and_the_app_writes_it(scanned):
    asked = form(scanned, {"way": "new", "shares": "one 0.5, two 0.5"})

    assert "Split proposed: one 10, two 9" in asked["proposal"].default
    assert "fixed" not in asked
    params = {"way": "new", "shares": "one 0.5, two 0.5", "dry_run": False}
    result = foo.execute_operator(
        "@winnow/curate/split", dataset=scanned, params=params
    ).result
    assert result["sizes"] == {"one": 10, "two": 9}
    scanned.reload()
    assert scanned.count("winnow_split") == 19


def test_a_form_that_cannot_be_read_is_refused(scanned):
    asked = form(scanned, {"way": "new", "shares": "one half"})

    assert "Write for example" in asked["problem"].error_message


def test_without_a_scan_the_form_says_so(dataset):
    asked = form(dataset)

    assert "has not been scanned" in asked["problem"].error_message
