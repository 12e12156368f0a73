import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.common.text import (
    counted,
    cut_middle,
    escape_markdown,
    first_of,
    plain,
    share_text,
    size_text,
)


@pytest.mark.parametrize(
    ("count", "of", "text"),
    [
        (0, 5, "0"),
        (1, 3000, "<\xa00.1"),
        (3, 3000, "0.1"),
        (37, 1000, "3.7"),
        (1, 0, "0"),
    ],
)
def test_a_share_is_never_rounded_to_nothing(count, of, text):
    assert share_text(count, of) == f"{text}\xa0%"


def test_sizes_have_units():
    assert size_text(999) == "999 bytes"
    assert size_text(1_234_567) == "1.2 MB"


def test_long_names_keep_their_start_and_their_end():
    assert cut_middle("IMG_20230617_0147.jpg", 14) == "IMG_…_0147.jpg"
    assert cut_middle("0147.jpg", 8) == "0147.jpg"


@given(st.text(), st.integers(1, 40))
def test_what_is_cut_is_as_long_as_it_may_be(text, most):
    assert len(cut_middle(text, most)) == min(len(text), most)


def test_what_turns_or_ends_a_line_is_spelled_out():
    assert plain("a\nb\u202egpj.exe") == "a\\nb\\u202egpj.exe"
    assert plain("größe 图 3\xa0%") == "größe 图 3\xa0%"


def test_markdown_shows_just_the_text():
    shown = escape_markdown("a|b <img src=x> [l](u) `c` *d* https://e www.f")

    assert shown == (
        "a\\|b \\<img src=x\\> \\[l\\](u) \\`c\\` \\*d\\* https\\://e www\\.f"
    )


@given(st.text())
def test_markdown_has_one_line_and_no_bare_mark(text):
    shown = escape_markdown(text)

    assert "\n" not in shown and "\r" not in shown
    for at, one in enumerate(shown):
        if one in "|<>`*[]":
            assert shown[at - 1] == "\\"


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ""),
        (1, "a"),
        (2, "a, b"),
        (3, "a, b and 1 more"),
        (1202, "a, b and 1,200 more"),
    ],
)
def test_the_first_of_many_are_named_and_the_others_counted(count, said):
    assert first_of(["a", "b", *["c"] * 1200][:count], 2) == said


def test_one_thing_has_no_plural():
    assert counted(1, "scene") == "1 scene"
    assert counted(0, "scene") == "0 scenes"
    assert counted(2_000, "scene") == "2,000 scenes"
