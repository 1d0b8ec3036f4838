"""Verbs on the command line: each made from the registry, with the parameters it has in the chat."""

import getpass
import inspect
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

import templates
from bot import cli_faults, logs, verbs
from bot import settings as configured
from bot.clock import SystemClock
from bot.opening import furnish, opened
from bot.settings import Settings
from handlers import screens
from handlers.forms import FORMS
from handlers.notices import deliver
from store import acting, people
from store.commands import VERBS, Act, Param, Verb, complete, take_words, to_json, written
from store.db import open_engine, prepare, transaction
from store.errors import Refusal
from store.people import Person, Role

FOUND = 1
GIVES_LINKS = frozenset({"invite", "import", "survey links", "survey assistant"})
"""Verbs whose result has links to the bot."""
OFFLINE = frozenset({"verify"})
"""Verbs for which the file they are given is enough: no database is opened then, whatever the settings name."""
WITHOUT_OFFICE = frozenset({"rules show", "rules check"})
"""Verbs that may be tried before anything is set up: they look at files alone."""


def add(app: typer.Typer, first: str, second: str) -> None:
    """Adds what a line may mean that begins with these two words: a verb of one word, or a group of those of two."""
    verbs.load()
    named = {verb.name: verb for verb in VERBS.values() if verb.name.split()[0] == first}
    if first in named and f"{first} {second}" not in named:
        verb = named.pop(first)
        more = "; ".join(f"kaoping {name}: {other.help}" for name, other in named.items())
        app.command(first, help=verb.help, epilog=more or None, hidden=verb.chat_only)(command_of(verb))
        return
    group = typer.Typer(help=" ".join(verb.help for verb in named.values()), no_args_is_help=True)
    for name, verb in named.items():
        if name != first:
            group.command(name.split()[1], help=verb.help)(command_of(verb))
    app.add_typer(group, name=first)


@dataclass(frozen=True)
class Options:
    """What every verb takes beside its own parameters."""

    said_as: str | None
    as_json: bool
    dry_run: bool
    folder: Path


def command_of(verb: Verb) -> Callable[..., int]:
    """A function whose signature Typer turns into the command of a verb."""

    def command(**given: Any) -> int:
        options = Options(
            given.pop("said_as"), given.pop("as_json"), given.pop("dry_run", False), given.pop("folder", Path())
        )
        form = given.pop("template", None)
        if form is not None:
            return write_form(verb, list(_as_line(verb, given)), form, options)
        return execute(verb, list(_as_line(verb, given)), options)

    _sign(command, verb)
    return command


def _as_line(verb: Verb, given: Mapping[str, Any]) -> Iterator[str]:
    """The words of a line in the chat that says the same: what was named, then the others in their order."""
    for param in verb.params:
        named = given.get(_named(param))
        if named is True:
            yield f"--{param.name}"
        elif named not in (None, False):
            yield f"--{param.name}={named}"
    for param in _positional(verb):
        said = given.get(param.name)
        yield from said if isinstance(said, list) else [] if said is None else [said]


def _named(param: Param) -> str:
    """The name under which a parameter's option comes from Typer, beside the positional one."""
    return f"{param.name}_named"


def _positional(verb: Verb) -> list[Param]:
    return [param for param in verb.params if not param.option]


def _sign(function: Callable[..., Any], verb: Verb) -> None:
    """Gives ``function`` the signature that Typer reads: the verb's parameters and what every verb takes."""
    signature: list[inspect.Parameter] = []

    def parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> None:
        kind = inspect.Parameter.KEYWORD_ONLY
        signature.append(inspect.Parameter(name, kind, annotation=annotation, default=default))

    positional = _positional(verb)
    for param in positional:
        # A reason takes any number of words, an instant two. What spills over goes on in order, as in the chat.
        kind: Any = list[str] if param is positional[-1] and (param.rest or param.converter.words > 1) else str
        argument = typer.Argument(metavar=param.name.upper(), show_default=False)
        if param.required and verb.name not in FORMS:
            parameter(param.name, Annotated[kind, argument])
        else:
            parameter(param.name, Annotated[kind | None, argument], None)
    for param in verb.params:
        flag = f"--{param.name.replace('_', '-')}"
        if param.annotation is bool:
            parameter(_named(param), Annotated[bool, typer.Option(flag)], False)
        elif not param.required:
            help_ = "" if param.default in (None, "") else f"Default: {param.default}."
            option = typer.Option(flag, help=help_, metavar="TEXT")
            parameter(_named(param), Annotated[str | None, option], None)
    by = typer.Option("--as", metavar="NAME", help="The administrator who does this: Telegram id, @username or name.")
    parameter("said_as", Annotated[str | None, by], None)
    parameter("as_json", Annotated[bool, typer.Option("--json", help="One JSON object.")], False)
    if verb.changes:
        trial = typer.Option("--dry-run", help="Show what would happen; do nothing.")
        parameter("dry_run", Annotated[bool, trial], False)
    if verb.name in FORMS:
        blank = typer.Option(
            "--template", metavar="FILE", help="Write the blank form to this file, and do nothing else."
        )
        parameter("template", Annotated[Path | None, blank], None)
    if verb.name in WRITES_FILES:
        parameter("folder", Annotated[Path, typer.Option("--to", help="The directory for the files.")], Path())
    function.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    function.__annotations__ = {one.name: one.annotation for one in signature}


