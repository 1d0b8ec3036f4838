"""``kaoping``: the command line. Its verbs are those of the chat, made from the same registry.

Only what a call needs is loaded: the help in no time, a verb with its rooms. Whatever is wrong ends in one line on
stderr; exit codes are 0 for done, 1 for a fault that was looked for and found, 2 for what was refused.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli_index import IN_CHAT_ONLY, VERBS

OK, FOUND, REFUSED = 0, 1, 2

# Not exported by name; a wrong option, a missing argument and the like are all kinds of it.
_UsageError: type[Exception] = typer.BadParameter.__mro__[2]

HELP = "The assessment of a zone's departments: reminders, hand-ins, deductions, scores. Also a chat bot on Telegram."
ADMINISTRATORS = "Administrators' commands (the same as in the chat)"
MACHINE = "This machine"


def main() -> None:
    """The console script."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(words: Sequence[str]) -> int:
    """Runs one command line and returns its exit code."""
    try:
        "".join(words).encode()
    except UnicodeEncodeError:
        return _complain("what was typed is not UTF-8 text", REFUSED)
    try:
        done = typer.main.get_command(application(words)).main(
            args=list(words) or ["--help"], prog_name="kaoping", standalone_mode=False
        )
    except typer.Abort:
        return _complain("stopped", 130)
    except _UsageError as fault:
        return _complain(_one_line(fault), REFUSED)
    except Exception as fault:
        said = _known(fault)
        if said is None:
            raise
        return _complain(said, REFUSED)
    return done if isinstance(done, int) else OK


def application(words: Sequence[str]) -> typer.Typer:
    """The commands that ``words`` may mean: all of them by name, the one that is called with its parameters."""
    app = typer.Typer(help=HELP, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    for name, function in _FIXED.items():
        app.command(name, rich_help_panel=MACHINE)(function)
    called, second = [*(word for word in words if not word.startswith("-")), "", ""][:2]
    if called in {*(name.split()[0] for name in VERBS), *IN_CHAT_ONLY}:
        from bot import cli_verbs

        cli_verbs.add(app, called, second)
    for name in dict.fromkeys(name.split()[0] for name in VERBS):
        if name != called:
            app.command(name, help=_help(name), rich_help_panel=ADMINISTRATORS)(_placeholder)
    return app


def _help(first: str) -> str:
    return VERBS.get(first) or "; ".join(text for name, text in VERBS.items() if name.split()[0] == first)


def _placeholder() -> None:
    """Stands for a verb in the list of commands; it is never the one that is called."""


def _one_line(fault: Exception) -> str:
    message: Callable[[], str] = getattr(fault, "format_message", lambda: str(fault))
    return " ".join(message().split()) or "say kaoping --help for the commands"


def _complain(text: str, code: int) -> int:
    typer.echo(f"kaoping: {text}", err=True)
    return code


def _known(fault: Exception) -> str | None:
    """One line for what a person can do something about; None for a defect of ours."""
    from bot import cli_faults

    return cli_faults.one_line(fault)


def run() -> int:
    """The bot, against Telegram."""
    from bot import garbage

    with garbage.put_off():
        from bot import running

        return running.run()


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the year has been played.")] = False,
    port: Annotated[int, typer.Option(help="Port of the chat page on 127.0.0.1.")] = 8081,
) -> int:
    """Everything on this machine, no token: local Telegram, bot, sample zone, chat page in the browser."""
    from bot import demo as played

    return played.play(once=once, port=port)


def simulate(
    file: Annotated[Path, typer.Argument(help="A scenario (TOML).", metavar="FILE")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    by: Annotated[str, typer.Option(help="What ranks: total or daily.", metavar="total|daily")] = "total",
) -> int:
    """Plays a scenario through the real scheduler and scoring on a virtual clock."""
    from bot import simulating

    return simulating.simulate(file, as_json=as_json, by=by)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> int:
    """Settings, database, calendar, token, clock, reachability: what is wrong and what to do."""
    from bot import doctor as examined

    return examined.examine(as_json=as_json)


_FIXED: dict[str, Callable[..., Any]] = {"run": run, "demo": demo, "simulate": simulate, "doctor": doctor}
