"""Late reads: a session sees its own changes at once, and those of other sessions later.

The proxy says with each statement who runs it, how late it reads, and how far the store's clock is ahead. The tables
that such a statement names are logged from then on: each row gets a hidden key, and each change of a row leaves a record
of its writer, its time and the row as it was before. A table that a statement reads is replaced by a view, which shows
the rows without the changes that the statement must not see yet. What compares a statement with a model says the instant
that it runs at, and no lateness.

An UPDATE or a DELETE with an old source names the last change that its source shows, whoever made it.

Invariants:
- Of each row, a reader sees every change of its own session, and those of others that were made early enough. If it sees
  a change, it sees all that the same row went through before.
- The table that a statement changes is never replaced: the rows that it may change are the newest.
- Rows that were in a table when it was first logged are old: every session sees them.
- A definition that names a table ends its log; the next statement begins a new one.
- Nothing runs between a change and its record: a statement that changes a logged table runs alone. Reads run beside each
  other.
- As long as no statement asks for late reads or an old source, no table is logged, and nothing here costs anything.
"""

import asyncio
import datetime as dt
import re
import threading
from contextlib import asynccontextmanager
from functools import lru_cache

import engine  # noqa: F401  its execute is wrapped here
import fakesnow.server
import translation
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from sqlglot import exp
from sqlglot.errors import ParseError

#: Names that no statement uses.
KEY, SEQ, AT, BY, WAS = ('"late key"', '"late seq"', '"late at"', '"late by"', '"late was"')
VIEW, WHOLE, UNDO = " late", " whole", " undo"

#: How many records an undo log holds before the records that are old for all sessions are deleted.
MANY = 2_000
#: What is older than this, and than twice the latest read so far, is old for everybody.
OLD_MS = 60_000

EVER = dt.datetime(9999, 1, 1)
#: Above every change's number.
ALL_CHANGES = 2**62

#: The number of the last change that was recorded, in any table.
last_change = 0
#: By database, schema and table.
logs = {}
#: What is no table, by the same: as of which definition.
no_tables = translation.Kept(translation.KEPT)
latest_ms = 0
side = fakesnow.server.shared_fs.duck_conn.cursor()
#: Of `side`, and of `logs`.
guard = threading.Lock()


def quoted(*parts):
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def next_change():
    global last_change
    last_change += 1
    return last_change


def now(ahead_ms):
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=None) + dt.timedelta(milliseconds=ahead_ms)


# --- the log of a table ----------------------------------------------------------------------------------------------


