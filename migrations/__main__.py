"""``python -m migrations initial`` writes the first step anew from the declared tables, for as long as none is in use.
``python -m migrations next "why"`` adds a step from what the steps give to what is declared now."""

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
import typer
from mako.template import Template  # type: ignore[import-untyped]

from migrations.tables import upgrade_code
from store.db import head, open_engine, prepare

FOLDER = Path(__file__).parent
commands = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


def _write(engine: sa.Engine, revision: str, before: str | None, message: str) -> None:
    with engine.connect() as connection:
        body = upgrade_code(connection)
    template = Template(filename=str(FOLDER / "script.py.mako"))  # noqa: S702 - Python comes out of it, not HTML
    code = template.render(message=message, up_revision=revision, down_revision=before, upgrades=body)
    path = FOLDER / "versions" / f"{revision}.py"
    path.write_text(code, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "check", "--fix", "--quiet", "--select", "F,I", path], check=False)  # noqa: S603
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=True)  # noqa: S603
    typer.echo(path)


@commands.command()
def initial() -> None:
    """Write the first step anew."""
    for old in (FOLDER / "versions").glob("*.py"):
        old.unlink()
    _write(open_engine("sqlite://"), "0001", None, "The tables as they were when the first zone went live.")


@commands.command("next")
def following(message: str) -> None:
    """Add a step; MESSAGE says why, in one sentence."""
    engine = open_engine("sqlite://")
    prepare(engine)
    before = head()
    _write(engine, f"{int(before) + 1:04}", before, message)


if __name__ == "__main__":
    commands()
