"""The engine of the emulator: fakesnow's cursor, corrected where it differs from Snowflake."""

import re

import duckdb
import fakesnow.macros
import fakesnow.server
import linter
import parsed  # noqa: F401  changes the cursor
import translation
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.dialect import parse_one
from snowflake.connector.errors import ProgrammingError
from sqlglot import exp

# --- what fakesnow gets wrong inside ---------------------------------------------------------------------------------

# FLATTEN without SEQ and THIS, which carry the whole input into every row (quadratic in its length), and with quoted
# keys: '$x', '/x' and 'a.b' are keys, not paths.
template = fakesnow.macros.FS_FLATTEN
fakesnow.macros.FS_FLATTEN = type(template)(
    template.template.replace("hash(TO_JSON(input))::UBIGINT AS SEQ", "1::UBIGINT AS SEQ")
    .replace("TO_JSON(input) AS THIS", "NULL::JSON AS THIS")
    .replace("TO_JSON(input) -> x", "json_extract(TO_JSON(input), '$$.\"' || x || '\"')")
)

# What changes nothing here. The proxy records what ALTER SESSION sets, and knows the roles and warehouses.
fakesnow.server.shared_fs.nop_regexes = [
    r"\s*alter\s+session\s+(un)?set\s+(?!autocommit)",
    r"\s*use\s+(secondary\s+)?(roles?|warehouse)\b",
    r"\s*(create|alter)\s+(or\s+replace\s+)?warehouse\b",
    r"\s*alter\s+table\s+\S+\s+set\s+data_retention",
    r"\s*(grant|revoke)\b",
]

# A session on a database or a schema that does not exist has none; it does not make them.
fakesnow.server.shared_fs.create_database_on_connect = False
fakesnow.server.shared_fs.create_schema_on_connect = False

# fakesnow's functions lie in each database; a session without one looks for them in DuckDB's own.
fakesnow.server.shared_fs.duck_conn.execute(fakesnow.macros.creation_sql("memory"))

# The results for RESULT_SCAN: the last few, where fakesnow keeps all of them for ever.
fakesnow.server.shared_fs.results_cache = translation.Kept(50)

KEYS = (exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint, exp.PrimaryKey)


def without_keys(statement):
    """A standard table's keys are documentation in Snowflake: it enforces none of them."""
    if not isinstance(statement, exp.Create) or statement.kind != "TABLE":
        return statement
    for key in list(statement.find_all(*KEYS)):
        # A column's key hangs in a ColumnConstraint, a named key of the table in a Constraint.
        holder = key.parent if isinstance(key.parent, (exp.ColumnConstraint, exp.Constraint)) else key
        holder.pop()
    return statement


explode = FakeSnowflakeCursor._transform_explode
FakeSnowflakeCursor._transform_explode = lambda self, statement: explode(self, without_keys(statement))

# --- an UPDATE whose source has two rows for one -----------------------------------------------------------------------


def doubled_rows(command):
    """The query for rows that the UPDATE would change twice, and how many binds come before it; `None` for others."""
    update = parse_one(command)
    source = update.args.get("from_")
    if not isinstance(update, exp.Update) or source is None:
        return None
    twice = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
    query = exp.Select(
        expressions=[exp.alias_(exp.Count(this=exp.Star()), "n")],
        from_=exp.From(this=update.this),
        joins=[exp.Join(this=source.this)],
        where=update.args.get("where"),
        group=exp.Group(expressions=[exp.column("rowid", table=update.this.alias_or_name)]),
        having=exp.Having(this=twice),
    )
    # What is set comes first in the text, and is not asked here.
    skipped = sum(1 for set_ in update.expressions for _ in set_.find_all(exp.Placeholder))
    return query, skipped


def refuse_chance(cursor, command, parameters):
    """ERROR_ON_NONDETERMINISTIC_UPDATE: where DuckDB takes either row, Snowflake refuses."""
    key = translation.Key(cursor, command, "doubled rows")
    if key.id not in translation.translations:
        found = doubled_rows(command)
        translation.translations[key.id] = found and (translation.Translation(key, cursor._transform(found[0], None)), found[1])
    if (known := translation.translations[key.id]) is None:
        return
    query, skipped = known
    query.run(cursor, key, list(parameters or ())[skipped:])
    if cursor._arrow_table.num_rows > 0:
        message = "Duplicate row detected during DML action"
        raise ProgrammingError(msg=message, errno=100090, sqlstate="42P18")


# --- what Snowflake refuses, and the emulator takes --------------------------------------------------------------------

LINTED = re.compile(r"\s*(select|with|insert|update|delete|merge|create|alter)\b", re.IGNORECASE)
COLUMNS = """SELECT column_name, data_type FROM duckdb_columns()
WHERE lower(table_name) = lower(?) AND lower(schema_name) = lower(?) AND lower(database_name) = lower(?)"""
#: What is wrong with a text, by its key: the rules cost as much as a translation.
verdicts = translation.Kept(translation.KEPT)


def columns_of(cursor, table):
    place = (table.name, table.db or cursor._conn.schema or "", table.catalog or cursor._conn.database or "")
    return dict(cursor._duck_conn.execute(COLUMNS, place).fetchall())


def refuse_breaches(cursor, text):
    """The text as it came: late reads put views in place of its tables."""
    if not LINTED.match(text):
        return
    key = translation.Key(cursor, text).id
    if key not in verdicts:
        verdicts[key] = linter.breaches(text, lambda table: columns_of(cursor, table))
    if verdicts[key]:
        message = "SQL compilation error:\nSnowflake refuses it, by the rules of test/support/fakesnow/linter.py: "
        raise ProgrammingError(msg=message + "; ".join(verdicts[key]), errno=2031, sqlstate="42601")


