"""Text as Telegram sees it: HTML parsed into entities as strictly as Telegram does, lengths in UTF-16 code units.

The parser follows the one of Telegram's own library (td, MessageEntity.cpp): the same tags, the same tolerance of a
bare `&`, the same refusals, with byte offsets in them.
"""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.errors import bad_request

Entity = dict[str, Any]

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
REFERENCE = re.compile(r"&(?:#(?:[xX]([0-9a-fA-F]+)|([0-9]+))|(lt|gt|amp|quot));?")
NAME_TOKEN = re.compile(r"[A-Za-z0-9.\-]*")
SPACE = " \t\r\n\v\f"


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, which is what Telegram counts. Refuses lone surrogates."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise bad_request("strings must be encoded in UTF-8") from None


def utf16_slice(text: str, offset: int, length: int) -> str:
    """The part of `text` an entity covers."""
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le")


@dataclass(slots=True)
class _Open:
    """A start tag that waits for its end."""

    tag: str
    argument: str
    offset: int


class _HtmlParser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.out: list[str] = []
        self.length = 0  # UTF-16 units written so far
        self.open: list[_Open] = []
        self.entities: list[Entity] = []

    def parse(self) -> tuple[str, list[Entity]]:
        source = self.source
        while self.at < len(source):
            char = source[self.at]
            if char == "<":
                if source.startswith("</", self.at):
                    self._end_tag()
                else:
                    self._start_tag()
            else:
                self._write(self._character())
        if self.open:
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{self.open[-1].tag}"')
        return "".join(self.out), self.entities

    def _write(self, text: str) -> None:
        self.out.append(text)
        self.length += utf16_length(text)

    def _character(self) -> str:
        """One character, or a run of plain ones, or a decoded reference; an unknown reference stays as it is."""
        source, start = self.source, self.at
        if source[start] == "&":
            match = REFERENCE.match(source, start)
            decoded = _decode(match) if match else ""
            self.at = match.end() if match and decoded else start + 1
            return decoded or "&"
        end = start
        while end < len(source) and source[end] not in "<&":
            end += 1
        self.at = end
        return source[start:end]

    def _byte(self, index: int) -> int:
        return len(self.source[:index].encode())

    def _start_tag(self) -> None:
        source, begin = self.source, self.at
        end = begin + 1
        while end < len(source) and source[end] not in SPACE and source[end] != ">":
            end += 1
        if end == len(source):
            raise _unparsable(f"Unclosed start tag at byte offset {self._byte(begin)}")
        tag = source[begin + 1 : end].lower()
        if tag not in KINDS:
            raise _unparsable(f'Unsupported start tag "{tag}" at byte offset {self._byte(begin)}')
        self.at = end
        argument = self._attributes(tag, begin)
        if tag == "span" and argument != "spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {self._byte(begin)}')
        self.at += 1  # the ">"
        self.open.append(_Open(tag, argument, self.length))

    def _attributes(self, tag: str, begin: int) -> str:
        """Read up to the `>`; gives the one attribute that means something for `tag`."""
        source, argument = self.source, ""
        while True:
            self._skip_space()
            if self._peek() == ">":
                return argument
            start = self.at
            while self._peek() not in ("", *SPACE, "=", ">", "/", '"', "'"):
                self.at += 1
            name = source[start : self.at].lower()
            if not name and self._peek():
                raise _unparsable(f'Empty attribute name in the tag "{tag}" at byte offset {self._byte(begin)}')
            self._skip_space()
            if self._peek() == "=":
                self.at += 1
                self._skip_space()
                value = self._value()
            else:
                value = ""
            if not self._peek():
                raise _unparsable(f"Unclosed start tag at byte offset {self._byte(begin)}")
            argument = _meaning(tag, name, value, argument)

    def _value(self) -> str:
        source, start = self.source, self.at
        quote = self._peek()
        if quote not in ("'", '"'):
            match = NAME_TOKEN.match(source, start)
            self.at = match.end() if match else start
            if self._peek() not in ("", *SPACE, ">"):
                raise _unparsable(f"Unexpected end of name token at byte offset {self._byte(start)}")
            return source[start : self.at].lower()
        end = source.find(quote, start + 1)
        if end < 0:
            self.at = len(source)
            return ""
        self.at = end + 1
        return REFERENCE.sub(lambda match: _decode(match) or match[0], source[start + 1 : end])

    def _end_tag(self) -> None:
        source, begin = self.source, self.at
        if not self.open:
            raise _unparsable(f"Unexpected end tag at byte offset {self._byte(begin)}")
        end = begin + 2
        while end < len(source) and source[end] not in SPACE and source[end] != ">":
            end += 1
        found = source[begin + 2 : end].lower()
        self.at = end
        self._skip_space()
        if self._peek() != ">":
            raise _unparsable(f"Unclosed end tag at byte offset {self._byte(begin)}")
        self.at += 1
        opened = self.open.pop()
        if found and found != opened.tag:
            raise _unparsable(
                f'Unmatched end tag at byte offset {self._byte(begin)}, expected "</{opened.tag}>", found "</{found}>"'
            )
        if self.length > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        entity: Entity = {"type": KINDS[opened.tag], "offset": opened.offset, "length": self.length - opened.offset}
        match opened.tag:
            case "a":
                url = opened.argument or utf16_slice("".join(self.out), entity["offset"], entity["length"])
                if user := re.fullmatch(r"tg://user\?id=(\d+)", url):
                    entity |= {"type": "text_mention", "user_id": int(user[1])}
                elif is_url(url):
                    entity["url"] = url if "://" in url else f"http://{url}"
                else:
                    return
            case "tg-emoji":
                entity["custom_emoji_id"] = opened.argument
            case "blockquote" if opened.argument:
                entity["type"] = "expandable_blockquote"
            case "code" if opened.argument:
                entity["language"] = opened.argument
            case "pre":
                inner = self.entities[-1] if self.entities else {}
                if inner.get("type") == "code" and all(inner[key] == entity[key] for key in ("offset", "length")):
                    self.entities.pop()
                    entity |= {key: value for key, value in inner.items() if key == "language"}
        self.entities.append(entity)

    def _peek(self) -> str:
        return self.source[self.at] if self.at < len(self.source) else ""

    def _skip_space(self) -> None:
        while self.at < len(self.source) and self.source[self.at] in SPACE:
            self.at += 1


