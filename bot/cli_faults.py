"""What may go wrong on the command line, in one line that says what to do."""

import jinja2
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

import templates
from bot.settings import SettingsFault
from scoring.loading import RuleBookError
from store.db import SchemaFault
from store.errors import Refusal


def one_line(fault: Exception) -> str | None:
    """The line for a fault that a person can do something about; None for any other."""
    match fault:
        case Refusal():
            return refusal(fault)
        case SettingsFault() | RuleBookError() | SchemaFault():
            return str(fault)
        case OperationalError() | InterfaceError():
            return _database(fault)
        case DatabaseError() if type(fault) is DatabaseError:  # a file that is no database; its kinds are our defects
            return _database(fault)
        case OSError() if fault.errno is not None:
            return f"{fault.filename}: {fault.strerror}" if fault.filename else fault.strerror or str(fault)
    return None


def _database(fault: DatabaseError | InterfaceError) -> str:
    said = str(fault.orig).strip().splitlines()
    return f"database: {said[0] if said else type(fault.orig).__name__}"


def refusal(fault: Refusal) -> str:
    """The sentence that the chat would say, on one line; the faults of a file have a line each."""
    try:
        sentence = templates.refusal(fault.code, fault.facts)
    except (KeyError, jinja2.UndefinedError):
        return str(fault)
    said = templates.plain(sentence)
    return said if "faults" in fault.facts else " ".join(said.split())
