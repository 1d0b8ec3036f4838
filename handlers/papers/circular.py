"""The circular (通报) on a published result."""

from handlers.papers.data import Published
from handlers.papers.docx import Column, Table, paper
from handlers.papers.facts import facts_of, gathered, summary
from handlers.papers.wording import table_words
from handlers.workbooks import words
from scoring.points import plain, shown


def circular(result: Published) -> bytes:
    """The circular as .docx: who is commended, who is criticised and why, with the scores and the deductions attached.

    Its number is left blank for the office.
    """
    deducted = any(one.charged for one in result.units)
    tables = {"scores": _scores(result), "deductions": _deductions(result)}
    return paper("circular", result.made_at, tables, **facts_of(result), **summary(result), deducted=deducted)


def _scores(result: Published) -> Table:
    places, open_ = result.rulebook.readings.places, words()["pending"]
    titles = {column["key"]: column["title"] for column in words()["scores"]["column"]}
    parts = {"rank": 3, "department": 12, "daily": 5, "annual": 5, "bonus": 5, "total": 5, "grade": 5}
    columns = tuple(
        Column(titles[key], part, "left" if key == "department" else "center") for key, part in parts.items()
    )
    rows = [
        [
            str(one.rank or "—"),
            one.name,
            *(shown(figure, places) or open_ for figure in (one.daily, one.annual, one.bonus, one.total)),
            one.grade_title or open_,
        ]
        for one in result.units
    ]
    return Table(columns, rows)


def _deductions(result: Published) -> Table:
    told = table_words()["summary"]
    columns = (
        Column(told["number"], 3),
        Column(told["department"], 10, "left"),
        Column(told["points"], 3),
        Column(told["items"], 20, "left"),
    )
    charged = [one for one in result.units if one.charged]
    rows = []
    for number, one in enumerate(charged, start=1):
        items = "；".join(told["item"].format(**item) for item in gathered(one.charged))
        rows.append([str(number), one.name, plain(-sum(row.points for row in one.charged)), items])
    return Table(columns, rows)
