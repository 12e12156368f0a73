import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from core.report.as_csv import write_csv


def read_back(headers, rows):
    file = io.StringIO(newline="")
    write_csv(file, headers, rows)
    return [*csv.reader(io.StringIO(file.getvalue(), newline=""))]


def test_values_are_written_as_a_spreadsheet_reads_them():
    row = ('a,b\n"c".jpg', None, 0.25, True, ["train", "valid"], -1)

    assert read_back("abcdef", [row]) == [
        [*"abcdef"],
        ['a,b\n"c".jpg', "", "0.25", "True", "train, valid", "-1"],
    ]


@given(st.sampled_from("=+-@\t"), st.text(st.characters(codec="utf-8")))
def test_no_name_of_a_file_is_a_formula(first, rest):
    (_, (cell,)) = read_back(["filepath"], [[first + rest]])

    assert cell == "'" + first + rest.replace("\0", "")
