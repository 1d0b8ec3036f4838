"""Loads every room that declares verbs, so that the registry is whole."""

import importlib

ROOMS = (
    "store.departments",
    "store.words",
    "store.verbs",
    "scoring.commands",
    "scoring.claim_commands",
    "scoring.booklet",
    "scheduler.commands",
    "scheduler.import_commands",
    "scheduler.merging",
    "scheduler.survey_commands",
    "scheduler.appeal_commands",
    "scheduler.paper_commands",
    "scheduler.result_commands",
    "scheduler.rule_commands",
    "bot.exporting",
    "bot.backup",
)


def load() -> None:
    """Fills ``store.commands.VERBS``."""
    for room in ROOMS:
        importlib.import_module(room)
