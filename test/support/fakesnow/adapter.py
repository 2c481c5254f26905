"""The emulator: fakesnow's server, adapted to the wire protocol of Snowflake's Node driver.

fakesnow (DuckDB and sqlglot inside) answers the wire protocol of Snowflake's Python connector. The Node driver wants
JSON rows where that takes Arrow, the whole of a login's reply, and errors that are not HTTP 500, which it would
retry. The proxy in test/support/warehouse adds everything that depends on other sessions: locks, slots,
latency, faults.
"""

import asyncio
import base64
import datetime as dt
import json
import os
import secrets
import socket
import sys
import threading
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from weakref import WeakKeyDictionary

import engine  # noqa: F401  changes fakesnow before it serves anything
import fakesnow.server
import late_reads
import states
import translation
import uvicorn
from fakesnow.transforms.stage import LOCAL_BUCKET_PATH
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

# --- rows in JSON ----------------------------------------------------------------------------------------------------

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def timestamp(value, kind):
    since = (value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)) - EPOCH
    seconds = Decimal(since.days * 86400 + since.seconds) + Decimal(since.microseconds) / 10**6
    return f"{seconds:.9f}" + (" 1440" if kind == "timestamp_tz" else "")  # 1440 minutes stand for an offset of none


def cell(value, kind):
    """A value as the driver expects it in a JSON row: text, or null."""
    if value is None:
        return None
    if kind == "boolean":
        return "1" if value else "0"
    if isinstance(value, dt.datetime):
        return timestamp(value, kind)
    if isinstance(value, dt.date):
        return str((value - EPOCH.date()).days)
    if isinstance(value, dt.time):
        return f"{value.hour * 3600 + value.minute * 60 + value.second}.{value.microsecond:06d}000"
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return str(value)


def to_json(table_and_types):
    table, types = table_and_types
    columns = zip([column.to_pylist() for column in table.columns], types)
    cells = [[cell(value, kind["type"]) for value in column] for column, kind in columns]
    return json.dumps(list(zip(*cells))).encode()


# fakesnow hands `to_ipc(to_sf(table, types))` to its reply, in base64.
fakesnow.server.to_sf = lambda table, types: (table, types)
fakesnow.server.to_ipc = to_json

# --- replies ---------------------------------------------------------------------------------------------------------

#: Session parameters by which the driver reads values.
PARAMETERS = {
    "TIMEZONE": "Etc/UTC",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
}


def complete_rows(data):
    if "rowsetBase64" in data:
        rows = data.pop("rowsetBase64")
        data["rowset"] = json.loads(base64.b64decode(rows)) if rows else []
    parameters = [{"name": name, "value": value} for name, value in PARAMETERS.items()]
    data.update(queryResultFormat="json", returned=len(data["rowset"]), version=1, parameters=parameters)


def complete_login(data):
    session = fakesnow.server.sessions[data["token"]]
    if not session.database_set:
        session.database = None
    if not session.schema_set:
        session._schema = None
    data["sessionInfo"] = {"databaseName": session.database, "schemaName": session.schema}
    data.update(masterToken="m-" + data["token"], sessionId=secrets.randbits(48))
    data.update(validityInSeconds=3600, masterValidityInSeconds=14400)
    # fakesnow's 0 would send every bind through a stage.
    threshold = "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD"
    data["parameters"] = [parameter for parameter in data["parameters"] if parameter["name"] != threshold]


class Reply(JSONResponse):
    """fakesnow's reply, completed to what the Node driver reads."""

    def __init__(self, content, status_code=200):
        data = content.get("data")
        if data and "rowtype" in data:
            complete_rows(data)
        if data and "sessionInfo" in data:
            complete_login(data)
        if status_code == 500:
            # A fault of fakesnow: a 5xx the driver would send again and again.
            status_code, content["data"] = 200, {"errorCode": content["code"], "sqlState": "XX000"}
        super().__init__(content, status_code=status_code)


