"""The register of tasks as a workbook to send on. Titles, columns and states are in ``templates/workbooks.toml``."""

from collections.abc import Sequence
from datetime import datetime

from handlers.workbooks import Book, words
from scheduler.task_commands import TaskRow
from templates.wording import deadline, instant

_AS_THEY_ARE = ("number", "department", "title", "responsible", "measures", "done_at")


def tasks_workbook(year: int, tasks: Sequence[TaskRow], at: datetime) -> bytes:
    """A year's tasks, each with its last progress, as they stand at ``at``."""
    told = words()["tasks"]
    rows = [
        {
            **{key: getattr(one, key) for key in _AS_THEY_ARE},
            "item": one.item_title,
            "clause": one.told["clause"],
            "due": deadline(one.due),
            "state": told["states"][one.state] + (told["held"] if one.held else ""),
            "days_over": one.days_over or None,
            "progress": one.progress.text if one.progress else "",
            "progress_at": one.progress.at if one.progress else None,
        }
        for one in tasks
    ]
    book = Book(at)
    book.table("tasks", None, rows, title=told["heading"].format(year=year, instant=instant(at)))
    return book.close()