def _meaning(tag: str, name: str, value: str, argument: str) -> str:
    match tag, name:
        case ("a", "href") | ("tg-emoji", "emoji-id"):
            return value
        case ("code", "class") if value.startswith("language-"):
            return value.removeprefix("language-")
        case ("span", "class") if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case ("blockquote", "expandable"):
            return "1"
    return argument


def _decode(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return NAMED[name]
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _unparsable(what: str) -> Exception:
    return bad_request(f"can't parse entities: {what}")


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """HTML of the Bot API to text and entities. ApiError 400 `can't parse entities: …` where Telegram refuses."""
    if "<" not in source and "&" not in source:
        return source, []
    text, entities = _HtmlParser(source).parse()
    for entity in entities:
        if entity["type"] == "code":
            entity.pop("language", None)
    return text, entities


TOP_LEVEL = "com|cn|org|net|gov|edu|io|me|info|top|xyz|app|dev"
URL = re.compile(
    rf"(?:https?://|tg://)[^\s<>\"']+|(?<![\w.])(?:[a-z0-9\-]+\.)+(?:{TOP_LEVEL})(?!\w)(?:[/?#][^\s<>\"']*)?",
    re.IGNORECASE,
)
FOUND = re.compile(
    r"(?P<email>[A-Za-z0-9_.+\-]+@[A-Za-z0-9\-]+\.[A-Za-z0-9.\-]*[A-Za-z0-9])"
    rf"|(?P<url>{URL.pattern})"
    r"|(?<![\w/@])(?P<mention>@[A-Za-z0-9_]{2,32})(?!\w)"
    r"|(?<![\w/<>])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)(?![\w/<>])"
    r"|(?<![\w/#])(?P<hashtag>#\w*[^\W\d]\w*)",
    re.IGNORECASE,
)
# A Chinese character is a word character: /score财政局 is no command and 请@bot no mention, with Telegram as here.
HINTS = re.compile(r"[/@#.]")


def is_url(text: str) -> bool:
    """Whether Telegram would take `text` for a link."""
    return URL.fullmatch(text) is not None


def detect(text: str, entities: list[Entity] | None = None) -> list[Entity]:
    """All entities of `text`: the given ones, and the commands, mentions, links and tags Telegram finds by itself."""
    found = list(entities or ())
    if HINTS.search(text):
        taken = [
            (entity["offset"], entity["offset"] + entity["length"])
            for entity in found
            if entity["type"] in ("code", "pre", "text_link", "text_mention")
        ]
        for match in FOUND.finditer(text):
            offset, length = utf16_length(text[: match.start()]), utf16_length(match[0])
            if not any(start < offset + length and offset < end for start, end in taken):
                found.append({"type": match.lastgroup, "offset": offset, "length": length})
    found.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return found
