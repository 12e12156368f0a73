import json
from pathlib import Path

import fiftyone as fo
import fiftyone.operators as foo
import pandas
import pytest
from fiftyone.core.odm import get_db_conn
from fiftyone.operators.executor import ExecutionContext, Executor

EVIL = "<img src=x onerror=alert(1)>&`|.png"


def operator(name):
    return foo.get_operator(f"@winnow/curate/{name}")


def form(name, dataset, params=None):
    request = {"dataset_name": dataset.name, "params": params or {}}
    ctx = ExecutionContext(request_params=request, executor=Executor())
    return operator(name).resolve_type(ctx, "inputs").type.properties


def sections(written):
    return json.loads(written.json.read_text())["sections"]


def galleries(written, section):
    return sections(written)[section]["galleries"]


@pytest.fixture
def scanned(dataset, scan, folder):
    """Copies across splits and labels, an evil name, a dark image, a broken file."""
    from PIL import Image

    (folder / "05.png").write_bytes(b"no image")
    Image.new("RGB", (64, 64), (2, 2, 2)).save(folder / "06.png")
    (folder / "19.png").rename(folder / EVIL)
    last = dataset.match({"filepath": {"$regex": "19.png$"}}).first()
    last["filepath"] = str(folder / EVIL)
    last.save()
    scan(
        dataset,
        label_field="ground_truth",
        split_by=["train", "test"],
        min_label_score=60,
        max_outlier_distance=0.2,
    )
    return dataset


