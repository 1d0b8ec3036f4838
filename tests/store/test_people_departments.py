"""A department by what people call it."""

import pytest
from sqlmodel import Session

from store.departments import find_department
from store.errors import Refusal
from store.people import Department


@pytest.fixture
def zone(session: Session) -> Session:
    for code, name, aliases in [
        ("fin", "财政局", "财局 国资办"),
        ("com", "商务局", ""),
        ("gov", "政务服务局", "营商办"),
        ("tax", "税务局（双管）", ""),
        ("bank", "开发区银行", ""),
        ("north", "城北街道", ""),
        ("east", "城东街道", ""),
    ]:
        session.add(Department(code=code, name=name, kind="bureau", aliases=aliases))
    session.add(Department(code="old", name="旧财政所", kind="bureau", active=False))
    session.flush()
    return session


FOUND = {
    "fin": "fin",
    "FIN": "fin",
    "ｆｉｎ": "fin",
    "财政局": "fin",
    " 财 政 局 ": "fin",
    "国资办": "fin",
    "营商办": "gov",
    "czj": "fin",
    "CZ": "fin",
    "gzb": "fin",
    "zwfwj": "gov",
    "zwfw": "gov",
    "kfqyh": "bank",
    "财政": "fin",
    "服务": "gov",
    "税务局(双管)": "tax",
    "城北": "north",
}


def test_a_department_is_found(zone: Session) -> None:
    assert {said: find_department(zone, said).code for said in FOUND} == FOUND


@pytest.mark.parametrize(
    ("said", "like"), [("街道", ["城北街道", "城东街道"]), ("务局", ["商务局", "政务服务局", "税务局（双管）"])]
)
def test_what_fits_several_is_asked_about(zone: Session, said: str, like: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        find_department(zone, said)
    assert refused.value.code == "department_ambiguous"
    assert refused.value.facts == {"text": said, "like": like}


def test_a_name_before_initials_before_parts(zone: Session) -> None:
    zone.add(Department(code="czj", name="城建局", kind="bureau"))
    zone.flush()
    assert find_department(zone, "czj").name == "城建局"


def test_what_fits_none_is_refused(zone: Session) -> None:
    for said in ("", "  ", "局", "旧财政所", "old", "x", "🙂", "<b>"):
        with pytest.raises(Refusal) as refused:
            find_department(zone, said)
        assert refused.value.code == "department_unknown", said


def test_the_most_similar_names_are_suggested(zone: Session) -> None:
    with pytest.raises(Refusal) as refused:
        find_department(zone, "财证局")
    assert refused.value.facts["like"][0] == "财政局"
