"""All papers of a published result and its frozen file, as one archive."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import templates
from handlers import archive
from handlers.papers.circular import circular
from handlers.papers.consequences import consequence_list
from handlers.papers.data import published
from handlers.papers.letters import letters
from handlers.papers.tables import entry_table, panel_table, score_table
from store.times import china


def bundle(lines: Iterable[bytes], published_at: datetime) -> bytes:
    """The archive, the same bytes whenever it is made. ``lines``: those of the frozen file. Raises FrozenFault."""
    kept = list(lines)
    return archive.packed(_files(kept, published_at), published_at)


def _files(lines: list[bytes], published_at: datetime) -> Iterator[tuple[str, bytes]]:
    result = published(lines, china(published_at).date())

    def named(name: str, ending: str, department: str = "") -> str:
        return archive.safe(f"{templates.word(name, year=result.year, department=department)}.{ending}")

    yield named("paper_frozen", "jsonl"), b"".join(lines)
    yield named("paper_circular", "docx"), circular(result)
    yield named("paper_scores", "xlsx"), score_table(result)
    yield named("paper_entries", "xlsx"), entry_table(result)
    yield named("paper_panels", "xlsx"), panel_table(result)
    yield named("paper_consequences", "xlsx"), consequence_list(result)
    for one in letters(result):
        yield named("paper_letter", "docx", one.department), one.content
