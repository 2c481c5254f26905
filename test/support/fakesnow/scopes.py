"""What is in scope at an expression, and the type of a value, as far as the text shows it."""

from sqlglot import exp

TEXT, VARIANT, TIMESTAMP = "text", "variant", "timestamp"

FLATTENED = {"seq": None, "key": TEXT, "path": TEXT, "index": None, "value": VARIANT, "this": VARIANT}

VARIANTS = (exp.JSONExtract, exp.GetExtract, exp.Bracket, exp.ParseJSON, exp.Struct, exp.Array, exp.ToVariant)
TEXTS = (exp.DPipe, exp.Concat, exp.Upper, exp.Lower, exp.ToChar, exp.JSONFormat, exp.Uuid)
TIMESTAMPS = (exp.CurrentTimestamp, exp.UnixToTime, exp.StrToTime)
#: Functions whose value is of the kind of one of these arguments.
PASSES = {
    exp.If: ("true", "false"),
    exp.Case: ("ifs", "default"),
    exp.Coalesce: ("this", "expressions"),
    exp.Greatest: ("this", "expressions"),
    exp.Least: ("this", "expressions"),
    exp.DateAdd: ("this",),
    exp.ArgMax: ("this",),
    exp.ArgMin: ("this",),
    exp.Max: ("this",),
    exp.Min: ("this",),
    exp.Paren: ("this",),
    exp.Window: ("this",),
    exp.Alias: ("this",),
}


def kind_of_type(data_type):
    name = data_type.this.value if isinstance(data_type, exp.DataType) else data_type.upper().split(maxsplit=1)[0]
    if name.startswith("TIMESTAMP") or name == "DATETIME":
        return TIMESTAMP
    if name in ("VARCHAR", "TEXT", "CHAR", "NVARCHAR"):
        return TEXT
    return VARIANT if name in ("VARIANT", "OBJECT", "ARRAY", "STRUCT", "JSON") else None


def list_of(value):
    return value if isinstance(value, list) else [value] if value else []


def is_flatten(source):
    return isinstance(source, (exp.Lateral, exp.TableFromRows, exp.Unnest))


class Scope:
    """The sources of one SELECT, UPDATE, DELETE or MERGE: each a mapping of its columns to their kinds."""

    def __init__(self, outer=None):
        self.outer = outer
        self.sources = {}
        self.flattened = set()

    def add(self, source, columns):
        name = source.alias_or_name.lower()
        self.sources[name] = columns
        if is_flatten(source):
            self.flattened.add(name)

    def owner(self, column):
        """The name of the source that has the column; `None` where no source of this scope is known to have it."""
        name, table = column.name.lower(), column.table.lower()
        if table:
            return table if table in self.sources else None
        return next((one for one, columns in self.sources.items() if name in columns), None)

    def kind(self, node):
        if isinstance(node, exp.Column):
            owner = self.owner(node)
            if owner is not None:
                return self.sources[owner].get(node.name.lower())
            return self.outer.kind(node) if self.outer else None
        if isinstance(node, exp.Literal):
            return TEXT if node.is_string else None
        if isinstance(node, (exp.Cast, exp.TryCast)):
            return kind_of_type(node.args["to"])
        for classes, kind in ((VARIANTS, VARIANT), (TEXTS, TEXT), (TIMESTAMPS, TIMESTAMP)):
            if isinstance(node, classes):
                return kind
        kinds = (self.kind(part) for part in passed(node))
        return next((kind for kind in kinds if kind is not None), None)


def passed(node):
    """The arguments of which one is the value of `node`."""
    if isinstance(node, exp.Case):
        return [branch.args["true"] for branch in node.args["ifs"]] + list_of(node.args.get("default"))
    return [part for name in PASSES.get(type(node), ()) for part in list_of(node.args.get(name))]


class Scopes:
    """Every scope of a statement, with the node that opens it."""

    def __init__(self, statement, tables):
        """`tables` gives the columns of a table, each with its type."""
        self.tables = tables
        # By identity: two nodes of one text are equal to sqlglot.
        self.opened = {}
        self.open(statement, {}, None)

    def of(self, node):
        return self.opened[id(node)][1]

    def __iter__(self):
        return iter(list(self.opened.values()))

    def open(self, node, ctes, outer):
        """The columns of a query, or none of a statement that changes rows."""
        ctes = dict(ctes)
        for cte in node.args["with_"].expressions if node.args.get("with_") else ():
            ctes[cte.alias.lower()] = self.renamed(self.open(cte.this, ctes, outer), cte.args["alias"])
        if isinstance(node, exp.Subquery):
            return self.open(node.this, ctes, outer)
        if isinstance(node, exp.SetOperation):
            columns = self.open(node.left, ctes, outer)
            self.open(node.right, ctes, outer)
            return columns
        if isinstance(node, (exp.Select, exp.Update, exp.Delete, exp.Merge)):
            return self.open_sources(node, ctes, outer)
        for query in (part for part in node.args.values() if isinstance(part, exp.Query)):
            self.open(query, ctes, outer)  # of an INSERT, of a CREATE
        return {}

    def open_sources(self, node, ctes, outer):
        scope = Scope(outer)
        self.opened[id(node)] = (node, scope)
        for source in sources_of(node):
            # A lateral source sees those before it; any other only what is around the whole of them.
            columns = self.columns(source, ctes, outer)
            scope.add(source, columns)
        for query in nested(node):
            self.open(query, ctes, scope)
        return {name: kind for one in node.selects for name, kind in self.outputs(one, scope)} if isinstance(node, exp.Select) else {}

    def outputs(self, projection, scope):
        if isinstance(projection, exp.Star):
            return [pair for columns in scope.sources.values() for pair in columns.items()]
        if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
            return list(scope.sources.get(projection.table.lower(), {}).items())
        return [(projection.alias_or_name.lower(), scope.kind(projection))]

    def columns(self, source, ctes, outer):
        if is_flatten(source):
            return FLATTENED
        if isinstance(source, exp.Table):
            name = source.name.lower()
            if not source.db and name in ctes:
                return ctes[name]
            return {column.lower(): kind_of_type(kind) for column, kind in self.tables(source).items()}
        if isinstance(source, exp.Query):
            return self.renamed(self.open(source, ctes, outer), source.args.get("alias"))
        return {column.name.lower(): None for column in source.alias_column_names} if isinstance(source, exp.Values) else {}

    @staticmethod
    def renamed(columns, alias):
        names = alias.args.get("columns") if alias else None
        return dict(zip((name.name.lower() for name in names), columns.values())) if names else columns


def sources_of(node):
    """What a SELECT reads, or what a change of rows concerns, in the order of the text."""
    sources = [node.this] if isinstance(node, (exp.Update, exp.Delete, exp.Merge)) else []
    if origin := node.args.get("from_"):
        sources.append(origin.this)
        sources += [join.this for join in origin.this.args.get("joins") or ()]
    sources += list_of(node.args.get("using"))
    sources += node.args.get("laterals") or []
    return sources + [join.this for join in node.args.get("joins") or ()]


def own(node, *kinds):
    """What lies in this statement itself, and not in a query within it."""
    for part in node.walk(prune=lambda one: one is not node and isinstance(one, exp.Query)):
        if part is not node and isinstance(part, kinds):
            yield part


def nested(node):
    """The queries that stand as expressions in a statement: not its sources, nor its CTEs."""
    sources = {id(source) for source in sources_of(node)}
    for query in own(node, exp.Query):
        if id(query) not in sources and not isinstance(query.parent, exp.CTE):
            yield query