def test_a_report_has_the_copies_from_and_to(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out")

    (exact,) = galleries(written, "duplicates").values()
    pairs = {
        frozenset((pair["from"]["path"], pair["to"]["path"])): pair
        for pair in exact["pairs"]
    }
    assert set(pairs) == {frozenset(("00.png", EVIL)), frozenset(("01.png", "18.bmp"))}
    assert pairs[frozenset(("01.png", "18.bmp"))]["kind"] == "pixels"
    assert {pair["similarity"] for pair in pairs.values()} == {1.0}
    assert exact["total"] == 2
    html = written.html.read_text()
    assert '<p class="role">Goes</p>' in html and '<p class="role">Stays</p>' in html


def test_a_report_pairs_leaks_and_conflicts_across(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out")

    leaks = galleries(written, "leaks")["leaks"]["pairs"]
    assert len(leaks) == 2
    assert {(p["from"]["split"], p["to"]["split"]) for p in leaks} == {
        ("train", "test")
    }
    conflicts = galleries(written, "conflicts")["conflicts"]["pairs"]
    assert len(conflicts) == 2
    assert all(p["from"]["label"] != p["to"]["label"] for p in conflicts)
    matrix = sections(written)["leaks"]["tables"]["matrix"]["rows"]
    assert matrix[0] == {"": "train", "in train": "", "in test": 2}


def test_a_report_lists_outliers_labels_bad_and_unreadable_files(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out")

    found = sections(written)
    outliers = found["outliers"]["galleries"]["outliers"]
    distances = [pair["distance"] for pair in outliers["pairs"]]
    assert outliers["total"] == scanned.match({"outlier": True}).count() > 0
    assert distances == sorted(distances, reverse=True)
    assert all(pair["to"] for pair in outliers["pairs"])
    labels = found["labels"]["galleries"]["labels"]["pairs"]
    assert [pair["score"] for pair in labels] == sorted(
        pair["score"] for pair in labels
    )
    assert found["labels"]["count"] == scanned.match({"label_issue": True}).count() > 0
    dark = found["bad_images"]["galleries"]["dark"]["pairs"]
    assert [pair["from"]["path"] for pair in dark] == ["06.png"]
    (file,) = found["unreadable"]["tables"]["files"]["rows"]
    assert file["File"] == "05.png" and file["Reason"] == "unsupported"
    assert "not a supported image format" in file["In words"]


def test_a_report_names_no_folder_of_the_machine_and_escapes_names(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out")

    for path in (written.html, written.markdown, written.json):
        assert str(tmp_path) not in path.read_text()
    html = written.html.read_text()
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;`|.png" in html
    assert html.count("data:image/jpeg;base64,") > 10
    assert (
        "\\<img src=x onerror=alert(1)\\>\\&\\`\\|.png" in written.markdown.read_text()
    )


def test_a_report_says_how_thresholds_were_chosen_and_by_what_model(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out")

    run = json.loads(written.json.read_text())["run"]
    assert run["counts"]["images"] == 20 and run["counts"]["removable_bytes"] > 0
    assert run["rules"]["max_outlier_distance"] == "given"
    assert len(run["model_sha256"]) == 64 and run["model_sha256"] in (
        written.html.read_text()
    )
    assert 0 < run["expected"]["copy_recall"] <= 1
    assert "fiftyone" in run["versions"]
    rows = sections(written)["thresholds"]["tables"]["expected"]["rows"]
    assert {"Change": "resized", "Found": "100 %"} in rows


def test_a_report_tells_what_was_done_and_how_to_undo_it(scanned, tmp_path):
    quarantine = operator("quarantine")
    plan = quarantine(scanned, "duplicates", include_conflicts=True)
    done = quarantine(scanned, plan_id=plan.plan_id, dry_run=False, expect_count=2)
    here = scanned.match_tags("quarantined", bool=False)
    operator("decide")(here.limit(1), "keep")

    written = operator("report")(scanned, tmp_path / "out")

    actions = sections(written)["actions"]
    (row,) = actions["tables"]["history"]["rows"]
    assert row["Key"] == done.key and row["Images"] == row["Can go back"] == 2
    assert actions["tables"]["decisions"]["rows"][0]["Images"] == 1
    assert sections(written)["duplicates"]["count"] == 0
    assert done.key in written.html.read_text()


def test_a_report_of_a_scan_without_labels_and_splits_says_so(dataset, scan, tmp_path):
    scan(dataset)

    found = sections(operator("report")(dataset, tmp_path / "out"))

    assert found["leaks"]["text"] == ["Not looked for: no splits were given."]
    assert found["labels"]["text"] == ["Not looked for: no labels were given."]
    assert found["conflicts"]["count"] is None


def test_a_report_tells_that_samples_came_and_went(scanned, tmp_path, draw):
    draw(77).save(tmp_path / "new.png")
    scanned.delete_samples(scanned.limit(2))
    scanned.add_sample(fo.Sample(filepath=str(tmp_path / "new.png")))

    written = operator("report")(scanned, tmp_path / "out")

    notes = json.loads(written.json.read_text())["notes"]
    assert "1 images were added after the scan" in notes[0]
    assert "2 images were removed from the data set" in notes[1]


def test_a_prefix_has_a_report_of_its_own(dataset, scan, tmp_path):
    scan(dataset, prefix="fine")

    written = operator("report")(dataset, tmp_path / "out", prefix="fine")

    assert sections(written)["duplicates"]["count"] == 4
    assert galleries(written, "duplicates")["exact"]["total"] == 2


def test_a_report_has_a_title_and_a_verdict(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out", title=" Spring <b> ")

    said = json.loads(written.json.read_text())
    assert said["title"] == "Spring <b>" and said["dataset"] == scanned.name
    counts = said["run"]["counts"]
    assert said["verdict"].startswith(
        f"To mend before use: {counts['leaks_to_remove']} images that leak between "
        f"splits, {counts['conflicts']} clusters of copies with two labels and 1 file "
    )
    assert "<h1><bdi>Spring &lt;b&gt;</bdi></h1>" in written.html.read_text()


def test_the_csv_has_every_image_of_every_finding(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out", top=1)

    rows = pandas.read_csv(written.csv)
    counts = json.loads(written.json.read_text())["run"]["counts"]
    found = rows.finding.value_counts()
    for finding in ("duplicates", "outliers", "label_issues", "leaks"):
        assert found[finding] == counts[finding] > 0
    assert found["not_read"] == counts["unreadable"] == 1
    copy = rows[(rows.finding == "duplicates") & (rows.filepath == "18.bmp")].iloc[0]
    assert copy.copy_of == "01.png" or copy.dup_keeper
    assert set(rows[rows.finding == "outliers"].nearest) <= set(rows.filepath) | {
        Path(path).name for path in scanned.values("filepath")
    }
    assert str(tmp_path) not in written.csv.read_text("utf-8")


def test_each_finding_has_a_chart(scanned, tmp_path):
    html = operator("report")(scanned, tmp_path / "out").html.read_text()

    for title in (
        "Outlier distances of all images",
        "Label scores of all images",
        "Images with a copy in another split",
    ):
        assert f'role="img" aria-label="{title}' in html


def test_top_limits_every_gallery_and_the_rest_is_counted(scanned, tmp_path):
    written = operator("report")(scanned, tmp_path / "out", top=1)

    for section in sections(written).values():
        for gallery in section["galleries"].values():
            assert gallery["shown"] == 1
    assert "The first 1 of 2 clusters; 1 more." in written.html.read_text()


OF_THE_CSV = ("$match", "$match", "$sort", "$project")


def pipeline_of(profiled):
    asked = profiled.get("originatingCommand", profiled.get("command", {}))
    return asked.get("pipeline", [])


def test_a_report_reads_pages_never_all_samples(scanned, tmp_path):
    """The database itself tells how many documents it sent."""
    samples, copies = scanned._sample_collection, 200
    steps = [
        {"$set": {"n": {"$range": [1, copies]}}},
        {"$unwind": "$n"},
        {
            "$set": {
                "dup_cluster": {
                    "$cond": [
                        {"$gt": ["$dup_cluster", None]},
                        {"$add": ["$dup_cluster", {"$multiply": ["$n", 100]}]},
                        None,
                    ]
                }
            }
        },
        {"$unset": ["_id", "n"]},
        {"$merge": samples.name},
    ]
    samples.aggregate(steps)
    assert scanned.count() == 20 * copies
    database = get_db_conn()
    database.command("profile", 2)
    try:
        written = operator("report")(scanned, tmp_path / "out", top=3)
    finally:
        database.command("profile", 0)

    asked = list(
        database["system.profile"].find({"ns": f"{database.name}.{samples.name}"})
    )
    database["system.profile"].drop()
    # findings.csv holds every image, and is written from whole findings
    stages = [tuple(map(next, map(iter, pipeline_of(one)))) for one in asked]
    assert stages.count(OF_THE_CSV) > 3
    sent = [
        one.get("nreturned", 0)
        for one, its in zip(asked, stages, strict=True)
        if its != OF_THE_CSV
    ]
    assert len(sent) > 10
    # Pages of three, kinds, or bins; the unreadable are listed a hundred at most
    assert sorted(sent)[-2] <= 40 and max(sent) == 100
    assert galleries(written, "duplicates")["exact"]["total"] == 2 * copies
    assert written.bytes < 500_000


def test_a_report_never_replaces_one_unasked(scanned, tmp_path):
    report = operator("report")
    report(scanned, tmp_path)
    (tmp_path / "report.html").write_text("mine")

    with pytest.raises(Exception, match="already holds report.html, report.md"):
        report(scanned, tmp_path)

    assert (tmp_path / "report.html").read_text() == "mine"
    report(scanned, tmp_path, overwrite=True)
    assert "Winnow report" in (tmp_path / "report.html").read_text()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"output_dir": " "}, "Choose a folder"),
        ({"output_dir": __file__}, "is a file"),
        ({"top": 0}, "whole number from 1 to 10,000"),
        ({"top": True}, "whole number from 1 to 10,000"),
    ],
)
def test_choices_that_cannot_work_write_nothing(scanned, tmp_path, choices, words):
    chosen = {"output_dir": tmp_path / "out", **choices}

    with pytest.raises(Exception, match=words):
        operator("report")(scanned, **chosen)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["report", "audit"])
def test_without_a_scan_the_form_says_so_and_cannot_be_sent(dataset, name):
    refused = [part for part in form(name, dataset).values() if part.invalid]

    assert any("has not been scanned" in part.error_message for part in refused)


def test_the_report_form_says_what_will_be_written_or_why_not(scanned, tmp_path):
    folder = {"absolute_path": str(tmp_path / "new")}

    asked = form("report", scanned, {"output_dir": folder})
    assert "of 20 images" in asked["status"].view.label

    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "report.md").write_text("mine")
    asked = form("report", scanned, {"output_dir": folder})
    assert "already holds report.md" in asked["problem"].error_message


