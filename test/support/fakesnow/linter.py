"""The linter: refuses what the emulator accepts, but Snowflake refuses or decides by chance or by account settings.

Each rule is a function from a statement to what breaks it, in words. The text is read as a third party's grammar reads
it; what cannot be read is left to the emulator, which refuses it anyway.
"""

import json
import sys

import sqlglot
from scopes import TEXT, TIMESTAMP, VARIANT, Scope, Scopes, is_flatten, list_of, nested, own, passed, sources_of
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

CHANGES = (exp.Update, exp.Delete, exp.Merge)
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ)
#: Snowflake's reserved words. The grammar takes most of them for names.
RESERVED = frozenset(
    """all alter and any as between by case cast check column connect constraint create cross current current_date
    current_time current_timestamp current_user delete distinct drop else exists false following for from full grant group
    having ilike in increment inner insert intersect into is join lateral left like localtime localtimestamp minus natural
    not null of on or order qualify regexp revoke right rlike row rows sample select set some start table tablesample then
    to trigger true try_cast union unique update using values when whenever where with""".split()
)


# --- rules about the form of a statement -------------------------------------------------------------------------------


def with_before_change(statement, _):
    """Snowflake takes WITH before a SELECT only; within INSERT, UPDATE … FROM ( ) and DELETE … USING ( ) it stands inside."""
    if isinstance(statement, (*CHANGES, exp.Insert)) and statement.args.get("with_"):
        yield f"WITH before {statement.key.upper()}: put it into the source"


def returning(statement, _):
    for _found in statement.find_all(exp.Returning):
        yield "RETURNING"


def limited_change(statement, _):
    for part in ("limit", "order"):
        if isinstance(statement, CHANGES) and statement.args.get(part):
            yield f"{part.upper()} in {statement.key.upper()}: choose the rows in the source"


def aliased_delete(statement, _):
    if isinstance(statement, exp.Delete) and statement.this.alias:
        yield f"DELETE gives its table the alias {statement.this.alias}"


def limit_bind(statement, _):
    for limit in statement.find_all(exp.Limit, exp.Offset):
        if limit.find(exp.Placeholder) and limit.parent is not statement:
            yield "a bind as LIMIT within a statement: only the outermost SELECT takes one"


def values_variant(statement, _):
    """VALUES takes no function of semi-structured data: INSERT … SELECT does."""
    for values in statement.find_all(exp.Values):
        for found in values.find_all(exp.ParseJSON, exp.Struct, exp.Array, exp.ToVariant):
            yield f"{found.sql('snowflake')} in VALUES: use INSERT … SELECT"


def added_column(statement, _):
    if not isinstance(statement, exp.Alter):
        return
    for column in (one for one in statement.args["actions"] if isinstance(one, exp.ColumnDef)):
        default = column.find(exp.DefaultColumnConstraint)
        if default and column.args.get("exists"):
            yield f"ADD COLUMN IF NOT EXISTS {column.name} with a default"
        elif default and not isinstance(default.this, (exp.Literal, exp.Null, exp.Boolean, exp.Neg)):
            yield f"ADD COLUMN {column.name} with a default that is no constant"


def reserved_name(statement, _):
    for name in statement.find_all(exp.Identifier):
        if not name.quoted and name.name.lower() in RESERVED and isinstance(name.parent, (exp.Alias, exp.TableAlias, exp.ColumnDef)):
            yield f"{name.name} is a reserved word: it needs quotes to be a name"


# --- rules about what stands in a scope --------------------------------------------------------------------------------


def outer_flatten(statement, _):
    for join in statement.find_all(exp.Join):
        if join.side and is_flatten(join.this):
            yield f"{join.side} JOIN of FLATTEN: flatten in a CTE, then join that"


def correlated(statement, scopes):
    """A sub-query that reads a row from around it, where Snowflake does not evaluate it or does not say that it does."""
    for node, scope in scopes:
        for query in nested(node):
            body = query.unnest() if isinstance(query, exp.Subquery) else query
            owners = set(correlations(body, scopes, scope))
            if not owners:
                continue
            where = query.find_ancestor(exp.Where, exp.Select, *CHANGES)
            if owners & scope.flattened or any(is_flatten(source) for source in sources_of(body)):
                yield "a correlated sub-query over FLATTEN: flatten in a CTE, then join that"
            elif body.args.get("limit") or body.args.get("qualify") or any(own(body, exp.Window)):
                yield "a correlated sub-query with LIMIT, QUALIFY or a window"
            elif not isinstance(where, exp.Where):
                yield "a correlated sub-query outside WHERE"
            elif is_scalar(query) and (body.args.get("group") or not all(one.find(exp.AggFunc) for one in body.selects)):
                yield "a correlated sub-query as a value that may have several rows: it must be one aggregate"


def is_scalar(query):
    return not isinstance(query.parent, (exp.Exists, exp.In, exp.Any, exp.All))


