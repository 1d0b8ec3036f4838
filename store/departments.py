"""Finding a department by what people call it: code, name, alias, part of the name, or the initials of its pinyin."""

from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from store.commands import Act, Choice, converter
from store.errors import Refusal
from store.people import Department, departments
from store.words import plain

_SUGGESTED = 5


def find_department(session: Session, said: str) -> Department:
    """The one active department that ``said`` means.

    The first of these that fits decides: its code, name or an alias; the initials of its name or alias (czj, or cz
    without the last character); a part of its name. Raises Refusal department_ambiguous when several fit equally well,
    department_unknown with the most similar names when none does.
    """
    wanted = _key(said)
    known = departments(session)
    for fits in (_is_called, _has_initials, _has_part):
        found = [one for one in known if wanted and fits(one, wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            raise Refusal("department_ambiguous", text=said, like=[one.name for one in found[:_SUGGESTED]])
    like = sorted(known, key=lambda one: SequenceMatcher(None, wanted, _key(one.name)).ratio(), reverse=True)
    similar = [one.name for one in like if set(_key(one.name)) & set(wanted)]
    raise Refusal("department_unknown", text=said, like=similar[:_SUGGESTED])


def called(department: Department) -> list[str]:
    """All that a department is called, its name first."""
    return [department.name, *department.aliases.split()]


def _key(text: str) -> str:
    return plain(text).casefold().replace(" ", "")


def _is_called(department: Department, wanted: str) -> bool:
    return wanted in {_key(department.code), *map(_key, called(department))}


def _has_initials(department: Department, wanted: str) -> bool:
    if not (wanted.isascii() and wanted.isalpha()):
        return False
    for name in called(department):
        letters = _initials(_key(name))
        if len(letters) - len(wanted) in (0, 1) and all(
            letter in possible for letter, possible in zip(wanted, letters, strict=False)
        ):
            return True
    return False


def _has_part(department: Department, wanted: str) -> bool:
    return len(wanted) > 1 and any(wanted in _key(name) for name in called(department))


@lru_cache(maxsize=4096)
def _initials(name: str) -> tuple[frozenset[str], ...]:
    """For each character the letters its readings begin with: 行 is h or x."""
    # Reading the dictionary takes a noticeable moment, and most people write a code or the name.
    from pypinyin import Style, pinyin

    def letters(character: str) -> list[str]:
        return pinyin(character, style=Style.FIRST_LETTER, heteronym=True)[0]

    return tuple(frozenset({one} if one.isascii() else letters(one)) for one in name)


def _choices(act: Act, _given: Mapping[str, Any]) -> list[Choice]:
    return [Choice(one.code, one.name) for one in departments(act.session)]


@converter(Department, write=lambda department: department.code, choices=_choices)
def _department(act: Act, text: str) -> Department:
    return find_department(act.session, text)
