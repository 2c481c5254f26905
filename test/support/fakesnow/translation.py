"""Translations, kept: fakesnow takes some 100 to 700 ms to put a long statement into DuckDB's SQL, each time anew."""

import re
from collections import OrderedDict
from functools import lru_cache

import fakesnow.server
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

KEPT = 1_000


class Kept(OrderedDict):
    """The newest entries, so many of them."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        while len(self) > self.limit:
            self.popitem(last=False)


translations = Kept(KEPT)
descriptions = Kept(KEPT)
#: Rises with every change of a table: descriptions of before are worth nothing.
generation = 0

DEFINITION = re.compile(r"\s*(create|drop|alter|truncate|comment|undrop)\b", re.IGNORECASE)
#: What has one translation, whatever its binds are.
CONSTANT = (exp.Select, exp.SetOperation, exp.Insert, exp.Update, exp.Delete)
#: Texts that mean something else each time, or more than one statement of DuckDB.
CHANGING = re.compile(r"\b(identifier|result_scan)\s*\(|\binsert\s+overwrite\b|\$\w", re.IGNORECASE)


def place_of(cursor):
    """Names mean something else elsewhere."""
    session = cursor._conn
    return session.database, session.schema, session.database_set, session.schema_set


def fixed(statement):
    """The statement, with its text made once."""
    text = statement.sql(dialect="duckdb")
    statement.sql = lambda **_: text
    return statement, statement.find(exp.Placeholder) is not None


execute = FakeSnowflakeCursor.execute


def execute_translated(self, command, *args, **kwargs):
    global generation
    key = (command, place_of(self))
    if known := translations.get(key):
        statement, binds = known
        parameters = kwargs.get("binding_params")
        self._execute(statement, list(parameters) if binds and parameters else None)
        return self
    if DEFINITION.match(command):
        generation += 1
    cursor = execute(self, command, *args, **kwargs)
    if isinstance(self._last_transformed, CONSTANT) and not CHANGING.search(command):
        translations[key] = fixed(self._last_transformed)
    return cursor


FakeSnowflakeCursor.execute = execute_translated


def describe_last_sql(self):
    """The columns of the last result. What stands here is DuckDB's SQL already: it needs no translation."""
    sql, parameters = self._last_sql, self._last_params
    # BEGIN leaves nothing that DuckDB could describe.
    if isinstance(self._last_transformed, exp.Transaction):
        sql, parameters = fakesnow.cursor.SQL_SUCCESS, None
    key = (sql, place_of(self), tuple(type(value) for value in parameters or ()), generation)
    if key not in descriptions:
        descriptions[key] = self._duck_conn.execute(f"DESCRIBE {sql}", parameters).fetchall()
    return descriptions[key]


FakeSnowflakeCursor._describe_last_sql = describe_last_sql

# The server parses each statement a second time, to learn its kind.
fakesnow.server.parse_one = lru_cache(KEPT)(fakesnow.server.parse_one)