def test_the_app_gets_a_link_to_the_report(scanned, tmp_path):
    params = {"output_dir": {"absolute_path": str(tmp_path / "out")}, "top": 2}
    request = {"dataset_name": scanned.name, "params": params}
    ctx = ExecutionContext(request_params=request, executor=Executor())

    messages = [message.body for message in operator("report").execute(ctx)]

    (card,) = [m for m in messages if m.operator_uri == "show_output"]
    assert "[Open the report](/media?filepath=" in card.params["results"]["text"]
    assert (tmp_path / "out" / "report.html").exists()


def test_an_audit_says_which_rules_fail(scanned):
    audit = operator("audit")

    report = audit(scanned, "no leaks, exact duplicates <= 20 %, unreadable <= 4 %")

    assert not report.passed
    assert [one.rule.finding for one in report.failed] == ["leaks", "unreadable"]
    text = str(report)
    assert "(20 images) fails 2 of 3 rules" in text
    assert "FAILED  unreadable <= 4 %: 1 of 20 images (5.0\xa0%), none allowed" in text
    assert "passed  exact duplicates <= 20 %: 4 of 20 images" in text
    assert audit(scanned, "conflicts <= 2; dark = 1").passed


def test_an_audit_of_what_was_not_looked_for_fails(dataset, scan):
    scan(dataset)

    report = operator("audit")(dataset, "no leaks; label issues <= 5 %; no conflicts")

    assert len(report.failed) == 3
    assert "not looked for, no splits were given" in str(report)


