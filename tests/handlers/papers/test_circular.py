"""The circular as Word reads it: the page after GB/T 9704, the elements in their order, the reasons for each."""

import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from handlers.papers.circular import circular
from handlers.papers.data import Published, published
from handlers.papers.docx import PaperFault, paper
from scoring.loading import parse
from templates import render
from tests.handlers.papers.conftest import HOSTILE, JILIN, POOR, PUBLISHED_ON, ZONE, frozen_lines
from tests.handlers.papers.reading import Docx, W

MILLIMETRE = 1440 / 25.4


@pytest.fixture(scope="module")
def docx(result: Published) -> Docx:
    return Docx(circular(result))


def of(zone: dict[str, dict[str, object]]) -> Docx:
    return Docx(circular(published(frozen_lines(zone), PUBLISHED_ON)))


def test_the_page_is_a4_with_22_lines_of_28_characters(docx: Docx) -> None:
    assert docx.page("pgSz") == {"w": str(round(210 * MILLIMETRE)), "h": str(round(297 * MILLIMETRE))}
    margins = {side: int(docx.page("pgMar")[side]) / MILLIMETRE for side in ("top", "bottom", "left", "right")}
    assert margins == pytest.approx({"top": 37, "bottom": 35, "left": 28, "right": 26}, abs=0.01)
    grid = docx.page("docGrid")
    height = int(docx.page("pgSz")["h"]) - int(docx.page("pgMar")["top"]) - int(docx.page("pgMar")["bottom"])
    width = int(docx.page("pgSz")["w"]) - int(docx.page("pgMar")["left"]) - int(docx.page("pgMar")["right"])
    assert grid["type"] == "linesAndChars"
    assert height // int(grid["linePitch"]) == 22
    # In twips, from 16 points and 1/4096 point.
    assert width / ((16 + int(grid["charSpace"]) / 4096) * 20) == pytest.approx(28, abs=0.005)
    # The lines are what the grid says, for programs that do not keep to it too.
    assert docx.look("Normal", "spacing", "line") == grid["linePitch"]
    assert docx.look("Normal", "spacing", "lineRule") == "exact"
    [narrowed] = [one.get(f"{W}val") for one in docx.styles["Normal"].iterfind(f"{W}rPr/{W}spacing")]
    assert width // (320 + int(str(narrowed))) == 28


@pytest.mark.parametrize(
    ("style", "font", "half_points"),
    [
        ("公文标题", "方正小标宋简体", 44), ("公文正文", "仿宋_GB2312", 32), ("一级标题", "黑体", 32),
        ("二级标题", "楷体_GB2312", 32), ("三级标题", "仿宋_GB2312", 32), ("附件顺序号", "黑体", 32),
        ("附件标题", "方正小标宋简体", 44), ("单页页码", "宋体", 28), ("双页页码", "宋体", 28),
    ],
)  # fmt: skip
def test_fonts_and_sizes(docx: Docx, style: str, font: str, half_points: int) -> None:
    assert docx.look(style, "rFonts", "eastAsia") == docx.look(style, "rFonts", "ascii") == font
    assert docx.look(style, "sz") == str(half_points)


def test_every_font_has_one_to_use_instead(docx: Docx) -> None:
    instead = {
        str(one.get(f"{W}name")): str(one[0].get(f"{W}val"))
        for one in docx.parts["word/fontTable.xml"].iter(f"{W}font")
    }
    used = {one.get(f"{W}eastAsia") for one in docx.parts["word/styles.xml"].iter(f"{W}rFonts")}
    assert used == set(instead)
    assert instead["方正小标宋简体"] == "宋体"
    assert instead["仿宋_GB2312"] == "仿宋"


def test_paragraphs_are_set_as_an_office_sets_them(docx: Docx) -> None:
    assert docx.look("公文标题", "jc") == "center"
    for style in ("公文正文", "一级标题", "二级标题", "三级标题"):
        assert docx.look(style, "ind", "firstLineChars") == "200"
    assert docx.look("三级标题", "b") == ""
    assert docx.look("成文日期", "jc") == "right"
    assert docx.look("成文日期", "ind", "rightChars") == "400"
    assert docx.look("附件顺序号", "jc") == "left"
    assert docx.look("附件顺序号", "pageBreakBefore") == ""
    # Issuer and date never stand on a page without text.
    assert all(
        docx.look(style, "keepNext") == "" for style in ("正文末段", "附件说明", "附件说明续", "空行", "发文机关署名")
    )


