"""The pictures: every character shows, nothing overlaps or leaves the page, Telegram takes them, whatever the names."""

import itertools
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from handlers import canvas, pictures
from scoring.cards import CardLine, Figure, RankList, RankRow, ScoreCard
from store.commands import to_json
from store.times import CHINA

AT = datetime(2021, 4, 7, 9, tzinfo=CHINA)
SCHEME = "吉林经开区2021年营商环境建设考核评价工作实施方案"
NAMES = (
    "财政局", "税务局", "自然资源局", "生态环境分局", "人力资源和社会保障局", "吉林经济技术开发区市场监督管理局",
    "政务服务局", "招商局", "应急管理局", "公安分局", "消防救援大队", "九站街道办事处",
)  # fmt: skip
HARD_NAMES = (
    "<b>&amp;局</b>", "$x_1$局\\frac", "🏭👨\u200d👩\u200d👧局🇨🇳", "𠮷林局𰻝", "　 \n\t", "",
    "局" * 80, "A" * 200, "ﷺ\u202e局", "е\u0301局",
    "〓", "\x00局", "局😀" * 30,
)  # fmt: skip


def name(number: int) -> str:
    branch = "" if number < len(NAMES) else f"第{number // len(NAMES) + 1}分局"
    return NAMES[number % len(NAMES)] + branch


def rank_list(count: int, by: str = "daily", *, spread: float = 20, names: tuple[str, ...] = ()) -> dict[str, Any]:
    chance = random.Random(count)  # noqa: S311
    full = 40 if by == "daily" else 100
    figures = sorted((full - round(chance.uniform(0, spread), 2) for _ in range(count)), reverse=True)
    rows = []
    for number, figure in enumerate(figures):
        open_, vetoed = by == "total" and number == count - 2, by == "total" and number == count - 1
        shown = f"{figure:.2f}"
        rows.append(
            RankRow(
                rank=None if open_ or vetoed else figures.index(figure) + 1,
                code=f"d{number}",
                department=names[number] if names else name(number),
                daily=shown,
                annual=None if open_ else "50.00",
                bonus="0.00",
                total=None if open_ else shown,
                grade="pending",
                grade_title=None,
                vetoes=("受到行政问责",) if vetoed else (),
            )
        )
    listed = RankList(2021, SCHEME, "total" if by == "total" else "daily", tuple(rows))
    return to_json(listed) | {"at": AT.isoformat()}


def summary(count: int, names: tuple[str, ...] = ()) -> dict[str, Any]:
    chance = random.Random(count)  # noqa: S311
    states = ("on_time", "on_time", "on_time", "late", "missing", "held", "exempt", "open")
    return {
        "month": "2021-03", "title": "2021年3月", "scheme": SCHEME, "at": AT.isoformat(), "full": "40.00",
        "approved": False,
        "departments": [
            {
                "department": names[number] if names else name(number),
                "rank": 1,
                "daily": f"{40 - chance.randint(0, 40)}.00",
                "change": chance.choice([None, "+0.00", "-1.00", "-13.00", "+2.00"]),
                "duties": [{"what": "台账", "period": "2021-03", "state": chance.choice(states)} for _ in range(3)],
            }
            for number in range(count)
        ],
    }  # fmt: skip


def entry(number: int, **changes: Any) -> CardLine:
    line: dict[str, Any] = {
        "kind": "entry", "block": "daily", "code": "daily.8.quarterly", "title": "季度营商环境建设工作总结未按时上报",
        "clause": "1(8)", "clause_text": "略", "count": 1, "points": "-1", "words": "", "number": number,
        "happened_at": AT - timedelta(days=number), "period": "2021Q1", "source": "auto",
    }  # fmt: skip
    return CardLine(**line | changes)


def card(
    *lines: CardLine, total: str | None = None, vetoes: tuple[str, ...] = (), department: str = NAMES[5]
) -> dict[str, Any]:
    start = CardLine("start", "daily", "daily", "日常考评", "1", "略", 1, "40", "")
    listed = ScoreCard(
        year=2021, scheme=SCHEME, code="mkt", department=department,
        daily="35.00", annual=None, bonus="2.50", total=total,
        grade="fail" if vetoes else "excellent" if total else "pending",
        grade_title="不达标" if vetoes else "优秀" if total else None,
        blocks=(
            Figure("daily", "日常考评", "35.00", "40"),
            Figure("annual", "年终评议", None if total is None else "55.00", "60"),
            Figure("bonus", "加分项目", "2.50", "10"),
        ),
        panels=(), vetoes=vetoes, lines=(start, *lines),
    )  # fmt: skip
    return to_json(listed) | {"at": AT.isoformat()}


