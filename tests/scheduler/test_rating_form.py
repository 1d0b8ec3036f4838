"""Forms of scores, out and back: what was written reads back as given, whatever spreadsheet programs do to it."""

import io
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import templates
from scheduler import spreadsheets
from scheduler.rating_form import columns_of, form, number_of, parsed_number
from scheduler.rating_reading import FormRead, number_in, read
from scheduler.spreadsheets import Cell, Sheet
from scoring.ballots import aspect_maxima
from scoring.loading import load
from scoring.rating import Given
from scoring.rulebook import RuleBook
from scoring.survey_tables import Survey
from store.people import Department

JILIN = load("jilin-2021")
"""Numbers; everybody has the same limits: 领导 30 points, the others 10, five aspects alike."""
BINHE = load(str(Path(__file__).parent.parent / "scoring" / "rulebooks" / "binhe-2023.toml"))
"""群众 choose tiers, 专家 give numbers; two aspects, 3:1."""
UNITS = [
    Department(id=11, code="fin", name="财政局", kind="bureau"),
    Department(id=12, code="com", name="商务局", kind="bureau", aliases="商务"),
    Department(id=13, code="pub", name="=公安<分>局", kind="bureau"),
    Department(id=14, code="zone-2", name="@南岗街道", kind="bureau"),
]
FIRST_ROW = 5
"""The first department's row, from 0: under title, panel, 表号, explanation and columns' titles."""


def survey(panel: str = "leaders", number: int = 3, year: int = 2021, hour: int = 1) -> Survey:
    return Survey(
        id=number, year=year, panel=panel, departments=[], opened_by=1,
        opened_at=datetime(2021, 12, 1, hour, tzinfo=UTC), closes_at=datetime(2021, 12, 20, 16, tzinfo=UTC),
    )  # fmt: skip


def written(
    given: Mapping[int, Given], rulebook: RuleBook = JILIN, panel: str = "leaders", units: Sequence[Department] = UNITS
) -> bytes:
    return form(rulebook, survey(panel), 17, "周主任", units, given)


BLANK = spreadsheets.read(written({}))


def changed(*cells: tuple[str, Cell], sheets: Sequence[Sheet] = BLANK) -> list[Sheet]:
    """The first sheet with other things in some cells, named as a spreadsheet names them."""
    rows = [list(row) for row in sheets[0].rows]
    for name, value in cells:
        column = ord(name[0]) - ord("A")
        number = int(name[1:]) - 1
        rows += [[None] * len(rows[0]) for _ in range(number + 1 - len(rows))]
        rows[number] += [None] * (column + 1 - len(rows[number]))
        rows[number][column] = value
    return [Sheet(sheets[0].name, tuple(map(tuple, rows))), *sheets[1:]]


def back(*cells: tuple[str, Cell]) -> FormRead:
    return read(changed(*cells), JILIN, "leaders", UNITS)


def scores(*numbers: str) -> list[Decimal | str | None]:
    return [Decimal(number) for number in numbers]


def faults(*cells: tuple[str, Cell]) -> list[tuple[str, str]]:
    found = back(*cells)
    assert not found.given
    for fault in found.faults:
        assert templates.render("faults", code=fault.code, **fault.facts)
    return [(fault.cell, fault.code) for fault in found.faults]


EVEN = [("D6", 6.0), ("E6", 6.0), ("F6", 6.0), ("G6", 6.0), ("H6", 6.0)]
"""财政局's five aspects; 合计 is I, 总评分 J, 不了解 K."""


