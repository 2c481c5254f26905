"""Has DuckDB parse a long text once, for all sessions: parsing an exchange takes it 10 ms, each time."""

import threading

import translation
from fakesnow.cursor import FakeSnowflakeCursor

#: Shorter texts take longer to look up than to parse.
LONG = 500

statements = translation.Kept(translation.KEPT)
guard = threading.Lock()


class Parsing:
    """A connection of DuckDB that knows the texts which any of them has parsed."""

    def __init__(self, connection):
        self._connection = connection

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, sql, parameters=None):
        return self._connection.execute(self.parsed(sql), parameters)

    def parsed(self, sql):
        if not isinstance(sql, str) or len(sql) < LONG:
            return sql
        with guard:
            found = statements.get(sql)
        if found is None:
            found = self._connection.extract_statements(sql)
            with guard:
                statements[sql] = found
        # Several statements are for DuckDB itself to tell apart.
        return found[0] if len(found) == 1 else sql


begin = FakeSnowflakeCursor.__init__


def begin_parsing(self, conn, duck_conn, *args, **kwargs):
    begin(self, conn, Parsing(duck_conn), *args, **kwargs)


FakeSnowflakeCursor.__init__ = begin_parsing