LINES = (
    entry(1),
    entry(2, reversed_by=3),
    entry(3, points="1", reverses=2),
    entry(
        4,
        title="查实的机关作风、工作纪律、办事效率和窗口服务等方面的问题，一行写不下的那一种说法",
        points="-3",
        period=None,
    ),
    entry(5, title="区级媒体宣传报道", clause="3(3)", points="1.5", count=3, period=None),
    CardLine("cap", "bonus", "bonus", "加分项目", "3", "略", 1, "-2", "10分封顶，超出部分不计"),
)


def reviewed(data: dict[str, Any], rows: str) -> dict[str, Any]:
    """Every other department has entries under review."""
    return data | {rows: [row | {"disputed": number % 2 * 3} for number, row in enumerate(data[rows])]}


EVERY: Mapping[str, tuple[str, dict[str, Any]]] = {
    **{f"rank of {count}": ("rank", rank_list(count)) for count in (0, 1, 2, 12, 20, 21, 40, 60, 210)},
    **{f"total of {count}": ("rank", rank_list(count, "total")) for count in (2, 12, 60)},
    "all tied": ("rank", rank_list(12, spread=0)),
    "all at zero": ("rank", rank_list(3) | {"rows": [row | {"daily": "0.00"} for row in rank_list(3)["rows"]]}),
    "approved": ("rank", rank_list(12, "total") | {"approved": True, "zone": "吉林经济技术开发区"}),
    "hard names": ("rank", rank_list(len(HARD_NAMES), names=HARD_NAMES)),
    "many hard names": ("rank", rank_list(4 * len(HARD_NAMES), names=HARD_NAMES * 4)),
    **{f"summary of {count}": ("summary", summary(count)) for count in (0, 1, 12, 40, 60)},
    "summary of hard names": ("summary", summary(4 * len(HARD_NAMES), HARD_NAMES * 4)),
    "card": ("score", card(*LINES)),
    "empty card": ("score", card(total="92.50")),
    "long card": ("score", card(*(entry(n) for n in range(1, 60)), total="62.50", vetoes=("受到行政问责",))),
    "rank under review": ("rank", reviewed(rank_list(12), "rows")),
    "wide rank under review": ("rank", reviewed(rank_list(4 * len(HARD_NAMES), names=HARD_NAMES * 4), "rows")),
    "summary under review": ("summary", reviewed(summary(12), "departments")),
    "wide summary under review": ("summary", reviewed(summary(4 * len(HARD_NAMES), HARD_NAMES * 4), "departments")),
    "card under review": ("score", card(*LINES) | {"disputed": 2}),
    **{f"card of {hard!a:.20}": ("score", card(entry(1, title=hard), department=hard)) for hard in HARD_NAMES},
}  # fmt: skip


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def texts(sheet: canvas.Sheet) -> list[str]:
    return [line.text for line in sheet.lines]


@pytest.fixture(scope="module")
def drawn() -> dict[str, canvas.Sheet]:
    return {title: pictures.sheet(kind, data) for title, (kind, data) in EVERY.items()}


@pytest.mark.parametrize("title", EVERY)
def test_telegram_takes_it_as_a_photo(drawn: dict[str, canvas.Sheet], title: str) -> None:
    png = drawn[title].png()
    wide, high = size(png)
    assert wide + high <= 10_000
    assert max(wide, high) <= 20 * min(wide, high)
    assert len(png) <= 10 * 1024 * 1024


@pytest.mark.parametrize("title", EVERY)
def test_the_font_has_every_character_that_is_drawn(drawn: dict[str, canvas.Sheet], title: str) -> None:
    text = "".join(texts(drawn[title]))
    assert text
    assert not [character for character in text if not canvas.has_glyph(character)]


@pytest.mark.parametrize("title", EVERY)
def test_no_text_lies_on_another_or_leaves_the_page(drawn: dict[str, canvas.Sheet], title: str) -> None:
    sheet = drawn[title]
    for line in sheet.lines:
        assert line.left >= 0, line
        assert line.top >= 0, line
        assert line.right <= sheet.wide, line
        assert line.bottom <= sheet.high, line
    for one, other in itertools.combinations(sheet.lines, 2):
        apart = one.right <= other.left or other.right <= one.left or one.bottom <= other.top or other.bottom <= one.top
        assert apart, (one, other)


def test_text_is_as_wide_as_it_was_reckoned() -> None:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    for text in ("吉林经济技术开发区市场监督管理局", "39.00", "第12名 A", "−1.00"):
        ink = TextPath((0, 0), text, size=100, prop=FontProperties(fname=canvas.font_path())).get_extents()
        assert canvas.width(text, 100) == pytest.approx(ink.x1, abs=16)


def test_the_font_comes_from_the_package_whatever_the_machine_has() -> None:
    assert "site-packages/pylopdf_fonts_zh_cn" in canvas.font_path()