@st.composite
def sheets_of_scores(draw: st.DrawFn, rulebook: RuleBook, panel: str, units: Sequence[Department]) -> dict[int, Given]:
    tiers = [tier.code for tier in rulebook.panels[panel].tiers]

    def answer(most: int) -> st.SearchStrategy[Decimal | str]:
        return st.sampled_from(tiers) if tiers else st.integers(0, most // 100).map(lambda n: Decimal(n) / 100)

    found = {}
    for unit in units:
        maxima = aspect_maxima(rulebook, panel, unit.kind)
        aspects = st.tuples(*(st.none() | answer(most) for most in maxima)).map(lambda some: Given(list(some)))
        found[unit.id] = draw(
            st.one_of(aspects, answer(sum(maxima)).map(lambda one: Given(total=one)), st.just(Given(abstained=True)))
        )
    return found


CLASSES = [
    Department(id=1, code="a", name="甲局", kind="bureau"),
    Department(id=2, code="b", name="乙街道", kind="street"),
    Department(id=3, code="c", name="丙窗口", kind="window"),
]


@pytest.mark.parametrize(
    ("rulebook", "panel", "units"),
    [(JILIN, "leaders", UNITS), (BINHE, "public", CLASSES), (BINHE, "experts", CLASSES[:2])],
    ids=["numbers", "tiers", "uneven aspects"],
)
def test_what_was_written_reads_back_as_given(rulebook: RuleBook, panel: str, units: list[Department]) -> None:
    @settings(max_examples=15)
    @drawn(sheets_of_scores(rulebook, panel, units))
    def holds(given: dict[int, Given]) -> None:
        sheets = spreadsheets.read(written(given, rulebook, panel, units))
        found = read(sheets, rulebook, panel, units)
        assert found.faults == ()
        assert found.given == {key: one for key, one in given.items() if one.begun}

    holds()


def test_the_number_finds_its_survey_and_seat_and_no_other() -> None:
    found = number_in(BLANK)
    assert found is not None
    assert (found.year, found.survey, found.seat) == (2021, 3, 17)
    assert found.text == number_of(survey(), 17)
    others = [survey("enterprises"), survey(number=4), survey(year=2022), survey(hour=2)]
    assert found.text not in {number_of(one, 17) for one in others} | {number_of(survey(), 18)}
    assert number_in(changed(("B3", None))) is None
    typed = changed(("B3", "　表号：ｐｙ２０２１－３－１７－" + found.text[-4:].lower()))
    assert number_in(typed) == found
    assert parsed_number("PY2021-3-17") is None


def test_nothing_in_it_is_a_formula_but_the_sums() -> None:
    book = openpyxl.load_workbook(io.BytesIO(form(JILIN, survey(), 17, '=HYPERLINK("http://x")', UNITS, {})))
    [page] = book.worksheets
    formulas = [cell.coordinate for row in page.iter_rows() for cell in row if cell.data_type == "f"]
    assert formulas == [f"I{FIRST_ROW + 1 + number}" for number in range(len(UNITS))]
    assert page["C8"].value == "=公安<分>局"
    assert page["C8"].quotePrefix
    assert not any(cell.hyperlink for row in page.iter_rows() for cell in row)


def test_limits_are_offered_and_only_scores_can_be_typed_over() -> None:
    [page] = openpyxl.load_workbook(io.BytesIO(written({}))).worksheets
    limits = {str(one.sqref): (one.type, one.formula1, one.formula2) for one in page.data_validations.dataValidation}
    assert limits["D6:D9"] == ("decimal", "0", "6.0")
    assert limits["J6:J9"] == ("decimal", "0", "30.0")
    assert limits["K6:K9"] == ("list", '"√"', None)
    assert page.protection.sheet
    assert page.protection.password is None
    free = {cell.column_letter for cell in page[6] if not cell.protection.locked}
    assert free == set("DEFGHJK")
    assert page.freeze_panes == "D6"
    assert page.page_setup.paperSize == 9
    assert "服务态度（6分）" in [cell.value for cell in page[5]]


def test_limits_stand_in_each_row_where_classes_differ() -> None:
    content = written({}, BINHE, "public", CLASSES)
    [page] = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    lists = {str(one.sqref): one.formula1 for one in page.data_validations.dataValidation}
    assert lists["D6:D8"] == '"好,较好,一般,差,不了解"'
    wider = [*UNITS, Department(id=20, code="w", name="窗口", kind="window")]
    titles = [column.title for column in columns_of(BINHE, "public", wider)]
    assert titles == ["序号", "代码", "部门", "服务", "公开", "总评", "不了解"]


@pytest.mark.parametrize("value", [6.0, 6, "6", "６", "6分", "６．０", " 6 ", "'6", "6。0", 6.0000000001], ids=repr)
def test_a_score_is_read_however_it_was_kept(value: Cell) -> None:
    found = back(*EVEN[:4], ("H6", value))
    assert found.faults == ()
    assert found.given == {11: Given(aspects=scores("6", "6", "6", "6", "6"))}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (6.5, "rating_out_of_range"),
        (-1.0, "rating_out_of_range"),
        ("6.5", "rating_out_of_range"),
        ("六", "rating_cell_unclear"),
        ("5，6", "rating_cell_unclear"),
        ("5 6", "rating_cell_unclear"),
        ("=D6", "rating_cell_unclear"),
        ("#REF!", "rating_cell_unclear"),
        (True, "rating_cell_unclear"),
        ("1000", "rating_out_of_range"),
        ("1e3", "rating_cell_unclear"),
        ("nan", "rating_cell_unclear"),
        (5.125, "rating_cell_too_fine"),
        (datetime(2021, 5, 6), "rating_is_a_day"),  # noqa: DTZ001 - spreadsheets have no zone
        (date(2021, 5, 6), "rating_is_a_day"),
    ],
    ids=repr,
)
def test_what_is_no_score_is_named_by_its_cell(value: Cell, code: str) -> None:
    assert faults(*EVEN[:4], ("H6", value)) == [("H6", code)]


