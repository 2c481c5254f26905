"""Caches translations: fakesnow takes 100 to 700 ms to translate a long statement into DuckDB's SQL, each time.

Each test has a schema of its own, with a name of its own. A translation is cached without such names, so that other tests
can use it.
"""

import re
import threading
from collections import OrderedDict
from functools import lru_cache

import fakesnow.server
from fakesnow.cursor import FakeSnowflakeCursor
from sqlglot import exp

KEPT = 1_000


class Kept(OrderedDict):
    """A cache of the newest entries, up to a limit."""

    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        while len(self) > self.limit:
            self.popitem(last=False)


translations = Kept(KEPT)
descriptions = Kept(KEPT)
#: Rises with every change of a table: descriptions of before are worth nothing. A new schema changes no table.
generation = 0

DEFINITION = re.compile(r"\s*(create|drop|alter(?!\s+session\b)|truncate|comment|undrop)\b", re.IGNORECASE)
NEW_SCHEMA = re.compile(r"\s*create\s+schema\b", re.IGNORECASE)
#: What has one translation, whatever its binds are.
CONSTANT = (exp.Select, exp.SetOperation, exp.Insert, exp.Update, exp.Delete)
#: Texts that mean something else each time, or more than one statement of DuckDB.
CHANGING = re.compile(r"\b(identifier|result_scan)\s*\(|\binsert\s+overwrite\b|\$\w", re.IGNORECASE)


#: Names made for one test: they end in eight random digits.
PASSING = re.compile(r"\b\w+_[0-9A-F]{8}\b")


class Key:
    """What a translation is kept under: the text and where its names are looked up, both without passing names."""

    def __init__(self, cursor, command, *more):
        session = cursor._conn
        place = (session.database or "", session.schema or "")
        self.names = list(dict.fromkeys(PASSING.findall("\n".join((*place, command)))))
        flags = (session.database_set, session.schema_set)
        self.id = (*map(self.general, place), *flags, self.general(command), *more)

    def general(self, text):
        for at, name in enumerate(self.names):
            text = text.replace(name, standing(at))
        return text

    def particular(self, text):
        for at, name in enumerate(self.names):
            text = text.replace(standing(at), name)
        return text


def standing(at):
    """A placeholder for a name. It parses as a name itself."""
    return f"NAME_{at:04d}_STANDS"


#: The text that a translation has in this thread, while it is run.
current = threading.local()


class Translation:
    """A statement in DuckDB's SQL, for any names."""

    def __init__(self, key, statement):
        self.binds = statement.find(exp.Placeholder) is not None
        self.text = key.general(statement.sql(dialect="duckdb"))
        # A copy of our own (fakesnow shares some), and one for all runs: a copy takes longer than DuckDB's work.
        self.statement = statement.copy()
        self.statement.sql = lambda **_: current.text

    def run(self, cursor, key, parameters):
        current.text = key.particular(self.text)
        cursor._execute(self.statement, list(parameters) if self.binds and parameters else None)


execute = FakeSnowflakeCursor.execute


def execute_translated(self, command, *args, **kwargs):
    global generation
    key = Key(self, command)
    if known := translations.get(key.id):
        known.run(self, key, kwargs.get("binding_params"))
        return self
    # Before and after: what a statement beside it has found may be of either.
    changes = 1 if DEFINITION.match(command) and not NEW_SCHEMA.match(command) else 0
    generation += changes
    try:
        cursor = execute(self, command, *args, **kwargs)
    finally:
        generation += changes
    if isinstance(self._last_transformed, CONSTANT) and not CHANGING.search(command):
        translations[key.id] = Translation(key, self._last_transformed)
    return cursor


FakeSnowflakeCursor.execute = execute_translated


def describe_last_sql(self):
    """The columns of the last result. What stands here is DuckDB's SQL already: it needs no translation."""
    sql, parameters = self._last_sql, self._last_params
    # BEGIN leaves nothing that DuckDB could describe.
    if isinstance(self._last_transformed, exp.Transaction):
        sql, parameters = fakesnow.cursor.SQL_SUCCESS, None
    place = (self._conn.database, self._conn.schema)
    key = (sql, place, tuple(type(value) for value in parameters or ()), generation)
    if key not in descriptions:
        descriptions[key] = self._duck_conn.execute(f"DESCRIBE {sql}", parameters).fetchall()
    return descriptions[key]


FakeSnowflakeCursor._describe_last_sql = describe_last_sql

# The server parses each statement a second time, to learn its kind.
parse = lru_cache(KEPT)(fakesnow.server.parse_one)
fakesnow.server.parse_one = lambda sql: parse(PASSING.sub(standing(0), sql))
