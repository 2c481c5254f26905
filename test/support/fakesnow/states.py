"""Whole states of tables in one request: their rows are put in, read, and taken away, past the emulator's SQL.

What compares statements with models needs thousands of states, and an INSERT for each table of each would take most of its
time. Tests that share a schema empty it in between: creating its tables takes longer than most of these tests.
"""

import fakesnow.server

side = fakesnow.server.shared_fs.duck_conn.cursor()

#: How a value of JSON becomes a value of each type, and back.
INTO = {
    "VARCHAR": "r ->> '{0}'",
    "NUMBER": "CAST(r ->> '{0}' AS DECIMAL(38, 0))",
    "TIMESTAMP_NTZ": "make_timestamp(CAST(r ->> '{0}' AS BIGINT) * 1000)",
    "VARIANT": "r -> '{0}'",
}
FROM = {"VARCHAR": "{0}", "NUMBER": "{0}", "TIMESTAMP_NTZ": "epoch_ms({0})", "VARIANT": "{0}"}


def load(tables):
    """Puts rows in the place of all others. They come as a JSON text; a NULL is a key that is not there."""
    side.begin()
    for table in tables:
        side.execute(f"DELETE FROM {table['name']}")
        columns = ", ".join(table["columns"])
        values = ", ".join(INTO[kind].format(column) for column, kind in table["columns"].items())
        text = f"INSERT INTO {table['name']} ({columns}) SELECT {values} FROM (SELECT unnest(CAST(? AS JSON[])) AS r)"
        if table["rows"] != "[]":
            side.execute(text, [table["rows"]])
    side.commit()


def read(tables):
    """The rows of each table, as a JSON text."""
    return [read_one(**table) for table in tables]


def read_one(name, columns):
    fields = ", ".join(f"{column} := {FROM[kind].format(column)}" for column, kind in columns.items())
    (text,) = side.execute(f"SELECT to_json(list(struct_pack({fields})))::VARCHAR FROM {name}").fetchone()
    return text or "[]"


TABLES = "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?"


def empty(database, schema, keep):
    """Deletes all rows of a schema's tables, those of late reads too, but for the tables to keep."""
    for (table,) in side.execute(TABLES, [database, schema]).fetchall():
        if table not in keep:
            side.execute(f'DELETE FROM "{database}"."{schema}"."{table}"')
