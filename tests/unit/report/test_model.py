import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.report.as_html import as_html
from core.report.as_json import as_json
from core.report.as_markdown import as_markdown, cell_text
from core.report.model import (
    Bars,
    Gallery,
    Histogram,
    Matrix,
    Pair,
    Picture,
    Points,
    Report,
    Section,
    SummaryLine,
    Table,
    check_top,
)

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;|`[a](b)"


def report_on(name, total=2):
    """A report in which a name stands wherever text from files may stand."""
    one = Picture(f"{name}/1.jpg", name, name, b"small")
    other = Picture(f"{name}/2.jpg", name, None, None)
    pairs = (Pair(one, other, 0.987654, (name,), {"cluster": 3, "note": name}),)
    gallery = Gallery("near", name, (name, name), "clusters", total, pairs)
    alone = Gallery(
        "dark", "", ("Image", ""), "images", 1, (replace(pairs[0], target=None),)
    )
    table = Table(
        "files", name, (name, "Count"), ((name, 1234), (None, 0.25)), total + 1
    )
    bars = Bars(name, (name, "test"), ((name, (5, 2)), ("b", (0, 1))))
    spread = Histogram(name, (0.0, 0.5, 1.0), (999, 0), 0.5, name)
    matrix = Matrix(name, (name, "b"), ((3, 1), (0, 7)))
    points = Points(name, (("others", ((0.0, 0.5),)), (name, ((1.0, -1.0),) * 5)))
    parts = (table,), (gallery, alone), (bars,), (spread,), (matrix,), (points,)
    section = Section("duplicates", name, 2, (name,), *parts)
    return Report(
        title=name,
        verdict=name,
        dataset=name,
        images=1000,
        scanned_at=name,
        made_at=name,
        winnow=name,
        notes=(name,),
        summary=(SummaryLine("duplicates", name, 2, 0.002, (name,)),),
        sections=(section,),
        run={"model": name, "thresholds": {"min_copy_score": 0.6}},
    )


class Page(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.text.append(data)

    def of(self, tag, name):
        return [v for t, n, v in self.attributes if (t, n) == (tag, name)]


def test_no_name_becomes_a_tag_or_an_attribute_of_the_page():
    evil, tame = Page(as_html(report_on(EVIL))), Page(as_html(report_on("cats")))

    assert evil.tags == tame.tags
    assert [(t, n) for t, n, _ in evil.attributes] == [
        (t, n) for t, n, _ in tame.attributes
    ]
    assert EVIL in "".join(evil.text)


@settings(max_examples=25)  # each makes two pages
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_whatever_the_name_the_page_stays_the_same(name):
    page, tame = Page(as_html(report_on(name))), Page(as_html(report_on("cats")))

    assert page.tags == tame.tags
    json.loads(as_json(report_on(name)))
    lines = as_markdown(report_on(name)).splitlines()
    assert len(lines) == len(as_markdown(report_on("cats")).splitlines())


def test_a_path_breaks_before_the_name_and_a_long_class_shows_both_ends():
    html = as_html(report_on("a class with a very long name that ends in 0147"))

    assert "0147/<wbr>1.jpg</bdi>" in html
    assert re.search(r'class="name">a class[^<]*…[^<]*0147</text>', html)


def test_the_page_needs_nothing_but_itself():
    html = as_html(report_on("cats"))
    page = Page(html)

    assert "script" not in page.tags and "link" not in page.tags
    assert all(
        src.startswith("data:image/jpeg;base64,") for src in page.of("img", "src")
    )
    assert all(href.startswith("#") for href in page.of("a", "href"))
    assert "http" not in html.replace("http-equiv", "")
    assert any("default-src 'none'" in (v or "") for v in page.of("meta", "content"))


def test_every_picture_says_what_it_is_and_is_inside():
    page = Page(as_html(report_on("cats")))

    assert page.of("img", "alt") == ["Image of class cats in cats, file 1.jpg"] * 2
    assert base64.b64encode(b"small").decode() in page.of("img", "src")[0]
    assert page.of("div", "aria-label") == [
        "Image of class cats, file 2.jpg, no picture"
    ]


def test_dark_mode_and_print_have_their_styles():
    html = as_html(report_on("cats"))

    assert "@media (prefers-color-scheme: dark)" in html and "@media print" in html


@pytest.mark.parametrize("form", [as_html, as_markdown])
def test_what_is_left_out_is_counted(form):
    text = form(report_on("cats", total=1_000_000))

    assert "The first 1 of 1,000,000 clusters; 999,999 more." in text
    assert "The first 2 of 1,000,001 rows; 999,999 more." in text
    assert "more." not in form(report_on("cats", total=1))


def test_names_that_turn_around_are_spelled_out_in_all_forms():
    html, text = as_html(report_on("a\u202eb")), as_markdown(report_on("a\u202eb"))

    assert "\u202e" not in html and "a\\u202eb" in html
    assert "\u202e" not in text


def test_markdown_rows_have_as_many_cells_as_their_headers():
    lines = as_markdown(report_on(EVIL)).splitlines()

    rows = [line.replace("\\|", "").count("|") for line in lines if line[:1] == "|"]
    dashes = [n for n, line in enumerate(lines) if line.startswith("| :--")]
    assert rows and len(dashes) == 4
    for at in dashes:
        widths = {lines[at + n].replace("\\|", "").count("|") for n in (-1, 0, 1)}
        assert len(widths) == 1


def test_json_has_pairs_from_and_to_and_the_run_but_no_pictures():
    text = as_json(report_on("cats", total=7))
    found = json.loads(text)

    near = found["sections"]["duplicates"]["galleries"]["near"]
    assert (near["total"], near["shown"]) == (7, 1)
    assert near["pairs"] == [
        {
            "from": {"path": "cats/1.jpg", "label": "cats", "split": "cats"},
            "to": {"path": "cats/2.jpg", "label": "cats", "split": None},
            "similarity": 0.987654,
            "cluster": 3,
            "note": "cats",
        }
    ]
    files = found["sections"]["duplicates"]["tables"]["files"]
    assert files["rows"][0] == {"cats": "cats", "Count": 1234}
    assert found["run"]["thresholds"] == {"min_copy_score": 0.6}
    assert base64.b64encode(b"small").decode() not in text


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (1234567, "1,234,567"),
        (0.123456, "0.1235"),
        (12345.6, "12,346"),
        ("cats", "cats"),
    ],
)
def test_cells_are_numbers_that_people_read(cell, text):
    assert cell_text(cell) == text


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("train/cats/1.jpg", "train/cats/1.jpg"),
        ("train/1.jpg", "train/1.jpg (cats)"),
        ("1.jpg", "1.jpg (train, cats)"),
    ],
)
def test_markdown_says_split_and_class_where_no_folder_does(path, says):
    picture = Picture(path, "cats", "train", None)
    pair = Pair(picture, None, None, (), {})
    text = as_markdown(report_with(galleries=(one_gallery(pair),)))

    assert f"| {says} |" in text.replace("\\", "")


def test_columns_in_which_nothing_stands_are_left_out_of_markdown():
    pair = Pair(Picture("1.jpg", None, None, None), None, None, (), {})
    text = as_markdown(report_with(galleries=(one_gallery(pair),)))

    assert "| From |\n| :-- |\n| 1.jpg |" in text


@pytest.mark.parametrize("form", [as_html, as_markdown, as_json])
def test_a_section_of_text_alone_has_all_forms_and_no_count(form):
    text = form(report_with(text=("Nothing was found.",)))

    assert "Nothing was found." in text
    assert "None" not in text


def report_with(**parts):
    """A report of one section, without a count."""
    section = Section("things", "Things", None, **parts)
    return replace(report_on("cats"), sections=(section,))


def one_gallery(*pairs):
    return Gallery("some", "", ("From", "To"), "images", len(pairs), pairs)


def test_bars_are_as_long_as_their_numbers_and_say_them():
    html = as_html(report_on("cats"))

    page = Page(html)
    widths = re.findall(r'x="180"[^>]* width="(\d+\.\d)"', html)
    assert widths == ["460.0", "184.0", "0.0", "92.0"]
    assert page.tags.count("text") == 6 + 6 + 7
    assert 'role="img" aria-label="cats"' in html


def test_a_matrix_is_darker_where_more_of_a_row_is_and_says_the_counts():
    page = Page(as_html(report_on("cats")))

    # 3 and 1 of four, none and 7 of seven
    assert page.of("rect", "fill-opacity") == ["0.47", "0.20", "0.06", "0.60"]


def test_points_differ_in_form_and_the_legend_counts_them():
    html = as_html(report_on("cats"))

    page = Page(html)
    # One of the others, in the map and in the legend; five of the first kind
    assert html.count('<circle class="rest"') == 2
    assert page.of("circle", "cx").count("708.0") == 5
    assert "others 1" in "".join(page.text) and "cats 5" in "".join(page.text)


def test_no_two_of_thirty_kinds_of_points_have_the_same_form_and_color():
    groups = [("others", ((0.0, 0.0),))]
    groups += [(f"kind {number}", ((0.5, 0.5),)) for number in range(30)]

    html = as_html(report_with(points=(Points("Map", tuple(groups)),)))

    legend = html[html.index('<p class="legend">') :]
    signs = re.findall(r'<(circle|rect|path) class="(s\d)"[^>]*?(d="[^"]*")?/>', legend)
    assert len(set(signs[:30])) == 30


def test_a_histogram_has_a_bar_per_bin_and_a_line_at_its_threshold():
    page = Page(as_html(report_on("cats")))

    assert page.of("line", "x1") == page.of("line", "x2") == ["360.0"]
    heights = page.of("rect", "height")
    assert heights.count("120.0") == 1 and heights.count("0.0") == 1
    assert "0 to 0.5: 999" in page.text and "999 images;" in as_html(report_on("cats"))


@pytest.mark.parametrize("threshold", [None, 2.0])
def test_a_threshold_outside_of_the_values_is_not_drawn(threshold):
    spread = Histogram("Scores", (0.0, 0.5, 1.0), (3, 0), threshold, "")

    page = Page(as_html(report_with(histograms=(spread,))))

    assert "line" not in page.tags and page.tags.count("rect") == 2


def test_one_value_alone_is_a_histogram_too():
    spread = Histogram("Scores", (5.0, 5.0), (1,), 5.0, "")

    assert "line" not in Page(as_html(report_with(histograms=(spread,)))).tags


def test_each_pair_enlarges_by_a_checkbox_of_its_own():
    pairs = [
        Pair(Picture(f"{n}.jpg", "a", None, b"x"), None, None, (), {}) for n in (1, 2)
    ]
    page = Page(as_html(report_with(galleries=(one_gallery(*pairs),))))

    assert page.of("input", "id") == page.of("label", "for") == ["z1", "z2"]
    assert page.of("input", "aria-label")[0] == "Enlarge: Image of class a, file 1.jpg"


def test_what_does_not_fit_at_once_is_behind_a_click_and_in_the_page():
    pairs = [
        Pair(Picture(f"{n}.jpg", None, None, None), None, None, (), {})
        for n in range(25)
    ]
    page = Page(as_html(report_with(galleries=(one_gallery(*pairs),))))

    assert page.tags.count("details") == 1 and "Show 5 more" in page.text
    assert page.tags.count("li") == 25
    few = Page(as_html(report_with(galleries=(one_gallery(*pairs[:20]),))))
    assert "details" not in few.tags


@pytest.mark.parametrize("form", [as_html, as_markdown])
def test_the_title_and_the_verdict_stand_on_top(form):
    report = replace(report_on("cats"), title="Spring", verdict="Nothing was found.")
    text = form(report)

    assert 0 < text.index("Spring") < text.index("Nothing was found.")
    assert text.index("Nothing was found.") < text.index("1,000 images, scanned")


@pytest.mark.parametrize("top", [0, 10_001, True, "all", 2.5])
def test_galleries_show_a_whole_number_of_pairs(top):
    with pytest.raises(InputError, match="whole number from 1 to 10,000"):
        check_top(top)