WRITES_FILES = frozenset({"export"})
"""Verbs whose result has files: the chat sends them, the command line writes them."""


def execute(verb: Verb, words: Sequence[str], options: Options) -> int:
    """Does a verb and prints what came of it. Raises Refusal, SettingsFault, RuleBookError or a database error."""
    if verb.chat_only:
        raise Refusal("chat_only", verb=verb.name)
    settings = configured.load()
    # What is printed is for whoever reads it, a program perhaps: log lines go to stderr.
    logs.configure(settings.log, level=logging.WARNING)
    bot = _username(settings) if verb.name in GIVES_LINKS and not options.dry_run else None
    offline = verb.name in OFFLINE and bool(words)
    with _house(settings, options.said_as, alone=verb.name in WITHOUT_OFFICE, offline=offline) as act, _found_by(verb):
        given = complete(verb, take_words(act, verb, words))
        if options.dry_run:
            result: Any = acting.preview(act, verb, **given)
            text = screens.previewed(act, verb, written(verb, given), result)
            act.session.rollback()
        else:
            result = acting.run(act, verb, **given)
            deliver(act.session, act.notices, act.now, summary_chat=settings.summary_chat)
            text = screens.told(act, verb, result, bot=bot)
    # Only now has it happened: a pipe that is closed too early must not undo it.
    for file in getattr(result, "files", ()):
        (options.folder / file.name).write_bytes(file.content)
    typer.echo(json.dumps(to_json(result), ensure_ascii=False, indent=2) if options.as_json else templates.plain(text))
    return FOUND if getattr(result, "fault", None) else 0


def _username(settings: Settings) -> str | None:
    from bot import naming  # brings the network along, which few verbs need

    return naming.username(settings)


@contextmanager
def _found_by(verb: Verb) -> Iterator[None]:
    """What ``rules check`` is there to find is a finding, and no refusal."""
    try:
        yield
    except Refusal as refusal:
        if verb.name != "rules check" or refusal.code != "rule_book_faulty":
            raise
        typer.echo(f"kaoping: {cli_faults.refusal(refusal)}", err=True)
        raise typer.Exit(FOUND) from None


def write_form(verb: Verb, words: Sequence[str], path: Path, options: Options) -> int:
    """Writes the blank form of a verb. Raises Refusal file_exists rather than write over one that was filled in, or
    what the form itself raises.
    """
    if path.exists():
        raise Refusal("file_exists", path=str(path))
    with _house(configured.load(), options.said_as, alone=True) as act:
        path.write_bytes(FORMS[verb.name](act, take_words(act, verb, words)))
    typer.echo(str(path))
    return 0


@contextmanager
def _house(settings: Settings, said_as: str | None, *, alone: bool = False, offline: bool = False) -> Iterator[Act]:
    """An act in one transaction of its own, by the administrator who is meant.

    ``alone``: where no administrator is named, an empty house in memory will do; ``offline``: it will do in any case.
    """
    now = SystemClock().now()
    if said_as is None and (offline or (alone and not settings.admins)):
        engine = open_engine("sqlite://")
        prepare(engine)
        with transaction(engine) as session:
            furnish(session, settings.model_copy(update={"admins": frozenset({1})}), now)
    else:
        engine = opened(settings, now)
    try:
        with transaction(engine) as session:
            actor = _actor(session, said_as)
            yield Act(session, now, actor, "command line", system_user=system_user())
    finally:
        engine.dispose()


def _actor(session: Any, said_as: str | None) -> Person:
    if said_as is not None:
        return people.administrator_named(session, said_as)
    in_office = people.holders(session, Role.ADMINISTRATOR)
    if not in_office:
        raise configured.SettingsFault("KAOPING_ADMINS is not set: the Telegram ids of the first administrators")
    if len(in_office) > 1:
        raise Refusal("administrator_needed", like=[one.name for one in in_office])
    return in_office[0]


def system_user() -> str:
    """Who runs this on the machine: the account's name, or its number where it has none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
