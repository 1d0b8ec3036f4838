"""HTML as strictly as Telegram parses it, and what Telegram finds in plain text."""

import pytest

from sandbox.entities import detect, parse_html, utf16_length, utf16_slice
from sandbox.errors import ApiError


def kinds(source: str) -> list[tuple[str, str]]:
    text, entities = parse_html(source)
    return [(each["type"], utf16_slice(text, each["offset"], each["length"])) for each in entities]


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        ("没有标记", "没有标记", []),
        ("<b>财政局</b>：39.00", "财政局：39.00", [("bold", "财政局")]),
        ("<b>粗<i>又斜</i></b>", "粗又斜", [("italic", "又斜"), ("bold", "粗又斜")]),
        ("😀<b>表情</b>", "😀表情", [("bold", "表情")]),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;", '1 < 2 && 3 > 2 "', []),
        ("&#24352;&#x4e09;", "张三", []),
        ("A & B &nbsp; &copy;", "A & B &nbsp; &copy;", []),
        ("<B>大写</b>", "大写", [("bold", "大写")]),
        ("<b></b>空", "空", []),
        ("<s>a</s><u>b</u><code>c</code><tg-spoiler>d</tg-spoiler>", "abcd",
         [("strikethrough", "a"), ("underline", "b"), ("code", "c"), ("spoiler", "d")]),
        ('<span class="tg-spoiler">藏</span>', "藏", [("spoiler", "藏")]),
        ("<blockquote expandable>长</blockquote>", "长", [("expandable_blockquote", "长")]),
    ],
)  # fmt: skip
def test_supported_markup(source: str, text: str, found: list[tuple[str, str]]) -> None:
    assert parse_html(source)[0] == text
    assert kinds(source) == found


def test_links_mentions_and_code_keep_their_argument() -> None:
    _, (link,) = parse_html('<a href="https://example.com/?a=1&amp;b=2">这里</a>')
    assert link == {"type": "text_link", "offset": 0, "length": 2, "url": "https://example.com/?a=1&b=2"}
    _, (mention,) = parse_html('<a href="tg://user?id=42">张三</a>')
    assert (mention["type"], mention["user_id"]) == ("text_mention", 42)
    _, (pre,) = parse_html('<pre><code class="language-python">x = 1</code></pre>')
    assert (pre["type"], pre["language"]) == ("pre", "python")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("<b>开", 'Can\'t find end tag corresponding to start tag "b"'),
        ("关</b>", "Unexpected end tag at byte offset 3"),
        ("<b><i>交错</b></i>", 'Unmatched end tag at byte offset 12, expected "</i>", found "</b>"'),
        ("5 < 6", 'Unsupported start tag "" at byte offset 2'),
        ("<br>", 'Unsupported start tag "br" at byte offset 0'),
        ("<张三>", 'Unsupported start tag "张三" at byte offset 0'),
        ("文<b", "Unclosed start tag at byte offset 3"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ('<span class="red">x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_markup_telegram_cannot_parse(source: str, why: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_html(source)
    assert refused.value.code == 400
    assert refused.value.description == f"Bad Request: can't parse entities: {why}"


def test_lengths_are_utf_16_units() -> None:
    assert [utf16_length(text) for text in ("", "abc", "考评", "😀", "👨‍👩‍👧")] == [0, 3, 2, 2, 8]
    with pytest.raises(ApiError, match="encoded in UTF-8"):
        utf16_length("\ud800")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start abc", [("bot_command", "/start")]),
        ("/score@kaoping_bot 财政局", [("bot_command", "/score@kaoping_bot")]),
        ("/score财政局", []),  # a Chinese character is a word character
        ("请/score", []),
        ("2021/04/02", []),
        ("@kaoping_bot 财政局", [("mention", "@kaoping_bot")]),
        ("请 @kaoping_bot 看", [("mention", "@kaoping_bot")]),
        ("请@kaoping_bot看", []),
        ("见 https://t.me/kaoping_bot?start=abc", [("url", "https://t.me/kaoping_bot?start=abc")]),
        ("www.example.com", [("url", "www.example.com")]),
        ("a.b@example.com", [("email", "a.b@example.com")]),
        ("#双公示 2021.3", [("hashtag", "#双公示")]),
        ("得分 39.00", []),
    ],
)
def test_what_is_found_in_plain_text(text: str, found: list[tuple[str, str]]) -> None:
    seen = [(each["type"], utf16_slice(text, each["offset"], each["length"])) for each in detect(text)]
    assert seen == found


def test_nothing_is_found_inside_code_and_links() -> None:
    text, entities = parse_html("<code>/start</code> /help")
    assert [each["type"] for each in detect(text, entities)] == ["code", "bot_command"]
