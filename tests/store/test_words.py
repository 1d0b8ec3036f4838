"""Figures, days and instants as people write them."""

from datetime import date, datetime

import pytest

from store.errors import Refusal
from store.times import CHINA
from store.words import parse_day, parse_instant, plain, whole_number

NOW = datetime(2021, 4, 6, 10, 30, tzinfo=CHINA)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2021-04-02", date(2021, 4, 2)),
        ("2021/4/2", date(2021, 4, 2)),
        ("2021.4.2", date(2021, 4, 2)),
        ("2021年4月2日", date(2021, 4, 2)),
        ("２０２１年４月２日", date(2021, 4, 2)),
        ("2021 年 4 月 2 日", date(2021, 4, 2)),
        ("4月2日", date(2021, 4, 2)),
        ("4月2号", date(2021, 4, 2)),
        ("12-31", date(2021, 12, 31)),
        ("今天", date(2021, 4, 6)),
        ("明天", date(2021, 4, 7)),
        ("昨天", date(2021, 4, 5)),
        ("后天", date(2021, 4, 8)),
        ("2020-02-29", date(2020, 2, 29)),
    ],
)
def test_a_day(said: str, meant: date) -> None:
    assert parse_day(said, NOW) == meant


@pytest.mark.parametrize(
    ("said", "hours", "minutes"),
    [
        ("2021-04-06 16:00", 16, 0),
        ("2021-04-06T16:00", 16, 0),
        ("2021-04-06T16:00:00+08:00", 16, 0),
        ("2021-04-06T08:00:00+00:00", 16, 0),
        ("4月6日 16:00", 16, 0),
        ("4月6日16：00", 16, 0),
        ("4月6日下午", None, None),
        ("今天 9:05", 9, 5),
        ("今天16点", 16, 0),
        ("今天16点整", 16, 0),
        ("今天 16时30分", 16, 30),
        ("16:00", 16, 0),
        ("今天", 0, 0),
        ("今天 24:00", 24, 0),
    ],
)
def test_an_instant(said: str, hours: int | None, minutes: int | None) -> None:
    if hours is None or minutes is None:
        with pytest.raises(Refusal, match="date_unknown"):
            parse_instant(said, NOW)
        return
    midnight = datetime(2021, 4, 6, tzinfo=CHINA)
    assert (parse_instant(said, NOW) - midnight).total_seconds() == hours * 3600 + minutes * 60


@pytest.mark.parametrize(
    "said",
    [
        "", "不久", "2021-02-29", "2021-13-01", "4月31日", "0月1日", "2021-04-02 25:00", "2021-04-02 24:01",
        "2021-04-02 16:60", "2021-04-02 16:00 以前", "2021-04-02Tabc", "20210402", "明天以后",
        "9999-12-31", "0001-01-01", "0001-01-01T00:00:00+08:00", "1999-12-31 24:00",
    ],
)  # fmt: skip
def test_a_date_that_does_not_exist_is_refused(said: str) -> None:
    with pytest.raises(Refusal, match="date_unknown"):
        parse_instant(said, NOW)


def test_a_day_with_a_time_is_no_day() -> None:
    with pytest.raises(Refusal, match="date_unknown"):
        parse_day("2021-04-02 16:00", NOW)


def test_today_is_the_day_in_china() -> None:
    late_in_london = datetime.fromisoformat("2021-04-06T17:00:00+00:00")
    assert parse_day("今天", late_in_london) == date(2021, 4, 7)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("12", 12), ("１２", 12), ("#12", 12), (" 12 ", 12), ("十二", None), ("9" * 10, None), ("1.5", None), ("", None)],
)
def test_a_whole_number(said: str, meant: int | None) -> None:
    assert whole_number(said) == meant


def test_text_is_compared_in_narrow_forms() -> None:
    assert plain("　ＡＢＣ：（１） \n x") == "ABC:(1) x"