def correlations(body, scopes, outer):
    """The sources around `body` of which it, or what is within it, reads a column."""
    for node, scope in scopes:
        if not within(node, body):
            continue
        for column in own(node, exp.Column):
            if isinstance(column.this, exp.Star) or owned(column, node, body, scopes):
                continue
            if (owner := outer.owner(column)) is not None:
                yield owner


def within(node, body):
    while node is not None:
        if node is body:
            return True
        node = node.parent
    return False


def owned(column, node, body, scopes):
    """Whether a source of a scope from here up to `body` has the column."""
    while node is not None:
        if id(node) in scopes.opened and scopes.of(node).owner(column) is not None:
            return True
        if node is body:
            return False
        node = node.parent
    return False


def ambiguous_alias(statement, scopes):
    """In WHERE, GROUP BY, QUALIFY and elsewhere Snowflake takes a name for the column, other grammars for the alias."""
    for node, scope in scopes:
        if not isinstance(node, exp.Select):
            continue
        for alias in (one for one in node.selects if isinstance(one, exp.Alias)):
            name = alias.alias.lower()
            same = isinstance(alias.this, exp.Column) and alias.this.name.lower() == name
            if same or not any(name in columns for columns in scope.sources.values()):
                continue
            if any(used_elsewhere(column, alias) for column in own(node, exp.Column) if not column.table and column.name.lower() == name):
                yield f"{name} is an alias and a column of a source, and is used without its table: Snowflake takes the column"


def used_elsewhere(column, alias):
    """A column in the alias's own expression is the column; ORDER BY of the whole takes the alias everywhere."""
    order = column.find_ancestor(exp.Order, exp.Select)
    return not within(column, alias) and not (isinstance(order, exp.Order) and isinstance(order.parent, exp.Select))


def try_cast_variant(statement, scopes):
    for cast, scope in expressions(scopes, exp.TryCast):
        if scope.kind(cast.this) == VARIANT:
            yield f"TRY_CAST of {cast.this.sql('snowflake')}, which is VARIANT: cast it to VARCHAR first"


def text_as_timestamp(statement, scopes):
    """How a text is read as a timestamp is a setting of the account: TIMESTAMP_INPUT_FORMAT."""
    for cast, scope in expressions(scopes, exp.Cast, exp.TryCast):
        if scope.kind(cast) == TIMESTAMP and scope.kind(cast.this) in (TEXT, VARIANT):
            yield read_as_timestamp(cast.this)
    for call, scope in expressions(scopes, exp.Anonymous):
        arguments = call.expressions
        if "TO_TIMESTAMP" in call.name.upper() and len(arguments) == 1 and scope.kind(arguments[0]) in (TEXT, VARIANT):
            yield read_as_timestamp(arguments[0])
    for pair, scope in expressions(scopes, *COMPARISONS, exp.Between, exp.In, exp.DateDiff, exp.If, exp.Case, exp.Coalesce, exp.Greatest, exp.Least):
        parts = passed(pair) or [part for name in ("this", "expression", "low", "high", "expressions") for part in list_of(pair.args.get(name))]
        kinds = [scope.kind(part) for part in parts]
        wanted = isinstance(pair, exp.DateDiff) or TIMESTAMP in kinds
        for part, kind in zip(parts, kinds):
            if wanted and kind in (TEXT, VARIANT) and isinstance(pair.parent, exp.Update) is False:
                yield read_as_timestamp(part)
    yield from assigned_text(statement, scopes)


def assigned_text(statement, scopes):
    """What UPDATE and INSERT put into a column of timestamps."""
    if isinstance(statement, exp.Update):
        scope = scopes.of(statement)
        for pair in statement.expressions:
            if isinstance(pair, exp.EQ) and scope.kind(pair.this) == TIMESTAMP and scope.kind(pair.expression) in (TEXT, VARIANT):
                yield read_as_timestamp(pair.expression)
    if isinstance(statement, exp.Insert) and isinstance(statement.this, exp.Schema):
        kinds = scopes.columns(statement.this.this, {}, None)
        wanted = [kinds.get(column.name.lower()) for column in statement.this.expressions]
        for given, scope in rows(statement.expression, scopes):
            for kind, part in zip(wanted, given):
                if kind == TIMESTAMP and scope.kind(part) in (TEXT, VARIANT):
                    yield read_as_timestamp(part)


def rows(query, scopes):
    if isinstance(query, exp.SetOperation):
        yield from rows(query.left, scopes)
        yield from rows(query.right, scopes)
    elif isinstance(query, exp.Select):
        yield query.selects, scopes.of(query)
    elif isinstance(query, exp.Values):
        for row in query.expressions:
            yield row.expressions, Scope()


def read_as_timestamp(part):
    return f"{part.sql('snowflake')} is read as a timestamp, by the account's TIMESTAMP_INPUT_FORMAT"


