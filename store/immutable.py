"""Tables to which rows are only added. The database itself refuses a change, whoever asks."""

from typing import Any

from sqlalchemy import Connection, Table, event


def append_only_ddl(table: str, dialect: str) -> list[str]:
    """The statements that make ``table`` refuse UPDATE and DELETE (and TRUNCATE on PostgreSQL).

    For migrations: ``for statement in append_only_ddl("ledger_entry", bind.dialect.name): op.execute(statement)``.
    """
    refusal = f"{table} is append-only"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    function = f"{table}_refuses"
    body = f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    return [
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {body}",
        *(
            f"CREATE TRIGGER {function}_{when.split()[0].lower()} BEFORE {when} EXECUTE FUNCTION {function}()"
            for when in (f"UPDATE OR DELETE ON {table} FOR EACH ROW", f"TRUNCATE ON {table}")
        ),
    ]


def append_only(table: Table) -> None:
    """Have ``metadata.create_all`` make the triggers together with the table, on either database."""

    def arm(_table: Table, connection: Connection, **_: Any) -> None:
        for statement in append_only_ddl(table.name, connection.dialect.name):
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", arm)
