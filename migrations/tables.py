"""The tables as the rooms declare them now, and how to put their difference to a database into words."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import api, compare_metadata, produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateTableOp, UpgradeOps
from sqlmodel import SQLModel

import store
from store.partial import on_postgresql

DIALECTS = ("sqlite", "postgresql")


def declared() -> sa.MetaData:
    """Every table of every room: the ground keeps them beside their functions, the rooms above in files apart."""
    for module in pkgutil.iter_modules(store.__path__):
        importlib.import_module(f"store.{module.name}")
    for tables in ("tables", "survey_tables", "appeal_tables", "claim_tables", "result_tables"):
        importlib.import_module(f"scoring.{tables}")
    importlib.import_module("scheduler.tables")
    on_postgresql(SQLModel.metadata)
    return SQLModel.metadata


def differences(connection: sa.Connection) -> list[Any]:
    """What the rooms declare and the database has not, or the other way round; empty when they agree."""
    return list(compare_metadata(MigrationContext.configure(connection), declared()))


def upgrade_code(connection: sa.Connection) -> str:
    """The body of a migration that takes the database to what the rooms declare."""
    context = MigrationContext.configure(connection, opts={"render_item": _plain_type})
    script = produce_migrations(context, declared())
    upgrade = script.upgrade_ops
    if upgrade is None or upgrade.is_empty():
        return "pass"
    code = str(render_python_code(upgrade, render_item=_plain_type, migration_context=context))
    return code + "".join(_trigger_code(upgrade))


def _plain_type(kind: str, item: Any, _context: api.AutogenContext) -> str | Literal[False]:
    # A step must run the same in ten years, so it names no type of ours, which may have changed by then.
    if kind != "type":
        return False
    if isinstance(item, sa.types.TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return f"sa.{item!r}" if isinstance(item, sa.JSON) and type(item) is sa.JSON else False


class _Recorder:
    """Stands where a connection would, for listeners that issue statements after a table is made."""

    def __init__(self, dialect: str) -> None:
        self.dialect = sa.make_url(f"{dialect}://").get_dialect()()
        self.statements: list[str] = []

    def exec_driver_sql(self, statement: str) -> None:
        self.statements.append(statement)


def _trigger_code(upgrade: UpgradeOps) -> Iterator[str]:
    metadata = declared()
    for made in upgrade.ops:
        if not isinstance(made, CreateTableOp):
            continue
        table = metadata.tables[made.table_name]
        for dialect in DIALECTS:
            recorder = _Recorder(dialect)
            for listener in table.dispatch.after_create:
                listener(table, recorder)
            if recorder.statements:
                yield f'\n    if op.get_bind().dialect.name == "{dialect}":'
                yield from (f"\n        op.execute({statement!r})" for statement in recorder.statements)
