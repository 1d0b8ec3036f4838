"""Paper ballots of a session on site: copied into sheets without a name, read back sheet by sheet."""

import io
from datetime import UTC, datetime
from decimal import Decimal

import openpyxl
import pytest

import templates
from scheduler import rating_form, spreadsheets
from scheduler.rating_form import form, paper_form
from scheduler.rating_reading import number_in, read_paper
from scheduler.spreadsheets import Cell
from scoring.ballots import ABSTAIN
from scoring.loading import load
from scoring.rating import Given
from scoring.survey_tables import Survey
from store.people import Department

JILIN = load("jilin-2021")
UNITS = [
    Department(id=11, code="fin", name="财政局", kind="bureau"),
    Department(id=12, code="com", name="商务局", kind="bureau"),
    Department(id=13, code="pub", name="公安分局", kind="bureau"),
    Department(id=14, code="zone-2", name="南岗街道", kind="bureau"),
]


def of_a_person() -> bytes:
    at = datetime(2021, 12, 1, tzinfo=UTC)
    survey = Survey(id=3, year=2021, panel="leaders", departments=[], opened_by=1, opened_at=at, closes_at=at)
    return form(JILIN, survey, 17, "周主任", UNITS, {11: Given(total=Decimal(3))})


def paper(count: int, *cells: tuple[int, str, Cell], panel: str = "leaders") -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(paper_form(JILIN, panel, UNITS, count)))
    for number, cell, value in cells:
        book.worksheets[number - 1][cell] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_paper_ballots_are_read_sheet_by_sheet_and_empty_ones_left_out() -> None:
    even = [(1, f"{column}6", 6) for column in "DEFGH"]
    found = read_paper(paper(4, *even, (1, "J7", 20), (3, "K6", "√")), JILIN, "leaders", UNITS)
    assert found.faults == ()
    assert found.empty == 2
    first, third = found.sheets
    assert {key: ballot.scores for key, ballot in first.items()} == {
        11: (Decimal(6),) * 5, 12: Decimal(20), 13: ABSTAIN, 14: ABSTAIN
    }  # fmt: skip
    assert {ballot.scores for ballot in third.values()} == {ABSTAIN}


def test_paper_ballots_carry_no_name_and_belong_to_nobody() -> None:
    book = openpyxl.load_workbook(io.BytesIO(paper_form(JILIN, "leaders", UNITS, 3)))
    assert book.sheetnames == ["票1", "票2", "票3"]
    said = "".join(str(cell.value or "") for row in book.worksheets[0].iter_rows() for cell in row)
    assert "评议人" not in said
    assert number_in(spreadsheets.read(paper_form(JILIN, "leaders", UNITS, 1))) is None


def test_faults_of_paper_ballots_are_named_by_sheet_and_cell() -> None:
    found = read_paper(paper(3, (1, "J6", 31), (2, "D6", 6), (3, "J6", 20)), JILIN, "leaders", UNITS)
    assert found.sheets == ()
    said = [(one.sheet, one.cell, one.code) for one in found.faults]
    assert said == [("票1", "J6", "rating_out_of_range"), *(("票2", f"{column}6", "required") for column in "EFGH")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (of_a_person, "paper_of_a_person"),
        (lambda: paper(1, (1, "J6", 3), panel="enterprises"), "paper_of_another"),
        (lambda: paper(2), "paper_empty"),
        (lambda: paper(1, (1, "B3", None), (1, "J6", 3)), "layout_unknown"),
        (lambda: b"%PDF-1.4", "not_a_spreadsheet"),
        (lambda: b"PK\x03\x04 broken", "damaged"),
    ],
)
def test_what_is_no_paper_ballot_of_the_panel_is_refused(content, code: str) -> None:
    found = read_paper(content(), JILIN, "leaders", UNITS)
    assert [one.code for one in found.faults] == [code]
    assert found.sheets == ()
    [fault] = found.faults
    assert templates.render("faults", code=fault.code, **fault.facts)


@pytest.mark.parametrize("count", [0, rating_form.MOST_BALLOTS + 1])
def test_so_many_sheets_are_not_to_be_had(count: int) -> None:
    with pytest.raises(ValueError, match="ballots"):
        paper_form(JILIN, "leaders", UNITS, count)
