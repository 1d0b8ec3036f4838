"""A sheet to draw on in pixels, from the top left: boxes, bars and lines of Chinese text that fit where they are put.

matplotlib is imported by the first picture, not by the program's start. Only its object-oriented part is used, with a
font that comes from a package: what fonts the machine has does not matter.
"""

import io
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

Align = Literal["left", "center", "right"]

DPI = 100
STAND_IN = "〓"
"""Printers' mark for a character that the font does not have."""
_BASELINE = 0.36  # Half the height of a Chinese character above its baseline, in sizes.


@cache
def font_path() -> str:
    """The file of Noto Sans SC. Raises FileNotFoundError when the package is not whole."""
    path = resources.files("pylopdf_fonts_zh_cn").joinpath("NotoSansSC-Regular.otf")
    with resources.as_file(path) as file:
        if not file.is_file():
            raise FileNotFoundError(file)
        return str(file)


@cache
def _advances() -> Mapping[int, float]:
    """How far each character moves the pen, in sizes; the characters that the font has are its keys."""
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    with TTFont(font_path(), lazy=True) as font:
        metrics, units = font["hmtx"].metrics, font["head"].unitsPerEm
        return {code: metrics[glyph][0] / units for code, glyph in font.getBestCmap().items()}


def has_glyph(character: str) -> bool:
    """Whether the font can show this character."""
    return ord(character) in _advances()


def width(text: str, size: float) -> float:
    """How wide a line of text is, in pixels, at a size in pixels."""
    advances = _advances()
    return sum(advances.get(ord(character), 1.0) for character in text) * size


def legible(text: str) -> str:
    """The text as it can be shown: one line, without emoji and marks that the font does not have.

    A letter or character that it does not have becomes 〓, which a reader knows for what it is; a box would look like a
    fault, and nothing at all like another name.
    """
    kept = []
    for character in unicodedata.normalize("NFC", " ".join(text.split())):
        if has_glyph(character) and unicodedata.category(character) not in ("Cf", "Cc", "Co", "Cs"):
            kept.append(character)
        elif unicodedata.category(character)[0] in "LN":
            kept.append(STAND_IN)
    return "".join(kept).strip()


def fitted(text: str, size: float, room: float, smallest: float) -> tuple[str, float]:
    """The text and its size so that it takes at most ``room`` pixels: made smaller first, then cut in its last third.

    The end stays, as it is what tells apart names of one origin (…第一分局, …第二分局).
    """
    room *= 0.97  # Hinting moves letters to whole pixels, so that long lines come out a little wider than reckoned.
    natural = width(text, size)
    if natural <= room:
        return text, size
    size = max(smallest, size * room / natural)
    if width(text, size) <= room + 0.01:
        return text, size
    for kept in range(len(text) - 1, 0, -1):
        tail = kept // 3
        cut = text[: kept - tail].rstrip() + "…" + text[len(text) - tail :].lstrip()
        if width(cut, size) <= room:
            return cut, size
    return "…", size


@dataclass(frozen=True)
class Line:
    """A line of text as it was drawn, and where."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


class Sheet:
    """One picture in the making. Positions and sizes are pixels; y grows downwards; text is placed by its middle."""

    def __init__(self, wide: int, high: int, paper: str) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.font_manager import FontProperties

        self.wide = wide
        self.high = high
        self._font = FontProperties(fname=font_path())
        self._figure = Figure(figsize=(wide / DPI, high / DPI), dpi=DPI, facecolor=paper)
        self._canvas = FigureCanvasAgg(self._figure)
        self._axes: Any = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._axes.set_xlim(0, wide)
        self._axes.set_ylim(high, 0)
        self._layer = 0
        self.lines: list[Line] = []
        """Every line of text that was drawn, in order."""

    def box(self, x: float, y: float, wide: float, high: float, colour: str, corner: float = 0) -> None:
        """A filled rectangle, its corners rounded by ``corner``."""
        from matplotlib.patches import FancyBboxPatch

        if wide <= 0 or high <= 0:
            return
        corner = min(corner, wide / 2, high / 2)
        style = f"round,pad=0,rounding_size={corner}" if corner else "square,pad=0"
        patch = FancyBboxPatch((x, y), wide, high, boxstyle=style, facecolor=colour, edgecolor="none", linewidth=0)
        self._axes.add_patch(self._above(patch))

    def disc(self, x: float, y: float, wide: float, colour: str) -> None:
        """A filled circle around a point."""
        from matplotlib.patches import Circle

        self._axes.add_patch(self._above(Circle((x, y), wide / 2, facecolor=colour, edgecolor="none", linewidth=0)))

    def bar(self, x: float, y: float, wide: float, high: float, share: float, colour: str, track: str) -> None:
        """A horizontal bar, ``share`` (0 … 1) of it filled."""
        self.box(x, y, wide, high, track, high / 2)
        share = min(1.0, max(0.0, share))
        if share:
            self.box(x, y, max(high, wide * share), high, colour, high / 2)

    def rule(self, x: float, y: float, wide: float, colour: str) -> None:
        """A hairline."""
        self.box(x, y, wide, 1.5, colour)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str,
        *,
        align: Align = "left",
        bold: bool = False,
        room: float | None = None,
        smallest: float | None = None,
    ) -> float:
        """One line of text with its middle at ``y``; returns how wide it came out.

        In ``room`` pixels it is made to fit, down to ``smallest`` and then cut.
        """
        text = legible(text)
        if room is not None:
            text, size = fitted(text, size, room, smallest or size)
        if not text:
            return 0.0
        drawn = self._axes.text(
            x,
            y + _BASELINE * size,
            text,
            color=colour,
            fontproperties=self._font,
            fontsize=size * 72 / DPI,
            horizontalalignment=align,
            verticalalignment="baseline",
            parse_math=False,  # A name may hold dollar signs.
            clip_on=False,
        )
        if bold:
            from matplotlib.patheffects import Normal, Stroke

            # The package has one weight: an outline in the same colour makes the other.
            drawn.set_path_effects([Stroke(linewidth=size * 0.028, foreground=colour), Normal()])
        self._above(drawn)
        wide = width(text, size)
        left = x - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
        self.lines.append(Line(text, left, y - size / 2, left + wide, y + size / 2))
        return wide

    def png(self) -> bytes:
        """The picture. The same drawing gives the same bytes."""
        out = io.BytesIO()
        self._canvas.print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
        return out.getvalue()

    def _above(self, artist: Any) -> Any:
        """What is drawn later lies above."""
        self._layer += 1
        artist.set_zorder(self._layer)
        return artist