def expressions(scopes, *kinds):
    for node, scope in scopes:
        for found in own(node, *kinds):
            yield found, scope


RULES = {
    "with-before-change": with_before_change,
    "returning": returning,
    "limited-change": limited_change,
    "aliased-delete": aliased_delete,
    "limit-bind": limit_bind,
    "values-variant": values_variant,
    "added-column": added_column,
    "reserved-name": reserved_name,
    "outer-flatten": outer_flatten,
    "correlated": correlated,
    "ambiguous-alias": ambiguous_alias,
    "try-cast-variant": try_cast_variant,
    "text-as-timestamp": text_as_timestamp,
}


def breaches(text, tables):
    """What is wrong with a statement, each as `rule: what`. `tables` gives the columns of a table, each with its type."""
    found = []
    try:
        if "?::" in text and any(token.token_type == TokenType.QDCOLON for token in sqlglot.tokenize(text, read="snowflake")):
            found.append("cast-bind: ?:: is no cast of a bind: use CAST(? AS …)")
        statements = [one for one in sqlglot.parse(text, read="snowflake") if one is not None]
    except SqlglotError:
        return found
    if len(statements) > 1:
        found.append(f"one-statement: {len(statements)} statements in one text")
    for statement in statements:
        scopes = Scopes(statement, tables)
        for rule, check in RULES.items():
            found += (f"{rule}: {what}" for what in check(statement, scopes))
    return list(dict.fromkeys(found))


# --- sources whose rows are distinct -----------------------------------------------------------------------------------


def undistinct(text):
    """The queries from which an UPDATE or MERGE may take two rows for one target, as far as its text tells."""
    statement = sqlglot.parse_one(text, read="snowflake")
    source = statement.args.get("from_") if isinstance(statement, exp.Update) else statement.args.get("using")
    if not isinstance(statement, (exp.Update, exp.Merge)) or source is None:
        return []
    query = source.this if isinstance(source, exp.From) else source
    condition = statement.args["where"].this if isinstance(statement, exp.Update) else statement.args["on"]
    sides = [side for pair in conjuncts(condition) if isinstance(pair, exp.EQ) for side in (pair.this, pair.expression)]
    keys = {side.name.lower() for side in sides if isinstance(side, exp.Column) and side.table.lower() == query.alias_or_name.lower()}
    ctes = {cte.alias.lower(): cte.this for cte in query.find_all(exp.CTE)}
    return [branch.sql("snowflake") for branch in branches(query.unnest()) if not distinct(branch, keys, ctes)]


def conjuncts(condition):
    if isinstance(condition, exp.And):
        return [*conjuncts(condition.left), *conjuncts(condition.right)]
    return [condition.unnest()] if isinstance(condition, exp.Paren) else [condition]


def branches(query):
    return [*branches(query.left), *branches(query.right)] if isinstance(query, exp.SetOperation) else [query]


def distinct(query, keys, ctes):
    """Whether no two rows of a SELECT agree in all of `keys`, the names of some of its columns."""
    if not isinstance(query, exp.Select):
        return False
    origin = query.args.get("from_")
    if origin is None:
        return True  # one row
    parts = unique_parts(query)
    if parts is not None:
        return {output(query, part) for part in parts} <= keys
    if query.args.get("joins") or origin.this.name.lower() not in ctes:
        return False
    shown = [one for one in query.selects if isinstance(one.unalias(), exp.Column) and one.alias_or_name.lower() in keys]
    passed_on = {one.unalias().name.lower() for one in shown}
    return distinct(ctes[origin.this.name.lower()], passed_on, ctes)


def unique_parts(query):
    """The expressions of which each row of a SELECT has its own combination."""
    if group := query.args.get("group"):
        return group.expressions
    for pair in conjuncts(query.args["qualify"].this) if query.args.get("qualify") else ():
        window = pair.this
        if isinstance(pair, exp.EQ) and isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber) and pair.expression.sql() == "1":
            return window.args.get("partition_by") or []
    return query.selects if query.args.get("distinct") else None


def output(query, part):
    """The name under which a SELECT shows an expression."""
    for one in query.selects:
        if isinstance(one, exp.Column) and isinstance(one.this, exp.Star) and isinstance(part, exp.Column) and one.table == part.table:
            return part.name.lower()
        if one is part or one.unalias() == part:
            return one.alias_or_name.lower()
    return None


def main():
    """Reads { texts, tables } in JSON, each by name, and writes what is wrong with which text."""
    asked = json.load(sys.stdin)
    found = {"breaches": {}, "undistinct": {}}
    for path, text in asked["texts"].items():
        if broken := breaches(text, lambda table: asked["tables"].get(table.name, {})):
            found["breaches"][path] = broken
        if not broken and (doubtful := undistinct(text)):
            found["undistinct"][path] = doubtful
    print(json.dumps(found))


if __name__ == "__main__":
    main()