@pytest.mark.parametrize(
    "cell", [("K6", "√"), ("K6", True), ("K6", "是"), ("D6", "不了解"), ("J6", "弃权"), ("F6", "—")]
)
def test_not_knowing_a_department_is_an_abstention(cell: tuple[str, Cell]) -> None:
    found = back(cell)
    assert found.faults == ()
    assert found.given == {11: Given(abstained=True)}


def test_both_a_score_and_not_knowing_is_a_fault() -> None:
    assert faults(*EVEN, ("K6", "√")) == [("K6", "rating_and_unknown")]
    assert faults(*EVEN[:4], ("H6", "不了解")) == [("H6", "rating_and_unknown")]
    assert faults(("K7", "随便")) == [("K7", "rating_mark_unclear")]
    assert back(("K7", "否"), *EVEN).given == {11: Given(aspects=scores(*"66666"))}


def test_a_total_stands_for_all_aspects() -> None:
    assert back(("J6", 28.5)).given == {11: Given(total=Decimal("28.5"))}
    assert back(*EVEN, ("J6", 30.0)).given == {11: Given(aspects=scores(*"66666"))}
    assert faults(("J6", 30.5)) == [("J6", "rating_out_of_range")]
    assert faults(*EVEN, ("J6", 29.0)) == [("J6", "rating_sum_differs")]
    assert faults(*EVEN[:2], ("J6", 29.0)) == [("J6", "rating_half")]


def test_the_sum_is_a_formulas_and_must_agree_where_it_was_typed_over() -> None:
    assert back(*EVEN, ("I6", 30.0)).faults == ()
    assert back(*EVEN, ("I6", None)).faults == ()
    assert faults(*EVEN, ("I6", 25.0)) == [("I6", "rating_sum_differs")]
    assert faults(("I6", 25.0)) == [("I6", "rating_sum_only")]
    assert back(("I6", 0.0)).given == {}


def test_what_is_half_filled_in_stays_open() -> None:
    found = back(("D6", 6.0), ("F6", 5.5))
    assert found.given == {11: Given(aspects=[Decimal(6), None, Decimal("5.5"), None, None])}
    assert not found.given[11].done


def test_rows_may_be_moved_deleted_and_added() -> None:
    rows = list(BLANK[0].rows)
    rated = {"fin": "6", "com": "5", "zone-2": "4"}
    body = []
    for row in reversed(rows[FIRST_ROW:]):
        if row[1] in rated:
            body += [(*row[:3], *[rated[row[1]]] * 5, *row[8:]), (None,) * len(row)]
    sheet = Sheet("打分表", (*rows[:FIRST_ROW], *body))
    found = read([Sheet("说明", (("随便写的",),)), sheet], JILIN, "leaders", UNITS)
    assert found.faults == ()
    assert found.given == {
        11: Given(aspects=scores(*"66666")),
        12: Given(aspects=scores(*"55555")),
        14: Given(aspects=scores(*"44444")),
    }


def test_columns_may_be_moved_and_aspects_taken_out_for_totals() -> None:
    rows = [tuple(reversed(row)) for row in changed(("J7", 20.0))[0].rows]
    assert read([Sheet("x", tuple(rows))], JILIN, "leaders", UNITS).given == {12: Given(total=Decimal(20))}
    rows = [(*row[:3], *row[8:]) for row in changed(("J7", 20.0))[0].rows]
    assert read([Sheet("x", tuple(rows))], JILIN, "leaders", UNITS).given == {12: Given(total=Decimal(20))}
    rows = [(*row[:3], *row[4:]) for row in changed(("J7", 20.0))[0].rows]
    [fault] = read([Sheet("x", tuple(rows))], JILIN, "leaders", UNITS).faults
    assert (fault.cell, fault.code, fault.facts["title"]) == ("", "column_missing", "服务态度（6分）")
    assert faults(("E5", "服务态度（6分）"))[0] == ("E5", "column_twice")


