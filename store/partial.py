"""Partial indexes, on either database: only the rows that a condition holds for are in them."""

from sqlalchemy import Index, MetaData, text


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows for which ``where`` holds.

    A planner takes it only for a query whose condition it can see to be the same, so both spell it alike.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def on_postgresql(metadata: MetaData) -> None:
    """Says the conditions in PostgreSQL's words too: for whoever makes tables there, or compares them.

    Not said with the index itself, because that would load PostgreSQL's dialect at each start on SQLite.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if (where := index.info.get("where")) is not None:
                index.dialect_options["postgresql"]["where"] = text(where)
