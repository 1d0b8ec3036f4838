"""What a person typed into a cell, as a value; or the code of what is wrong with it. Pure, and raises nothing.

The codes are branches of ``templates/faults.j2``. Used by the ledger check and by the import.
"""

import re
import unicodedata
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from stdnum.cn import ric, uscc
from stdnum.exceptions import InvalidChecksum, ValidationError

from scheduler.spreadsheets import Cell, shown

_YEAR_FIRST = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]\d{1,2}:\d{2}.*)?")
_SOLID = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE)
_CODE_LETTERS = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")
_SPREADSHEET_EPOCH = date(1899, 12, 30)
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 75_000  # 1954 to 2105: a date in a cell that is formatted as a number


def text(value: Cell) -> str:
    """The cell as text: full-width forms folded (１２３（ ） becomes 123( )), no white space around it."""
    return unicodedata.normalize("NFKC", shown(value)).replace("\u200b", "").replace("\ufeff", "").strip()


def excerpt(value: Cell, *, personal: bool = False, most: int = 30) -> str:
    """Enough of a value to find it again: one line, at most ``most`` characters; of a personal number only its ends."""
    whole = " ".join(text(value).split())
    if personal:
        return f"{whole[:3]}…{whole[-2:]}" if len(whole) > 8 else "…"
    return whole if len(whole) <= most else whole[: most - 1] + "…"


def day(value: Cell) -> date | str:
    """The calendar day, or ``date_impossible`` (2021-02-30) or ``date_unclear`` (3月1日, 明天).

    Read are 2021-3-1, 2021/03/01, 2021.3.1, 2021年3月1日, 20210301, each with or without a time of day, full-width
    digits, real date cells, and date cells that lost their format (44256).
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and _FIRST_SERIAL <= value <= _LAST_SERIAL:
        return _SPREADSHEET_EPOCH + timedelta(days=int(value))
    match = _YEAR_FIRST.fullmatch(text(value)) or _SOLID.fullmatch(text(value))
    if not match:
        return "date_unclear"
    year, month, number = (int(part) for part in match.groups())
    try:
        return date(year, month, number)
    except ValueError:
        return "date_impossible"


def credit_code_fault(value: Cell) -> str | None:
    """What is wrong with a unified social credit code (GB 32100-2015), as a code, or None."""
    typed = text(value)
    if _lost_digits(value, typed):
        return "code_lost_digits"
    code = uscc.compact(typed)
    if len(code) != 18:
        return "code_length"
    if not _CODE_LETTERS.issuperset(code):
        return "code_letters"
    try:
        uscc.validate(code)
    except InvalidChecksum:
        return "code_check_digit"
    except ValidationError:
        # The library wants eight digits in front; authorities of newer kinds have letters there (A, N, Y). The region
        # is six digits for all of them, and the check digit is computed in the same way.
        if not code[2:8].isdigit():
            return "code_letters"
        return "code_prefix" if uscc.calc_check_digit(code[:-1]) == code[-1] else "code_check_digit"
    return None


def person_code_fault(value: Cell) -> str | None:
    """What is wrong with an 18-digit resident identity number (GB 11643-1999), as a code, or None.

    Numbers of another length belong to other papers (passports, permits) and are let through.
    """
    typed = text(value)
    if _lost_digits(value, typed):
        return "code_lost_digits"
    if len(ric.compact(typed)) != 18:
        return None
    try:
        ric.validate(typed)
    except (ValidationError, LookupError, ValueError):
        return "person_code"  # KeyError comes from regions that the library's table does not know.
    return None


def amount(value: Cell) -> Decimal | str:
    """A sum of money in the unit of its column, or ``amount_unclear`` (二万元, 约3万), or ``amount_negative``."""
    try:
        found = Decimal(text(value).replace(",", "").removesuffix("万元").strip())
    except InvalidOperation:
        return "amount_unclear"
    if not found.is_finite():
        return "amount_unclear"
    return "amount_negative" if found < 0 else found


def _lost_digits(value: Cell, typed: str) -> bool:
    """Spreadsheets keep 15 digits of a number: an 18-digit code that was not typed as text is damaged for good."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 1e15
    return number or bool(_SCIENTIFIC.fullmatch(typed))
