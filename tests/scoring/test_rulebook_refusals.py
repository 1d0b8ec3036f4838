"""A rule book that is inconsistent is refused in one line: which file, where in it, and what is wrong."""

from pathlib import Path

import pytest

from scoring.loading import RuleBookError, load, parse

JILIN = load("jilin-2021").text
BINHE = load("binhe-2023.toml", beside=Path(__file__).parent / "rulebooks").text


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(RuleBookError) as refusal:
        parse(text, "draft.toml")
    line = str(refusal.value)
    assert line == f"draft.toml: {refusal.value.place}: {refusal.value.message}"
    assert "\n" not in line
    return refusal.value.place, refusal.value.message


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


# What stands in the Jilin file, what it is changed to, where the fault is found, and what is said about it.
FAULTS = [
    # Points that do not add up.
    ("weight = 30", "weight = 29", "block annual", "points do not add up: panels 29 + 10 + 10 + 10 make 59, not 60"),
    ("full = 40 ", "full = 41 ", "scheme, full", "points do not add up: blocks 41 + 60 make 101, not 100"),
    ("full = 100 ", "full = 110 ", "scheme, full", "points do not add up: blocks 40 + 60 make 100, not 110"),
    ("share = 20", "share = 25", "aspect", "the shares make 105 per cent, not 100"),
    ("full = 40 ", "full = 40\nstart = 30 ", "block daily, start", "30: nothing in it is earned, so its full points"),
    ("full = 40 ", "full = 40\nstart = 50 ", "block daily, start", "50 is not between its floor and its full points"),
    # Figures that cannot be kept exactly, or are none.
    ("points = -3", "points = -0.00005", "clause 1(1), item daily.1, points", "-0.00005 is finer than 1/10,000 point"),
    ("points = -3", "points = 0", "item daily.1, points", "0 points"),
    ("points = -3", "points = nan", "clause 1(1), item daily.1, points", "expected a figure in points, got NaN"),
    ("points = -3", "points = 1e99", "clause 1(1), item daily.1, points", "expected a figure in points, got 1E+99"),
    ("points = -3", "points = 1e-999999999", "clause 1(1), item daily.1, points",
     "expected a figure in points, got 1E-999999999"),
    ("share = 20", "share = 1e999999999", "clause 2, aspect attitude, share",
     "expected a number that is not negative, got 1E+999999999"),
    ("points = -3", "points = 0x" + "f" * 5000, "clause 1(1), item daily.1, points",
     "expected a figure in points, got something too long to be shown"),
    ("points = -3", "points = true", "clause 1(1), item daily.1, points", "expected a figure in points, got true"),
    ("points = -3", 'points = "-3"', "clause 1(1), item daily.1, points", 'expected a figure in points, got "-3"'),
    ("points = 8", "points = -8", "item bonus.1.city_leader, points", "-8 in bonus, where points are only earned"),
    ("cap = 3\n", "cap = -3\n", "clause 3(3), item bonus.3.district, cap",
     "expected a figure that is not negative, got -3"),
    # Things that do not exist.
    ('item = "daily.9"', 'item = "daily.99"', "clause 1(9), duty publicity_ledger, item", "unknown item daily.99"),
    ('item = "daily.9"', 'item = "veto.1"', "clause 1(9), duty publicity_ledger, item", "unknown item veto.1"),
    ('block = "annual"', 'block = "yearly"', "panel leaders, block", "yearly is no block of panels"),
    ('block = "annual"', 'block = "daily"', "panel leaders, block", "daily is no block of panels"),
    ('code = "daily.1"', 'code = "work.1"', "item work.1, block", "there is no block work"),
    ('code = "daily.1"', 'code = "annual.1"', "item annual.1, block", "annual is made of panels, not of items"),
    ('grade = "fail"', 'grade = "failed"', "veto veto.1, grade", "there is no grade failed"),
    ('code = "merit"\ntitle = "在年度绩效考评中予以加分"\ngrade = "excellent"',
     'code = "merit"\ntitle = "加分"\ngrade = "best"', "consequence merit, grade", "there is no grade best"),
    ("vertical = true", "vertical = false", "clause 五(二), consequence report",
     "says neither for which grade nor for whom it is"),
    ("vertical = true", "vertical = true\nyears = 2", "clause 五(二), consequence report, years",
     "years of which grade?"),
    ("years = 2\n", "years = 3\n", "clause 五(二), consequence remove, years",
     "expected a whole number from 1 to 2, got 3"),
    ('clause = "2(2)"', 'clause = "2(9)"', "readings, self_rating, clause", "there is no clause 2(9)"),
    # Something missing.
    ('number = "1(7)"\n', "", "clause number 10, number", "missing"),
    ('title = "三年行动方案重点工作未开展"\n', "", "clause 1(1), item daily.1, title", "missing"),
    ("due_working_day = 2 ", "# ", "clause 1(8), duty monthly_update, due_working_day", "missing"),
    ('text = "日常考核(40分)"', 'text = " "', "clause 1, text", 'expected a text, got " "'),
    ('cap_words = "加分10分封顶"\n', "", "block bonus, cap_words", "missing"),
    ('cap_words = "区级媒体宣传3分封顶"\n', "", "item bonus.3.district, cap_words", "missing"),
    ('floor_words = "大项扣满，超出部分不再扣"\n', "", "block daily, floor_words", "missing"),
    ('settle = "held" #', "#", "clause 1(1), item daily.1, settle", "missing"),
    ("[settlement]\ngrace_minutes = 10", "", "settlement", "missing"),
    ('form = "flat"', "", "lateness, form", "missing"),
    # Twice.
    ('code = "daily.2"', 'code = "daily.1"', "clause 1(2), item daily.1", "daily.1 stands in the file twice"),
    ('code = "veto.2"', 'code = "daily.1"', "clause 4(2), veto daily.1", "daily.1 stands in the file twice"),
    ('number = "1(2)"', 'number = "1(1)"', "clause 1(1)", "1(1) stands in the file twice"),
    # Words nobody knows, codes nobody can type.
    ('code = "daily.2"', 'code = "daily 2"', "clause 1(2), item daily 2, code", "expected small letters, digits"),
    ('code = "pass"', 'code = "达标"', "clause 三(三), grade 达标, code", "expected small letters, digits"),
    ("points = -3", "points = -3\npunkte = 4", "clause 1(1), item daily.1, punkte", "unknown key"),
    ("[appeals]", "[appeal]", "appeals", "missing"),
    ("working_days = 5", "workdays = 5", "appeals, working_days", "missing"),
    ("value = 2\n", "value = 5\n", "readings, places, value", "expected a whole number from 0 to 4, got 5"),
    ('"shared" #', '"fair" #', "readings, ties, value", 'expected "shared" or "dense", got "fair"'),
    ('period = "month"', 'period = "moon"', "clause 1(8), duty monthly_update, period",
     'expected week, month, quarter, half_year, year or days:n, got "moon"'),
    ("due_working_day = 2 ", "due_working_day = 2.0 ", "clause 1(8), duty monthly_update, due_working_day",
     "expected a whole number from 1 to 60, got 2.0"),
    ("due_working_day = 2 ", "due_working_day = true ", "clause 1(8), duty monthly_update, due_working_day",
     "expected a whole number from 1 to 60, got true"),
    ("nil_report = true", "nil_report = 1", "clause 1(9), duty publicity_ledger, nil_report",
     "expected true or false, got 1"),
    ('value = "24:00"', 'value = "25:00"', "readings, due_time, value",
     'expected a time such as "17:00" or "24:00", got "25:00"'),
    ('value = "24:00"', 'value = "12:75"', "readings, due_time, value",
     'expected a time such as "17:00" or "24:00", got "12:75"'),
    # Grades.
    ("below = 90", "below = 89", "grade pass, below", "totals from 89 to below 90 have no grade"),
    ("below = 90", "below = 91", "grade pass", "overlaps grade excellent"),
    ("at_least = 70\n", "at_least = 60\n", "grade fail", "overlaps grade pass"),
    ("at_least = 90", "at_least = 90\nbelow = 101", "grade excellent, below", "totals of 101 and more have no grade"),
    ("below = 70", "at_least = 0\nbelow = 70", "grade fail, at_least", "totals below 0 have no grade"),
    ("at_least = 70\nbelow = 90", "at_least = 90\nbelow = 70", "grade pass", "at_least is not less than below"),
    ('code = "pass"', 'code = "pending"', "grade pending", "the word is kept for what is still open"),
    # Reminders.
    ("working_days_before = 5", "working_days_before = 2", "reminders, rung",
     "the reminders do not stand in the order in which they go out"),
    ("at = 14:00:00", "at = 17:00:00", "reminders", "a reminder at 17:00 is outside office hours"),
    ("at = 14:00:00", "at = 14", "reminders, rung number 5, at", "expected a time such as 09:00:00, got 14"),
    ("office_to = 17:00:00", "office_to = 08:00:00", "reminders, office_to", "not later than office_from"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "message"), FAULTS, ids=[f"{row[2]}: {row[3]}" for row in FAULTS])
