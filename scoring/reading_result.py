"""Reads what a total comes to: the grades, and what follows from them."""

from scoring.rulebook import Clause, Consequence, Grade
from scoring.tomltable import Fault, Table


def read_grade(table: Table, code: str, clause: Clause) -> Grade:
    """One grade. Raises ``tomltable.Fault``."""
    at_least, below = table.optional_amount("at_least"), table.optional_amount("below")
    return Grade(code, table.text("title"), clause.number, at_least, below)


def read_consequence(table: Table, code: str, clause: Clause) -> Consequence:
    """One thing that follows; whether its grade exists, ``scoring.checking`` sees. Raises ``tomltable.Fault``."""
    one = Consequence(
        code=code,
        title=table.text("title"),
        clause=clause.number,
        grade=table.optional_text("grade"),
        # What a zone keeps reaches back one year.
        years=table.whole("years", 1, 2, default=1),
        vertical=table.flag("vertical", default=False),
    )
    if one.grade is None and not one.vertical:
        raise Fault(table.place, "says neither for which grade nor for whom it is")
    if one.grade is None and one.years > 1:
        raise Fault(f"{table.place}, years", "years of which grade?")
    return one