def test_a_row_is_known_by_its_code_and_by_its_name() -> None:
    assert back(("B7", None), ("J7", 20.0)).given == {12: Given(total=Decimal(20))}
    assert back(("B7", None), ("C7", "商务"), ("J7", 20.0)).given == {12: Given(total=Decimal(20))}
    assert back(("C7", "商务局（已更名）"), ("J7", 20.0)).given == {12: Given(total=Decimal(20))}
    assert faults(("C7", "财政局"), ("J7", 20.0)) == [("C7", "rating_row_mixed")]
    assert faults(("B10", "tax"), ("C10", "税务局"), ("J10", 20.0)) == [("C10", "rating_department_unknown")]
    assert faults(("J10", 20.0)) == [("C10", "rating_department_needed")]
    assert back(("B10", "tax"), ("C10", "税务局")).given == {}


def test_one_department_in_two_rows_is_a_fault() -> None:
    assert faults(("J6", 20.0), ("B10", "fin"), ("J10", 30.0)) == [("C10", "twice")]


def test_all_faults_are_named_at_once() -> None:
    said = faults(("D6", 7.0), ("E6", "x"), ("J7", 31.0), ("K8", "?"))
    assert said == [
        ("E6", "rating_cell_unclear"),
        ("D6", "rating_out_of_range"),
        ("J7", "rating_out_of_range"),
        ("K8", "rating_mark_unclear"),
    ]


def test_what_is_no_form_is_said_to_be_none() -> None:
    found = read([Sheet("x", (("甲", "乙"), (1.0, 2.0)))], JILIN, "leaders", UNITS)
    assert [fault.code for fault in found.faults] == ["layout_unknown"]
    found = read([*BLANK, *BLANK], JILIN, "leaders", UNITS)
    assert [fault.code for fault in found.faults] == ["rating_sheet_twice"]


def test_tiers_are_read_by_their_names() -> None:
    blank = spreadsheets.read(written({}, BINHE, "public", CLASSES))

    def tiers(*cells: tuple[str, Cell]) -> FormRead:
        return read(changed(*cells, sheets=blank), BINHE, "public", CLASSES)

    assert tiers(("D6", "好"), ("E6", "不了解")).given == {1: Given(aspects=["good", "unknown"])}
    assert tiers(("F7", "较好")).given == {2: Given(total="fair")}
    assert tiers(("G8", "√")).given == {3: Given(abstained=True)}
    assert [(one.cell, one.code) for one in tiers(("D6", "很好")).faults] == [("D6", "rating_tier_unknown")]
    assert [(one.cell, one.code) for one in tiers(("D6", 5.0)).faults] == [("D6", "rating_tier_unknown")]
    wrong = tiers(("D6", "好"), ("E6", "好"), ("F6", "差"))
    assert [(one.cell, one.code) for one in wrong.faults] == [("F6", "rating_tiers_differ")]


def test_a_form_saved_as_xls_is_read(tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice, which makes the .xls, is not installed")
    given = {11: Given(aspects=scores("6", "5.5", "4", "3", "0")), 12: Given(total=Decimal("28.5")),
             13: Given(abstained=True), 14: Given(aspects=[Decimal(1), None, None, None, None])}  # fmt: skip
    (tmp_path / "a.xlsx").write_bytes(written(given))
    subprocess.run(
        [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xls", "a.xlsx"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
    sheets = spreadsheets.read((tmp_path / "a.xls").read_bytes())
    found = number_in(sheets)
    assert found is not None
    assert found.text == number_of(survey(), 17)
    assert read(sheets, JILIN, "leaders", UNITS) == FormRead(given, ())


def test_a_form_saved_by_a_program_that_does_not_calculate_is_read() -> None:
    book = openpyxl.load_workbook(io.BytesIO(written({11: Given(aspects=scores(*"66666"))})))
    for cell in book.worksheets[0][7][3:8]:
        cell.value = "５"
    out = io.BytesIO()
    book.save(out)
    found = read(spreadsheets.read(out.getvalue()), JILIN, "leaders", UNITS)
    assert found.given == {11: Given(aspects=scores(*"66666")), 12: Given(aspects=scores(*"55555"))}


def test_a_form_of_forty_departments_is_read() -> None:
    units = [Department(id=n, code=f"d{n}", name=f"第{n}局", kind="bureau") for n in range(1, 41)]
    given = {unit.id: Given(aspects=scores(*"65432")) for unit in units}
    found = read(spreadsheets.read(written(given, units=units)), JILIN, "leaders", units)
    assert found.given == given
