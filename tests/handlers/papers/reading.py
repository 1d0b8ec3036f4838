"""Reading .docx as another program would: paragraphs with the style they end up with, tables, the page."""

import io
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree as ET

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@dataclass(frozen=True)
class Said:
    """A paragraph: what it says, and the style's name."""

    style: str
    text: str


class Docx:
    def __init__(self, content: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            self.names = file.namelist()
            self.dates = {one.date_time for one in file.infolist()}
            self.parts = {name: ET.fromstring(file.read(name)) for name in self.names}  # noqa: S314 - ours
        self.body = self.parts["word/document.xml"][0]
        self.styles = {one.get(f"{W}styleId"): one for one in self.parts["word/styles.xml"].iter(f"{W}style")}
        self.said = [self._said(one) for one in self.body if one.tag == f"{W}p"]
        self.tables = [
            [["".join(cell.itertext()).strip() for cell in row.iter(f"{W}tc")] for row in table.iter(f"{W}tr")]
            for table in self.body.iter(f"{W}tbl")
        ]

    def _said(self, paragraph: ET.Element) -> Said:
        style = self.styles[paragraph.find(f".//{W}pStyle").get(f"{W}val")]  # type: ignore[union-attr]
        name = style.find(f"{W}name").get(f"{W}val")  # type: ignore[union-attr]
        return Said(str(name), "".join(one.text or "" for one in paragraph.iter(f"{W}t")))

    def of(self, style: str) -> list[str]:
        """The texts of the paragraphs of a style, by its Chinese name."""
        return [one.text for one in self.said if one.style == style]

    def look(self, style: str, what: str, attribute: str = "val") -> str | None:
        """A property of a style, by its Chinese name; of its font, "rFonts" and "eastAsia"."""
        for one in self.styles.values():
            if one.find(f"{W}name").get(f"{W}val") == style:  # type: ignore[union-attr]
                found = one.find(f".//{W}{what}")
                return None if found is None else found.get(f"{W}{attribute}", "")
        raise KeyError(style)

    def page(self, what: str) -> dict[str, str]:
        """A property of the page: "pgSz", "pgMar", "docGrid"."""
        found = self.body.find(f"{W}sectPr/{W}{what}")
        assert found is not None
        return {key.removeprefix(W): value for key, value in found.attrib.items()}