class Log:
    """The changes of one table."""

    def __init__(self, name, columns):
        self.name = name
        self.table = quoted(*name)
        self.undo = quoted(*name[:2], name[2] + UNDO)
        self.view = quoted(*name[:2], name[2] + VIEW)
        self.columns = ", ".join(quoted(column) for column in columns)
        self.records = 0
        #: The number and the time of each session's last change.
        self.changed = {}
        side.execute(f"ALTER TABLE {self.table} ADD COLUMN {KEY} UUID DEFAULT uuid()")
        side.execute(
            f"""CREATE TABLE {self.undo} AS
            SELECT 0::BIGINT AS {SEQ}, now()::TIMESTAMP AS {AT}, '' AS {BY}, TRUE AS {WAS}, t.* FROM {self.table} t LIMIT 0"""
        )
        side.execute(f"CREATE VIEW {quoted(*name[:2], name[2] + WHOLE)} AS SELECT {self.columns} FROM {self.table}")
        side.execute(
            f"""CREATE VIEW {self.view} AS
            WITH seen AS (
              SELECT {KEY}, max({SEQ}) AS newest FROM {self.undo}
              WHERE {SEQ} <= getvariable('late_last') AND ({AT} <= getvariable('late_before') OR {BY} = getvariable('late_by'))
              GROUP BY {KEY}
            ), unseen AS (
              SELECT u.{KEY}, min(u.{SEQ}) AS oldest FROM {self.undo} u LEFT JOIN seen s ON s.{KEY} = u.{KEY}
              WHERE u.{SEQ} > coalesce(s.newest, 0) GROUP BY u.{KEY}
            )
            SELECT {self.columns} FROM {self.table} t WHERE NOT EXISTS (SELECT 1 FROM unseen x WHERE x.{KEY} = t.{KEY})
            UNION ALL
            SELECT {self.columns} FROM {self.undo} u SEMI JOIN unseen x ON x.{KEY} = u.{KEY} AND x.oldest = u.{SEQ} WHERE u.{WAS}"""
        )

    @staticmethod
    def of(name):
        """The log of a table, begun if there is none; `None` for what is no table, such as a view."""
        with guard:
            if (log := logs.get(name)) is None and no_tables.get(name) != translation.generation:
                found = side.execute(
                    """SELECT c.column_name FROM duckdb_columns() c JOIN duckdb_tables() t
                    ON t.database_oid = c.database_oid AND t.schema_oid = c.schema_oid AND t.table_oid = c.table_oid
                    WHERE c.database_name = ? AND c.schema_name = ? AND c.table_name = ? ORDER BY c.column_index""",
                    list(name),
                ).fetchall()
                if found:
                    log = logs[name] = Log(name, [column for (column,) in found])
                else:
                    no_tables[name] = translation.generation
            return log

    def hides_nothing(self, by, before, last):
        """Whether a reader sees every change there is: then it needs no look into the records."""
        return all(n <= last and (at <= before or writer == by) for writer, (n, at) in self.changed.items())

    def recorded(self, write, inserts, by, ahead_ms):
        """Runs `write`, which answers the keys of the rows that it has changed; how many these are."""
        with guard:
            keys = self.inserted(write, by, ahead_ms) if inserts else self.replaced(write, by, ahead_ms)
            if keys:
                self.records += keys
                self.changed[by] = (last_change, now(ahead_ms))
                self.shorten(ahead_ms)
        return keys

    def inserted(self, write, by, ahead_ms):
        """Rows that were not there before."""
        keys = keys_of(write)
        if keys:
            side.execute(
                f"INSERT INTO {self.undo} ({SEQ}, {AT}, {BY}, {WAS}, {KEY}) SELECT ?, ?, ?, FALSE, unnest(?::UUID[])",
                [next_change(), now(ahead_ms), by, keys],
            )
        return len(keys)

    def replaced(self, write, by, ahead_ms):
        """Rows as they were before, which a transaction still sees that began then."""
        side.begin()
        try:
            side.execute(f"SELECT {KEY} FROM {self.table} LIMIT 0")  # with its first look a transaction begins
            if keys := keys_of(write):
                side.execute(
                    f"""INSERT INTO {self.undo} SELECT ?, ?, ?, t.{KEY} IS NOT NULL, t.* EXCLUDE ({KEY}), k.its_key
                    FROM (SELECT unnest(?::UUID[]) AS its_key) k LEFT JOIN {self.table} t ON t.{KEY} = k.its_key""",
                    [next_change(), now(ahead_ms), by, keys],
                )
            side.commit()
        except BaseException:
            side.rollback()
            raise
        return len(keys)

    def shorten(self, ahead_ms):
        if self.records < MANY:
            return
        side.execute(f"DELETE FROM {self.undo} WHERE {AT} < ?", [now(ahead_ms - max(OLD_MS, 2 * latest_ms))])
        (self.records,) = side.execute(f"SELECT count(*) FROM {self.undo}").fetchone()
        self.records = min(self.records, MANY // 2)  # where all are young, they are looked at again in a while

    def end(self):
        del logs[self.name]
        side.execute(f"DROP VIEW IF EXISTS {self.view}")
        side.execute(f"DROP VIEW IF EXISTS {quoted(*self.name[:2], self.name[2] + WHOLE)}")
        side.execute(f"DROP TABLE IF EXISTS {self.undo}")
        side.execute(f"ALTER TABLE IF EXISTS {self.table} DROP COLUMN IF EXISTS {KEY}")


def keys_of(write):
    return [str(key) for (key,) in write()]


def forget(database, schema):
    """Forgets the changes of a schema's tables, whose rows and records are gone."""
    with guard:
        for log in logs.values():
            if log.name[:2] == (database, schema):
                log.records = 0
                log.changed.clear()


def end_logs(command):
    """Ends the logs of the tables, and of the schemas, that a definition names."""
    words = set(re.findall(r"[\w$]+", command.upper()))
    drops_schema = re.match(r"\s*drop\s+(schema|database)\b", command, re.IGNORECASE)
    with guard:
        for log in list(logs.values()):
            if log.name[2].upper() in words or (drops_schema and {part.upper() for part in log.name[:2]} & words):
                log.end()


# --- what a statement names ------------------------------------------------------------------------------------------


class Mention:
    """A table's name in a text: its parts, and where it stands."""

    def __init__(self, table):
        names = [part for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part is not None]
        self.parts = tuple(name.this if name.args.get("quoted") else name.this.upper() for name in names)
        self.start = min(name.meta["start"] for name in names)
        self.end = max(name.meta["end"] for name in names) + 1
        self.has_alias = bool(table.alias)


class Mentions:
    """The tables that a statement names: those that it reads, and the one that it changes."""

    def __init__(self, text):
        self.reads, self.target, self.lists_columns = [], None, True
        try:
            statement = parse_one(text)
        except ParseError:
            return  # which is for the statement itself to find out
        if not isinstance(statement, translation.CONSTANT):
            return
        target = None
        if isinstance(statement, (exp.Insert, exp.Update, exp.Delete)):
            target = statement.this
            if isinstance(target, exp.Schema):
                target = target.this
            elif isinstance(statement, exp.Insert):
                self.lists_columns = False
            self.target = Mention(target)
        expressions = {name.alias_or_name.upper() for name in statement.find_all(exp.CTE)}
        for table in statement.find_all(exp.Table):
            if table is target or not isinstance(table.this, exp.Identifier):
                continue
            if table.args.get("db") is None and table.name.upper() in expressions:
                continue
            self.reads.append(Mention(table))


mentions = lru_cache(translation.KEPT)(Mentions)


def rewritten(cursor, command):
    """The command with views in place of the tables that it reads; their logs; and the log of the table that it changes."""
    key = translation.Key(cursor, command)
    found = mentions(key.general(command))
    database, schema = cursor._conn.database or "", cursor._conn.schema or ""

    def log_of(mention):
        parts = [key.particular(part) for part in mention.parts]
        return Log.of((*[database, schema][: 3 - len(parts)], *parts))

    text, end, target, reads = "", 0, None, []
    general = key.general(command)
    for mention in sorted(found.reads + [found.target] * (found.target is not None), key=lambda one: one.start):
        log = log_of(mention)
        if log is None:
            continue
        text, end = text + key.particular(general[end : mention.start]), mention.end
        if mention is found.target:
            target = log
            text += log.table + ("" if found.lists_columns else f" ({log.columns})")
        else:
            reads.append(log)
            text += log.view + ("" if mention.has_alias else " AS " + quoted(log.name[2]))
    return text + key.particular(general[end:]), reads, target


# --- statements ------------------------------------------------------------------------------------------------------

class Turns:
    """Readers run together, a writer alone, in the order of requests."""

    def __init__(self):
        self._door, self._writing, self._readers = asyncio.Lock(), asyncio.Lock(), 0

    @asynccontextmanager
    async def reading(self):
        async with self._door:
            if self._readers == 0:
                await self._writing.acquire()
            self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1
            if self._readers == 0:
                self._writing.release()

    @asynccontextmanager
    async def alone(self):
        async with self._door, self._writing:
            yield


turns = Turns()

SYSDATE = "CURRENT_TIMESTAMP AT TIME ZONE 'UTC'"
WRITE = re.compile(r"\s*(insert|update|delete)\b", re.IGNORECASE)


class Connection:
    """DuckDB's connection, for one statement: turns its clock, and records what it changes."""

    def __init__(self, connection, clock, ahead_ms, by):
        self._connection, self._clock, self._ahead_ms, self._by = connection, clock, ahead_ms, by
        self._changed = None
        self.target, self.whole = None, ()

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def execute(self, sql, parameters=None):
        self._changed = None
        if self._clock is not None:
            sql = sql.replace(SYSDATE, self._clock)
        for log in self.whole:
            sql = sql.replace(f'{log.name[2]}{VIEW}"', f'{log.name[2]}{WHOLE}"')
        kind = WRITE.match(sql)
        if self.target is None or kind is None:
            return self._connection.execute(sql, parameters)
        write = lambda: self._connection.execute(f"{sql} RETURNING {KEY}", parameters).fetchall()
        self._changed = self.target.recorded(write, kind[1].lower() == "insert", self._by, self._ahead_ms)
        return self

    def fetchall(self):
        """As DuckDB answers a change: with the number of rows."""
        return self._connection.fetchall() if self._changed is None else [(self._changed,)]


def clock_of(body):
    """What a statement reads for SYSDATE(), if not the time of day: a clock that is ahead, or an instant."""
    if (at_ms := body.get("atMs")) is not None:
        return f"make_timestamp({int(at_ms) * 1000})"
    ahead_ms = body.get("aheadMs", 0)
    return f"({SYSDATE} + INTERVAL ({ahead_ms}) MILLISECOND)" if ahead_ms else None


def reading(ahead_ms, late):
    """The instant before which others' changes are seen."""
    global latest_ms
    if late is None:
        return EVER
    latest_ms = max(latest_ms, late["ms"])
    since = dt.datetime.fromtimestamp(late["sinceMs"] / 1000, dt.timezone.utc).replace(tzinfo=None)
    return max(now(ahead_ms - late["ms"]), since)


def concerned_with(body):
    """Whether a statement reads late, or its changes have to be recorded for those that do."""
    return bool(logs) or body.get("late") is not None or body.get("records", False)


execute = FakeSnowflakeCursor.execute


def execute_late(self, command, *args, **kwargs):
    body = getattr(self._conn, "body", {})
    ahead_ms, late = body.get("aheadMs", 0), body.get("late")
    is_definition = translation.DEFINITION.match(command)
    by = body.get("by") or str(id(self._conn))
    clock = clock_of(body)
    if clock is not None and not is_definition:
        self._duck_conn = Connection(self._duck_conn, clock, ahead_ms, by)
    if not concerned_with(body):
        return execute(self, command, *args, **kwargs)
    if is_definition:
        end_logs(command)
        return execute(self, command, *args, **kwargs)
    command, reads, target = rewritten(self, command)
    connection = self._duck_conn
    if not isinstance(connection, Connection):
        connection = self._duck_conn = Connection(connection, clock, ahead_ms, by)
    before, last = reading(ahead_ms, late), body.get("lastChange", ALL_CHANGES)
    connection.target = target
    connection.whole = [log for log in dict.fromkeys(reads) if log.hides_nothing(by, before, last)]
    if len(connection.whole) < len(set(reads)):
        connection.execute("SET VARIABLE late_by = ?", [by])
        connection.execute("SET VARIABLE late_before = ?", [before])
        connection.execute("SET VARIABLE late_last = ?", [last])
    return execute(self, command, *args, **kwargs)


FakeSnowflakeCursor.execute = execute_late
