"""The layouts by which ledgers are checked: files, which a zone may replace by its own."""

from pathlib import Path

import pytest

from scheduler import layouts
from scheduler.publicity import check
from tests.scheduler.ledgers import TODAY, told, working_day_after


def test_a_zone_replaces_the_layout_by_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text(
        'name = "ours"\ntitle = "本区台账"\n[[table]]\ncode = "all"\ntitle = "公示"\n'
        '[[table.column]]\ntitle = "名称"\nrequired = true\n[[table.column]]\ntitle = "日期"\ncheck = "date"\n',
        "utf-8",
    )
    layout = layouts.load(str(path))
    result = check("a.csv", "名称,日期\n,昨天".encode(), layout, working_day_after=working_day_after, today=TODAY)
    assert told(result) == {("名称", "required"), ("日期", "date_unclear")}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (('check = "date"', 'check = "dates"'), "table[1].column[20].check"),
        (("required = true", "requierd = true"), "table[1].column[1].requierd"),
        (('decided = "许可决定日期"', 'decided = "决定日"'), "table[1].decided"),
        (("publish_within_working_days = 7", 'publish_within_working_days = "7"'), "publish_within_working_days"),
        (('title = "许可编号"', 'title = "许可证书名称"'), "table[1].column"),
        (('column = "行政相对人类别", in', 'column = "类别", in'), "table[1].required"),
        (("name = ", "name "), "file"),
    ],
)
def test_a_bad_layout_is_refused_by_its_key(change: tuple[str, str], key: str) -> None:
    source = layouts.text("publicity-2018").replace(*change)
    with pytest.raises(layouts.LayoutError) as refused:
        layouts.parse(source, "here.toml")
    assert refused.value.key == key
    assert "\n" not in str(refused.value)
    with pytest.raises(layouts.LayoutError):
        layouts.load("no-such-layout")
