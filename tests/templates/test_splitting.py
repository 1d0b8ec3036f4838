"""Long messages come in parts that Telegram takes."""

from hypothesis import example, given
from hypothesis import strategies as st

from templates.splitting import plain, split, units

WORDS = st.sampled_from(
    ["财政局", "😀", "&lt;", "&amp;", "a", " ", "\n", "得分 39.00 ", "<b>扣1分</b>", "<i>逾期\n未报</i>"]
)


def test_a_short_message_stays_whole() -> None:
    assert split("<b>收到</b>") == ["<b>收到</b>"]


def test_cuts_fall_on_line_ends() -> None:
    parts = split("\n".join(f"第{number}行" for number in range(2000)))
    assert len(parts) > 1
    assert all(part.startswith("第") and part.endswith("行") for part in parts)


def test_a_line_longer_than_a_message_is_cut_between_characters() -> None:
    parts = split("😀" * 3000)
    assert [units(part) for part in parts] == [4096, 1904]


def test_an_open_tag_is_closed_and_opened_again() -> None:
    first, second = split("<b>" + "字" * 5000 + "</b>")
    assert first.endswith("</b>")
    assert second.startswith("<b>")
    assert second.endswith("</b>")


def test_escaped_characters_count_once_and_are_never_cut() -> None:
    parts = split("&lt;" * 5000)
    assert [len(plain(part)) for part in parts] == [4096, 904]


def without_blanks(text: str) -> str:
    """A part of blanks alone is not sent: Telegram takes no message that shows nothing."""
    return "".join(text.split())


@example("财政局&lt;&lt;得分 39.00 \n财政局财政局财政局财政局", 13)
@example("财政局财政局😀<i>逾期\n未报</i>财政局财政局&lt;😀", 10)
@given(st.lists(WORDS, max_size=60).map("".join), st.integers(8, 40))
def test_nothing_is_lost_and_every_part_fits(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert all(units(plain(part)) <= limit for part in parts)
    assert without_blanks("".join(map(plain, parts))) == without_blanks(plain(text))
    for part in parts:
        assert plain(part) in plain(text)
        assert part.count("<b>") == part.count("</b>")
        assert part.count("<i>") == part.count("</i>")