def test_an_audit_does_not_vouch_for_images_that_came_or_went(scanned, tmp_path, draw):
    draw(77).save(tmp_path / "new.png")
    scanned.add_sample(fo.Sample(filepath=str(tmp_path / "new.png")))
    with pytest.raises(Exception, match="1 images were added and 0 removed"):
        operator("audit")(scanned, "no leaks")

    scanned.delete_samples(scanned.limit(2))
    with pytest.raises(Exception, match="1 images were added and 2 removed"):
        operator("audit")(scanned, "no leaks")


def test_an_audit_follows_what_was_put_away(scanned):
    quarantine = operator("quarantine")
    plan = quarantine(scanned, "duplicates", include_conflicts=True)
    quarantine(scanned, plan_id=plan.plan_id, dry_run=False, expect_count=2)

    report = operator("audit")(scanned, "no duplicates, no leaks")

    assert report.passed and report.images == 18


def test_a_policy_of_nothing_or_of_unknown_words_is_refused(scanned):
    with pytest.raises(Exception, match="at least one rule"):
        operator("audit")(scanned, " , ")
    with pytest.raises(Exception, match="Did you mean 'leaks'"):
        operator("audit")(scanned, "no leeks")

    asked = form("audit", scanned, {"policy": "no leeks"})
    assert "Did you mean 'leaks'" in asked["problem"].error_message


def test_the_audit_form_shows_the_verdicts(scanned):
    asked = form("audit", scanned, {"policy": "no leaks"})

    assert "fails 1 of 1 rules" in asked["verdicts"].default


def test_an_audit_run_by_the_app_returns_the_rules(scanned):
    result = foo.execute_operator(
        "@winnow/curate/audit",
        dataset=scanned,
        params={"policy": "no leaks, dark <= 9"},
    ).result

    assert result["passed"] is False
    assert [rule["passed"] for rule in result["rules"]] == [False, True]
    assert "| **failed** | no leaks: 4 of 20 images" in result["text"]


def test_a_leak_is_shown_beside_its_copy_of_the_other_split(
    dataset, scan, folder, tmp_path
):
    """Two copies in one split, the keeper among them, and one in the other."""
    (folder / "02.png").write_bytes((folder / "00.png").read_bytes())
    for sample in dataset:
        sample.tags = ["right" if sample.filepath.endswith("19.png") else "left"]
        sample.save()
    scan(dataset, split_by=["left", "right"])

    written = operator("report")(dataset, tmp_path / "out")

    (pair,) = [
        pair
        for pair in galleries(written, "leaks")["leaks"]["pairs"]
        if pair["from"]["path"] in ("00.png", "02.png")
    ]
    assert (pair["from"]["split"], pair["to"]["path"]) == ("left", "19.png")