# --- an INSERT that leaves out a column which must have a value ---------------------------------------------------------

left_out_columns = translation.Kept(translation.KEPT)


def columns_left_out(cursor, command):
    """The columns that an INSERT does not name though they are NOT NULL and have no default."""
    insert = parse_one(command)
    if not isinstance(insert, exp.Insert) or not isinstance(insert.this, exp.Schema):
        return []
    table, session = insert.this.this, cursor._conn
    stored = lambda name: name.this if name.quoted else name.this.upper()
    parts = [stored(part) for part in table.parts]
    place = [session.database, session.schema][: 3 - len(parts)] + parts
    named = {stored(column) for column in insert.this.expressions}
    needed = (
        "SELECT column_name, NOT is_nullable AND column_default IS NULL FROM duckdb_columns() "
        "WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index"
    )
    columns = cursor._duck_conn.execute(needed, place).fetchall()
    # A column that there is not comes before one that is left out.
    is_known = named <= {name for name, _ in columns}
    return [name for name, is_needed in columns if is_known and is_needed and name not in named]


def refuse_left_out(cursor, command):
    """Snowflake refuses it when it compiles, so an INSERT of no rows too; DuckDB only where there is a row."""
    key = (translation.Key(cursor, command, "left out").id, translation.generation)
    if key not in left_out_columns:
        left_out_columns[key] = columns_left_out(cursor, command)
    if columns := left_out_columns[key]:
        # Nothing public tells the code that it has at compile time.
        message = f"NULL result in a non-nullable column: {columns[0]}"
        raise ProgrammingError(msg=message, errno=100072, sqlstate="22000")


# --- errors ----------------------------------------------------------------------------------------------------------

#: DuckDB's exceptions that fakesnow lets through, as (class, text, errno, sqlstate, message).
ERRORS = [
    (duckdb.InterruptException, "", 604, "57014", "SQL execution canceled"),
    (duckdb.InvalidInputException, "Malformed JSON", 100069, "22P02", "Error parsing JSON: "),
    (duckdb.ConstraintException, "NOT NULL", 100072, "22000", "NULL result in a non-nullable column: "),
    (duckdb.ConversionException, "", 100038, "22018", "Value is not recognized: "),
    (duckdb.OutOfRangeException, "", 100132, "22003", "Number out of representable range: "),
    (duckdb.Error, "", 603, "XX000", "SQL execution internal error: the emulator failed: "),
]

execute = FakeSnowflakeCursor.execute


def renamed(error):
    """fakesnow has one code for whatever DuckDB cannot bind, and DuckDB's words for it."""
    text = str(error.__cause__)
    if column := re.search(r'Referenced column "([^"]*)" not found', text):
        message = f"SQL compilation error:\ninvalid identifier '{column[1]}'"
        return ProgrammingError(msg=message, errno=904, sqlstate="42000")
    if existing := re.search(r'Column with name "?(.+?)"? already exists', text):
        message = f"SQL compilation error:\ncolumn '{existing[1]}' already exists"
        return ProgrammingError(msg=message, errno=1430, sqlstate="42601")
    if existing := re.search(r'with name "?(.+?)"? already exists', text):
        message = f"SQL compilation error:\nObject '{existing[1]}' already exists."
        return ProgrammingError(msg=message, errno=2002, sqlstate="42710")
    if table := re.search(r"Table with name (\S+) does not exist", text):
        message = f"SQL compilation error:\nObject '{table[1]}' does not exist or not authorized."
        return ProgrammingError(msg=message, errno=2003, sqlstate="42S02")
    return error


def execute_as_snowflake(self, command, *args, **kwargs):
    try:
        body = getattr(self._conn, "body", {})
        refuse_breaches(self, body.get("sqlText") or command)
        if body.get("refusesChance") and re.match(r"\s*UPDATE\b", command, re.IGNORECASE):
            refuse_chance(self, command, kwargs.get("binding_params"))
        if re.match(r"\s*INSERT\b", command, re.IGNORECASE):
            refuse_left_out(self, command)
        return execute(self, command, *args, **kwargs)
    except ProgrammingError as error:
        raise renamed(error) from error
    except duckdb.Error as error:
        text = str(error)
        for kind, part, errno, sqlstate, message in ERRORS:
            if isinstance(error, kind) and part in text:
                shown = message + text if message.endswith(": ") else message
                raise ProgrammingError(msg=shown, errno=errno, sqlstate=sqlstate) from error
        raise


FakeSnowflakeCursor.execute = execute_as_snowflake

# --- plans -----------------------------------------------------------------------------------------------------------

#: What keeps DuckDB's plans from growing with the square of the rows. What else its optimizer does takes longer than it saves: the
#: tables here are small, and the statements long.
KEPT_OPTIMIZERS = {"deliminator", "filter_pullup", "filter_pushdown", "in_clause", "top_n", "unnest_rewriter"}
optimizers = fakesnow.server.shared_fs.duck_conn.execute("SELECT name FROM duckdb_optimizers()").fetchall()
others = ",".join(name for (name,) in optimizers if name not in KEPT_OPTIMIZERS)
fakesnow.server.shared_fs.duck_conn.execute(f"SET GLOBAL disabled_optimizers = '{others}'")
