import pytest

from core.curation import policy
from core.errors import InputError
from core.findings.object_registry import OBJECT_FINDINGS
from core.findings.registry import FINDINGS, image_finding
from core.findings.schema import FIELDS
from core.objects.findings import ATTRIBUTES

NAMES = {spec.name for spec in FIELDS}
BOOLEAN = {spec.name for spec in FIELDS if spec.type == "bool"}
each = pytest.mark.parametrize("finding", FINDINGS.values(), ids=list(FINDINGS))


@each
def test_a_finding_names_fields_that_a_scan_writes(finding):
    assert finding.sort_by in NAMES
    assert not finding.flag or finding.flag in BOOLEAN


@each
def test_what_has_no_line_of_its_own_is_covered_by_one_that_has(finding):
    covering = finding.part_of or finding.counted_with
    assert finding.has_line != bool(covering)
    if covering:
        assert FINDINGS[covering].has_line
        assert FINDINGS[covering].section == finding.section


@each
def test_a_policy_knows_each_finding_with_a_line_and_its_parts(finding):
    words = [finding.words, *finding.parts]
    if finding.has_line:
        for word in words:
            (rule,) = policy.parse_policy(f"no {word}")
            assert rule.finding == word
    else:
        covering = FINDINGS[finding.part_of or finding.counted_with]
        assert set(words) & set(policy.FINDINGS) <= set(covering.parts)


def test_a_label_and_a_name_stand_for_one_finding():
    assert all(name == finding.name for name, finding in FINDINGS.items())
    assert len({finding.label for finding in FINDINGS.values()}) == len(FINDINGS)


def test_findings_of_objects_name_attributes_and_are_counted_in_objects():
    names = {spec.name for spec in ATTRIBUTES}
    for name, finding in OBJECT_FINDINGS.items():
        assert finding.name == name not in FINDINGS
        assert finding.unit == "objects" and finding.has_line
        assert finding.sort_by in names
        assert not finding.flag or finding.flag in names & BOOLEAN
        (rule,) = policy.parse_policy(f"{finding.words} <= 2 %")
        (verdict,) = policy.judge([rule], {"images": 1, "objects": 100, name: 3}, {})
        assert not verdict.passed and "3 of 100 objects" in str(verdict)
        assert verdict.to_dict()["objects"] == 100


def test_what_works_on_images_says_why_it_takes_no_finding_of_objects():
    assert image_finding("outliers").name == "outliers"
    with pytest.raises(InputError, match="'bad_boxes' is a finding of objects"):
        image_finding("bad_boxes")
    with pytest.raises(InputError, match="no finding 'boxes'"):
        image_finding("boxes")
