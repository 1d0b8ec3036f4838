"""The letters to the bodies above vertically managed departments."""

from handlers.papers.data import Published, published
from handlers.papers.letters import letters
from tests.handlers.papers.conftest import HOSTILE, PUBLISHED_ON, ZONE, frozen_lines
from tests.handlers.papers.reading import Docx


def test_each_vertically_managed_department_has_one_to_its_superior(result: Published) -> None:
    tax, fire = letters(result)
    assert (tax.code, tax.department, tax.superior) == ("tax", "税务局", "吉林市税务局")
    assert (fire.code, fire.superior) == ("fire", "")
    docx = Docx(tax.content)
    assert "".join(docx.of("公文标题")) == "关于报送税务局2021年度营商环境建设考核评价结果的函"
    assert docx.of("主送机关") == ["吉林市税务局："]
    text = docx.of("公文正文")
    assert "五(二)关于“评议考核结果报送其上级主管部门”的规定，现将税务局2021年度" in text[0]
    assert text[1] == (
        "税务局综合得分96.00分，其中日常考评37.00分，年终评议49.00分，加分项目10.00分；在参加排名的7个单位中"
        "列第2名，评定为优秀档次。"
    )
    assert "机关作风、工作纪律、办事效率、窗口服务问题经查实，扣3分（《方案》1(7)）。" in text[2]
    # 8 and 5 are more than the cap.
    assert text[3].endswith("被市政数局通报表扬并在全市推广，加5分（《方案》3(2)）；按封顶规定共计10分。")
    assert docx.of("附件说明") == ["附件：税务局2021年度日常考评扣分明细表"]
    assert docx.of("附件顺序号") == ["附件"]
    assert docx.tables[0][1][1:] == [
        "机关作风、工作纪律、办事效率、窗口服务问题经查实", "1(7)", "2021年4月7日", "3", "窗口值守空岗，经查实",
    ]  # fmt: skip
    assert docx.of("成文日期") == ["2022年1月6日"]


def test_an_unknown_superior_is_left_blank_and_nothing_is_attached_without_deductions(result: Published) -> None:
    *_, fire = letters(result)
    docx = Docx(fire.content)
    assert docx.of("主送机关")[0].strip("　") == "："
    assert "日常考评没有扣分。" in docx.of("公文正文")
    assert (docx.of("附件说明"), docx.tables) == ([], [])


def test_a_veto_is_named_and_an_open_grade_is_said_to_be_open() -> None:
    zone = {"street": ZONE["street"] | {"vertical": True, "superior": HOSTILE}, "env": ZONE["env"] | {"vertical": True}}
    zone["env"] = zone["env"] | {"disputed": 1}
    by_code = {one.code: Docx(one.content) for one in letters(published(frozen_lines(zone), PUBLISHED_ON))}
    text = "".join(by_code["street"].of("公文正文"))
    assert "评定为不达标档次" in text
    assert "该单位有一票否决情形：责任人因违纪案件被纪检监察机关查处" in text
    assert "列第" not in text
    assert by_code["street"].of("主送机关") == ["=1+1 标题| 假标题 附件| <w:p/>& 😀："]
    assert "档次待定，评定后另行报送" in "".join(by_code["env"].of("公文正文"))
    # Late on one day, never come on another.
    assert [row[-1] for row in by_code["env"].tables[0][1:]] == ["逾期报送"]