def test_chinese_leaves_ink_and_not_boxes() -> None:
    """Two names of the same length that differ in their characters differ in the picture; tofu would be alike."""
    one, other = (pictures.draw("rank", rank_list(1, names=(said,))) for said in ("财政局", "税务局"))
    assert one != other
    assert zlib.crc32(one) != zlib.crc32(other)


def test_the_same_data_gives_the_same_picture_in_any_thread() -> None:
    kind, data = EVERY["summary of 12"]
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(lambda _: pictures.draw(kind, data), range(8)))) == 1


def test_what_the_font_lacks_is_marked_and_what_only_decorates_is_dropped() -> None:
    assert canvas.legible("政务🏛️服务局❤") == "政务服务局"
    assert canvas.legible("丁\U0003f000甲") == "丁甲"
    assert canvas.legible("𰻝面局") in ("𰻝面局", "〓面局")
    assert canvas.legible("ꙮ局") == "〓局"
    assert texts(pictures.sheet("rank", rank_list(1, names=("😀",)))).count("（未命名）") == 1


def test_a_name_is_made_smaller_before_it_is_cut_and_keeps_its_end() -> None:
    whole, size = canvas.fitted("市场监督管理局", 27, 150, 19)
    assert (whole, size < 27, canvas.width(whole, size) <= 150.1) == ("市场监督管理局", True, True)
    cut, smallest = canvas.fitted("吉林经济技术开发区市场监督管理局第三分局", 27, 200, 19)
    assert smallest == 19
    assert cut.startswith("吉林")
    assert cut.endswith("分局")
    assert canvas.width(cut, smallest) <= 200


def test_process_data_says_so_and_approved_figures_do_not() -> None:
    note = "过程数据，以领导小组审定为准"
    for kind, data in (("rank", rank_list(2)), ("summary", summary(2)), ("score", card())):
        said = texts(pictures.sheet(kind, data))
        assert note in said
        assert "截至2021年4月7日09:00" in said
        assert note not in texts(pictures.sheet(kind, data | {"approved": True}))


def test_the_rank_list_shows_ranks_figures_vetoes_and_what_is_open() -> None:
    said = texts(pictures.sheet("rank", rank_list(4, "total")))
    assert "2021年度综合得分" in said
    assert said.count("一票否决") == said.count("待定") == 1
    assert said.count("—") == 2


def test_the_summary_tells_late_from_missing_and_a_loss_from_a_gain() -> None:
    rows = [
        {
            "department": "甲局",
            "daily": "39.00",
            "change": "-1.00",
            "duties": [{"state": "late"}, {"state": "on_time"}],
        },
        {
            "department": "乙局",
            "daily": "40.00",
            "change": "+1.00",
            "duties": [{"state": "missing"}, {"state": "held"}],
        },
        {"department": "丙局", "daily": "40.00", "change": "0.00", "duties": []},
    ]
    said = texts(pictures.sheet("summary", summary(0) | {"departments": rows}))
    assert said[5:15] == ["4", "应报", "1", "按时", "1", "逾期", "1", "未报", "1", "待核定"]
    assert {"−1.00", "+1.00", "持平"} <= set(said)
    assert "按期报送情况与日常考评得分（满分40分）" in said


def test_the_card_lists_what_stands_newest_first_and_leaves_out_reversals_themselves() -> None:
    said = texts(pictures.sheet("score", card(*LINES)))
    points = [text for text in said if text in ("−1", "−3", "+1.5", "−2", "+1")]
    assert points == ["+1.5", "−3", "−1", "−1", "−2"]
    assert "区级媒体宣传报道 ×3" in said
    assert "依据1(8) · 2021年第一季度 · 已冲销" in said
    assert "依据3 · 10分封顶，超出部分不计" in said
    long = texts(pictures.sheet("score", card(*(entry(n) for n in range(1, 60)))))
    assert "另有35条，请在对话中查看全部" in long


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        pictures.draw("poster", {})


def test_importing_the_module_does_not_import_matplotlib() -> None:
    heavy = "('matplotlib', 'numpy', 'PIL', 'fontTools')"
    code = f"import sys, handlers.pictures; print([one for one in sys.modules if one.partition('.')[0] in {heavy}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("title", "count"), [("rank under review", 6), ("summary under review", 6)])
def test_who_has_entries_under_review_is_open_in_every_list(
    drawn: dict[str, canvas.Sheet], title: str, count: int
) -> None:
    assert texts(drawn[title]).count("待定（3项复核中）") == count


def test_a_card_says_how_many_entries_are_under_review(drawn: dict[str, canvas.Sheet]) -> None:
    assert "待定（2项复核中）" in texts(drawn["card under review"])