def test_a_fault_is_named_by_its_place(old: str, new: str, place: str, message: str) -> None:
    found_place, found_message = refused(changed(JILIN, old, new))
    assert found_place == place
    assert found_message.startswith(message)


# The same for the forms that only the other rule book uses.
FAULTS_OF_OTHER_FORMS = [
    ("street = 70 }", "street = 65 }", "scheme, full", "points do not add up: blocks for class street 65 + 10 + 20"),
    ("weight_by_class = { window = 20 }", "", "block satisfaction",
     "points do not add up: panels for class window 12 + 0 make 12, not 20"),
    ("{ street = 2 }", "{ road = 2 }", "group meetings, cap_by_class", "there is no class road"),
    ("street = 0.5 }\nowed", "avenue = 0.5 }\nowed", "item work.failure, multipliers", "there is no class avenue"),
    ("street = 0.5 }\nowed", "street = 0.000001 }\nowed", "item work.failure, multipliers, street",
     "gives figures finer than 1/10,000 point"),
    ("per_day = 0.1,", "per_day = 0.0001,", "duty weekly_report, lateness",
     "gives figures finer than 1/10,000 point for class street"),
    ("per_day = 0.1, cap = 1, missing = 2, missing_after_days = 30", "per_day = 0.1",
     "clause 二(一), duty weekly_report, lateness", "a lateness counted by the day needs cap, or missing"),
    ("per_day = 0.1, cap = 1, missing = 2, missing_after_days = 30", "per_day = 0.001, cap = 1",
     "clause 二(一), duty weekly_report, lateness, cap", "is reached after 1000 days only"),
    ("per_day = 0.1,", "per_day = 0,", "clause 二(一), duty weekly_report, lateness", "a day late costs nothing"),
    ("cap = 1, missing = 2", "cap = 0, missing = 2", "clause 二(一), duty weekly_report, lateness", "a day late costs"),
    ("missing = 2,", "missing = 0.5,", "clause 二(一), duty weekly_report, lateness",
     "being later, or handing in nothing"),
    ("up_to_days = 10, points = 0.5", "up_to_days = 2, points = 0.5",
     "clause 二(一), duty yearly_plan, lateness, steps number 2, up_to_days",
     "expected a whole number from 4 to 366, got 2"),
    ("up_to_days = 3, points = 0.2", "up_to_days = 3, points = 0.9", "clause 二(一), duty yearly_plan, lateness",
     "being later, or handing in nothing"),
    ("steps = [{ up_to_days = 3, points = 0.2 }, { up_to_days = 10, points = 0.5 }]", "",
     "clause 二(一), duty yearly_plan, lateness, steps", "missing"),
    ('items = ["work.absent", "work.late"]', 'items = ["work.absent", "work.lazy"]', "group meetings, items",
     "unknown item work.lazy"),
    ('items = ["work.absent", "work.late"]', 'items = ["work.absent", "filing.data"]', "group meetings, items",
     "are not all of one block"),
    ('items = ["work.absent", "work.late"]', 'items = ["work.absent", "work.innovation"]', "group meetings, items",
     "are not all of one block, or not all earned"),
    ('items = ["work.absent", "work.late"]', 'items = ["work.absent", "work.absent"]', "group meetings, items",
     "work.absent is in group meetings already"),
    ("highest_only = true\nhighest_words", "highest_words", "clause 四, group honours, highest_words", "unknown key"),
    ('highest_only = true\nhighest_words = "同一事项只取最高一级"', "", "group honours",
     "has neither cap nor highest_only"),
    ("trim_from = 4", "trim_from = 2", "clause 三, panel experts, trim_from", "expected a whole number from 3 to"),
    ("quorum = 3", "quorum = 0", "clause 三, panel public, quorum", "expected a whole number from 1"),
    ('code = "fair"\ntitle = "较好"', 'code = "good"\ntitle = "较好"', "panel public, tier",
     "a tier stands there twice"),
    ("share = 80", "share = 180", "clause 三, panel public, tier fair, share",
     "expected a percentage up to 100, got 180"),
    ("share = 75", "share = 74.9999999", "panel public, weight", "the aspects' shares of it are finer than"),
    ("left_out = true", "left_out = true\nshare = 5", "clause 三, panel public, tier unknown, share", "unknown key"),
    ("points = 4\nunit", 'points = 4\nowed = "task"\nsettle = "held"\nunit', "item work.innovation, owed",
     "what is owed must be a deduction"),
    ('item = "filing.weekly"', 'item = "work.innovation"', "duty weekly_report, item",
     "work.innovation is no deduction"),
    ('[lateness]\nform = "flat"\nclause = "二(一)"\nassumption = "没有另写的，逾期与未报同样扣分。"', "",
     "clause 一(一), item work.failure, lateness", "missing, and the file has no [lateness]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    FAULTS_OF_OTHER_FORMS,
    ids=[f"{row[2]}: {row[3]}" for row in FAULTS_OF_OTHER_FORMS],
)
def test_a_fault_in_another_form_is_named_by_its_place(old: str, new: str, place: str, message: str) -> None:
    found_place, found_message = refused(changed(BINHE, old, new))
    assert found_place == place
    assert found_message.startswith(message)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[scheme]\nname = \n", "line 2", "invalid value"),
        ('[scheme]\nname = "a"\nname = "b"\n', "line 3", "cannot overwrite a value"),
        ('[scheme]\nname = "a', "line 2", "unterminated string"),
        ("", "scheme", "missing"),
        ("scheme = 3\nreadings = 4\n", "scheme", "expected a table, got 3"),
        ('clause = 3\n[scheme]\nname = "a"\ntitle = "b"\nissued = "c"\nfull = 1\n', "clause", "expected tables, got 3"),
    ],
)
def test_text_that_is_no_rule_book(text: str, place: str, message: str) -> None:
    found_place, found_message = refused(text)
    assert found_place == place
    assert found_message.startswith(message)


@pytest.mark.parametrize("value", ["1e99999999999999999999", "1" * 5000, "[" * 20_000])
def test_what_python_cannot_read_is_no_rule_book(value: str) -> None:
    with pytest.raises(RuleBookError) as refusal:
        parse(f"full = {value}\n", "draft.toml")
    assert str(refusal.value) in (
        "draft.toml: a number is too large or too long to be read",
        "draft.toml: nested too deeply",
    )


def test_a_name_too_long_for_any_file() -> None:
    with pytest.raises(RuleBookError, match="no such rule book or file"):
        load("x" * 5000, beside=Path())


def test_no_such_file() -> None:
    with pytest.raises(RuleBookError, match=r"^nowhere: no such rule book or file; known names: .*jilin-2021"):
        load("nowhere")


def test_a_directory_is_no_rule_book(tmp_path: Path) -> None:
    with pytest.raises(RuleBookError, match="no such rule book or file"):
        load(str(tmp_path))


def test_a_file_that_is_not_utf8_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "gbk.toml"
    path.write_bytes("# one\n# 规则\n".encode("gb18030"))
    with pytest.raises(RuleBookError, match="line 2: not UTF-8"):
        load(str(path))