fakesnow.server.JSONResponse = Reply


def failure(code, sqlstate, message):
    data = {"errorCode": code, "sqlState": sqlstate}
    return JSONResponse({"data": data, "code": code, "message": message, "success": False})


# --- routes ----------------------------------------------------------------------------------------------------------

one_at_a_time = WeakKeyDictionary()
#: The proxy's id of the query that a session is running.
running = WeakKeyDictionary()
definitions = asyncio.Lock()


def session_of(request):
    return fakesnow.server.to_conn(fakesnow.server.to_token(request))


async def guarded(request, session):
    """DuckDB's connections take one statement at a time, and its catalogue one change at a time."""
    body = await request.json()
    async with one_at_a_time.setdefault(session, asyncio.Lock()):
        session.body = body
        running[session] = body.get("id")
        try:
            async with turn_for(body):
                return await fakesnow.server.query_request(request)
        finally:
            del running[session]


@asynccontextmanager
async def turn_for(body):
    """What a statement has to wait for."""
    command = body.get("sqlText") or ""
    async with AsyncExitStack() as turns:
        if translation.DEFINITION.match(command):
            await turns.enter_async_context(definitions)
        if late_reads.concerned_with(body):
            changes = translation.DEFINITION.match(command) or late_reads.WRITE.match(command)
            await turns.enter_async_context(late_reads.turns.alone() if changes else late_reads.turns.reading())
        yield


async def query(request):
    try:
        session = session_of(request)
    except fakesnow.server.ServerError:
        return await fakesnow.server.query_request(request)  # which answers with the error
    try:
        return await guarded(request, session)
    except Exception as error:  # such as a ParseError, which sqlglot raises before fakesnow's own handler
        return failure("001003", "42000", f"SQL compilation error:\n{error}")


async def abort(request):
    """Interrupts the query that is named, and no other that the session runs by now, or still."""
    session, body = session_of(request), await request.json()
    if session in running and running[session] == body.get("id"):
        session._duck_conn.interrupt()
    return await ok(request)


async def ok(_):
    return JSONResponse({"data": None, "code": None, "message": None, "success": True})


async def last_change(_):
    return JSONResponse({"data": {"number": late_reads.last_change}, "code": None, "message": None, "success": True})


async def load(request):
    states.load((await request.json())["tables"])
    return await ok(request)


async def read(request):
    rows = states.read((await request.json())["tables"])
    return JSONResponse({"data": {"rows": rows}, "code": None, "message": None, "success": True})


async def empty(request):
    body = await request.json()
    async with late_reads.turns.alone():
        states.empty(body["database"], body["schema"], body["keep"])
        late_reads.forget(body["database"], body["schema"])
    return await ok(request)


app = Starlette(
    routes=[
        Route("/queries/v1/query-request", query, methods=["POST"]),
        Route("/queries/v1/abort-request", abort, methods=["POST"]),
        Route("/session/heartbeat", ok, methods=["POST"]),
        Route("/telemetry/send", ok, methods=["POST"]),
        Route("/ready", ok),
        Route("/late-reads/last-change", last_change, methods=["POST"]),
        Route("/states/load", load, methods=["POST"]),
        Route("/states/read", read, methods=["POST"]),
        Route("/states/empty", empty, methods=["POST"]),
        *fakesnow.server.routes,
    ]
)


FOR_EVER = 10**9  # seconds


def end_with_parent():
    """Standard input ends when the parent process has died, for any reason."""
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    os.rmdir(LOCAL_BUCKET_PATH)  # which fakesnow makes for stages, and leaves behind: nothing here is staged
    # asyncio sends at once only over sockets that say they are TCP; else each reply waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    threading.Thread(target=end_with_parent, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    # A connection is its client's to close: one that the server ends while a request comes in loses that request.
    uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_keep_alive=FOR_EVER)).run(sockets=[listener])


if __name__ == "__main__":
    main()