def test_page_numbers_stand_outside_odd_right_and_even_left(docx: Docx) -> None:
    targets = {one.get("Id"): one.get("Target") for one in docx.parts["word/_rels/document.xml.rels"]}
    found = {}
    for one in docx.body.iterfind(f"{W}sectPr/{W}footerReference"):
        target = targets[one.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id")]
        footer = docx.parts[f"word/{target}"]
        assert "".join(footer.itertext()).split() == ["—", "PAGE", "1", "—"]
        found[one.get(f"{W}type")] = footer.find(f".//{W}pStyle").get(f"{W}val")  # type: ignore[union-attr]
    assert found == {"default": "PageOdd", "even": "PageEven"}
    assert docx.parts["word/settings.xml"].find(f"{W}evenAndOddHeaders") is not None
    assert (docx.look("单页页码", "jc"), docx.look("单页页码", "ind", "rightChars")) == ("right", "100")
    assert (docx.look("双页页码", "jc"), docx.look("双页页码", "ind", "leftChars")) == ("left", "100")


def test_the_elements_stand_in_their_order(docx: Docx) -> None:
    order = [one.style for one in docx.said]
    once = list(dict.fromkeys(order))
    assert once == [
        "发文字号", "公文标题", "主送机关", "公文正文", "一级标题", "二级标题", "正文末段", "附件说明", "附件说明续",
        "空行", "发文机关署名", "成文日期", "附件顺序号", "附件标题", "附件注",
    ]  # fmt: skip
    assert docx.of("发文字号") == [""]
    assert (
        "".join(docx.of("公文标题")) == "吉林经开区党工委　吉林经开区管委会关于2021年度营商环境建设考核评价结果的通报"
    )
    assert docx.of("主送机关") == ["各局（室、公司），各基层单位，各双管单位："]
    assert docx.of("一级标题") == ["一、总体情况", "二、通报表扬", "三、通报批评", "四、工作要求"]
    assert docx.of("附件说明") + docx.of("附件说明续") == [
        "附件：1.2021年度营商环境建设考核评价得分表",
        "2.2021年度日常考评扣分情况汇总表",
    ]
    assert docx.of("发文机关署名") == ["吉林经开区党工委", "吉林经开区管委会"]
    assert docx.of("成文日期") == ["2022年1月6日"]
    assert docx.of("附件顺序号") == ["附件1", "附件2"]


def test_highest_lowest_and_mean_are_of_those_who_are_ranked(docx: Docx) -> None:
    text = "".join(docx.of("公文正文"))
    mean = (104.5 + 96 + 286 / 3 + 89 + 61 + 61 + 21) / 7
    assert f"参加排名的7个单位中，综合得分最高104.50分（财政局），最低21.00分（应急管理局），平均{mean:.2f}分。" in text
    assert "按档次分，优秀4个，达标1个，不达标4个。" not in text
    assert "按档次分，优秀3个，达标1个，不达标4个。各单位得分见附件1。" in text
    two = of({code: ZONE[code] for code in ("tax", "heat", "park")})
    assert "最低61.00分（供热公司、园区公司）" in "".join(two.of("公文正文"))


def test_who_is_commended_and_who_is_criticised_for_what(docx: Docx) -> None:
    text = docx.of("公文正文")
    assert "财政局、税务局、生态环境分局等3个单位被评定为优秀档次，予以通报表扬。" in text
    assert "供热公司、园区公司、应急管理局、虹园街道等4个单位被评定为不达标档次，予以通报批评。" in text
    assert docx.of("二级标题") == ["（一）供热公司", "（二）园区公司", "（三）应急管理局", "（四）虹园街道"]
    assert "综合得分21.00分，低于70分。其中，日常考评0.00分，年终评议21.00分，加分项目0.00分。" in text
    assert (
        "日常考评扣分事项：工作人员受到党纪、政纪处分，扣30分（《方案》1(11)）；三年行动方案重点工作未开展，"
        "扣12分（《方案》1(1)）。"
    ) in text
    assert (
        "因有一票否决情形，直接评定为不达标档次，不参加综合得分排名：责任人因违纪案件被纪检监察机关查处（《方案》"
        "4(3)“相关责任人因违纪案件被上级或本级纪检监察机关查处的”）。"
    ) in text
    # Not because of its total.
    assert "综合得分97.50分。其中，日常考评39.00分，年终评议58.50分，加分项目0.00分。" in text


def test_the_score_table_has_vetoed_units_last_without_rank(docx: Docx) -> None:
    head, *rows = docx.tables[0]
    assert head == ["名次", "单位", "日常考评", "年终评议", "加分项目", "综合得分", "档次"]
    assert rows[0] == ["1", "财政局", "40.00", "58.50", "6.00", "104.50", "优秀"]
    assert rows[2] == ["3", "生态环境分局", "39.00", "56.33", "0.00", "95.33", "优秀"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "5", "7", "—"]
    assert rows[-1][1] == "虹园街道"
    assert any("因四舍五入" in text for text in docx.of("附件注"))


def test_what_was_reversed_is_no_deduction(docx: Docx) -> None:
    _, *rows = docx.tables[1]
    assert ["2", "生态环境分局", "1", "月度工作动态信息未按时上报1次，扣1分"] in rows
    assert "“双公示”台账" not in str(rows)


def test_attachments_begin_on_new_pages_and_their_tables_have_titles_on_every_page(docx: Docx) -> None:
    blocks = list(docx.body)
    for table in docx.body.iter(f"{W}tbl"):
        assert table.find(f"{W}tr/{W}trPr/{W}tblHeader") is not None
        assert blocks[blocks.index(table) + 1].tag == f"{W}p"
        columns = [int(str(one.get(f"{W}w"))) for one in table.iter(f"{W}gridCol")]
        assert sum(columns) <= 8845
        assert all(len(row.findall(f"{W}tc")) == len(columns) for row in table.iter(f"{W}tr"))


def test_nobody_at_all_and_nobody_of_a_kind() -> None:
    none = of({})
    assert none.of("一级标题") == ["一、总体情况", "二、通报表扬", "三、通报批评", "四、工作要求"]
    assert "本年度没有单位被评定为优秀档次。" in none.of("公文正文")
    assert "本年度没有单位被评定为不达标档次。" in none.of("公文正文")
    assert "本年度日常考评没有扣分。" in none.of("公文正文")
    assert "平均" not in "".join(none.of("公文正文"))
    one = of({"fin": ZONE["fin"], "street": ZONE["street"]})
    assert "财政局被评定为优秀档次，予以通报表扬。" in one.of("公文正文")


def test_what_is_still_open_is_said() -> None:
    open_panel = dict.fromkeys(JILIN.panels) | {"leaders": POOR["leaders"]}
    zone = {
        "fin": ZONE["fin"],
        "law": {"name": "司法所", "panels": open_panel},
        "env": ZONE["env"] | {"disputed": 1},
    }
    docx = of(zone)
    assert "待定事项" in docx.of("一级标题")[3]
    text = "".join(docx.of("公文正文"))
    assert "待定2个" in text
    assert "生态环境分局、司法所的档次尚待复核或者补充评议后评定，另行通报。" in text
    assert ["—", "司法所", "40.00", "待定", "0.00", "待定", "待定"] in docx.tables[0]


def test_no_text_of_a_person_becomes_an_element_or_xml() -> None:
    docx = of({"fin": ZONE["fin"] | {"name": HOSTILE, "panels": POOR}})
    assert docx.of("二级标题") == ["（一）=1+1 标题| 假标题 附件| <w:p/>& 😀"]
    assert len(docx.of("公文标题")) == 3
    assert len(docx.of("附件顺序号")) == 2
    assert docx.tables[0][1][1] == "=1+1 标题| 假标题 附件| <w:p/>& 😀"


def test_nothing_of_a_template_is_left_in_it(docx: Docx) -> None:
    for name, part in docx.parts.items():
        text = "".join(part.itertext())
        assert not re.search(r"\{\{|\{%|\{#|\bNone\b|Undefined", text), name
    assert docx.names == [
        "[Content_Types].xml", "_rels/.rels", "docProps/core.xml", "word/document.xml", "word/_rels/document.xml.rels",
        "word/styles.xml", "word/settings.xml", "word/fontTable.xml", "word/footer1.xml", "word/footer2.xml",
    ]  # fmt: skip
    used = {one.get(f"{W}val") for one in docx.body.iter(f"{W}pStyle")}
    assert used <= set(docx.styles)


def test_the_same_result_makes_the_same_bytes_whenever_it_is_made(result: Published) -> None:
    again = published(frozen_lines(), PUBLISHED_ON)
    assert circular(again) == circular(result)
    docx = Docx(circular(again))
    assert docx.dates == {(1980, 1, 1, 0, 0, 0)}
    # The beginning of the day of publication, in China.
    stamps = {one.text for one in docx.parts["docProps/core.xml"] if str(one.text).endswith("Z")}
    assert stamps == {"2022-01-05T16:00:00Z"}
    assert circular(published(frozen_lines(), date(2022, 1, 7))) != circular(result)


def test_a_rule_book_that_names_nobody_signs_nothing_and_writes_to_its_classes() -> None:
    text = re.sub(r"(?m)^(issuers|addressees) = .*\n", "", JILIN.text)
    docx = Docx(circular(published(frozen_lines(rulebook=parse(text, "other.toml")), PUBLISHED_ON)))
    assert docx.of("发文机关署名") == []
    assert docx.of("主送机关") == ["各局室公司，各基层单位，各双管单位："]
    assert "".join(docx.of("公文标题")).startswith("关于2021年度")


def test_a_template_with_a_line_that_is_no_element_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.papers.docx.render", lambda name, **facts: "标题| 甲\n大标题| 乙")
    with pytest.raises(PaperFault, match="大标题"):
        paper("circular", published(frozen_lines(), PUBLISHED_ON).made_at)


def test_libreoffice_lays_it_out_as_it_should_be(
    result: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soffice, pdftotext = shutil.which("soffice"), shutil.which("pdftotext")
    if soffice is None or pdftotext is None:
        pytest.skip("needs LibreOffice and pdftotext")
    (tmp_path / "circular.docx").write_bytes(circular(result))
    full = {"papers/full": f"正文| {'甲' * (28 * 50)}"}
    monkeypatch.setattr("handlers.papers.docx.render", lambda name, **facts: full.get(name) or render(name, **facts))
    (tmp_path / "full.docx").write_bytes(paper("full", result.made_at))
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    command = [soffice, home, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, *tmp_path.glob("*.docx")]
    done = subprocess.run(command, capture_output=True, timeout=180, check=False)
    if b"could not be loaded" in done.stderr + done.stdout:
        pytest.skip("this LibreOffice has no Writer")

    def pages(name: str) -> list[list[str]]:
        laid = subprocess.run([pdftotext, "-layout", tmp_path / name, "-"], capture_output=True, check=True)
        # Between Chinese and figures a program may leave a little room, which is read as a space.
        told = [
            [line.replace(" ", "") for line in page.splitlines() if line.strip()]
            for page in laid.stdout.decode().split("\f")
        ]
        return [page for page in told if page]

    first, second, third = pages("full.pdf")
    assert first == ["甲" * 26, *["甲" * 28] * 21, "—1—"]
    assert second == [*["甲" * 28] * 22, "—2—"]
    assert len(third) == 8
    told = pages("circular.pdf")
    assert [page[-1] for page in told] == [f"—{number}—" for number in range(1, len(told) + 1)]
    assert [page[0] for page in told if page[0].startswith("附件")] == ["附件1", "附件2"]
    [signed] = [page for page in told if "2022年1月6日" in page]
    assert any(line.startswith("附件：1.") for line in signed)
