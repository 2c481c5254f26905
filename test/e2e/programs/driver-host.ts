/**
 * A host that uses the Snowflake driver itself, with its own settings, before, beside and after a queue in the same process.
 * It prints what has changed for it.
 */
import { subscribe } from 'node:diagnostics_channel';
import { getDefaultResultOrder } from 'node:dns';
import http, { type Agent, type ClientRequest } from 'node:http';
import https from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import sdk, { type Connection, type StatementOption } from 'snowflake-sdk';
import { FleetQ } from '../../../src/index.js';
import { snowflake, type SnowflakeConnection, type SnowflakeOptions } from '../../../src/snowflake.js';
import { growsBeyond, HOST_LOG, readHostLog, settledLength } from './host-log.js';

type Given = Omit<SnowflakeOptions, 'connection'> & { readonly connection: SnowflakeConnection };
const { connection, ...place } = JSON.parse(process.argv[2] ?? '') as Given;

sdk.configure({
  ...{ logLevel: 'DEBUG', logFilePath: HOST_LOG, additionalLogToConsole: false },
  ...{ keepAlive: false, disableOCSPChecks: true, useEnvProxy: false },
});

/** The settings of the process that any module could change for all. */
function globals() {
  return {
    env: { ...process.env },
    listeners: Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)])),
    agents: [http.globalAgent, https.globalAgent],
    agentOptions: [http.globalAgent, https.globalAgent].map((agent) => ({
      ...(agent as Agent & { options: object }).options,
    })),
    names: Object.getOwnPropertyNames(globalThis),
    functions: [globalThis.setTimeout, globalThis.setInterval, globalThis.fetch, http.request, https.request],
    stackTraceLimit: Error.stackTraceLimit,
    prepareStackTrace: Error.prepareStackTrace,
    resultOrder: getDefaultResultOrder(),
  };
}

let lastAgent: Agent | undefined;
subscribe('http.client.request.start', (message) => {
  lastAgent = (message as { readonly request: ClientRequest & { readonly agent?: Agent } }).request.agent;
});

function connectAsHost(over: object = {}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    sdk.createConnection({ ...connection, ...over }).connect((error, connected) => {
      if (error !== undefined && error !== null) reject(error);
      else resolve(connected);
    });
  });
}

function run(host: Connection, sqlText: string, over: Partial<StatementOption> = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    host.execute({ sqlText, ...over, complete: (error, _, rows) => (error ? reject(error) : resolve(rows)) });
  });
}

const closed = (host: Connection): Promise<void> => new Promise((resolve) => host.destroy(() => resolve()));

/** The settings of the newest connection, from the log. */
const loggedMode = (): string | undefined =>
  readHostLog()
    .match(/ocsp mode: (\w+)/g)
    ?.at(-1);

const host = await connectAsHost({ jsTreatIntegerAsBigInt: true });
await run(host, 'SELECT 1 AS host_before');
const before = globals();

const store = snowflake({ ...place, connection });
const queue = new FleetQ({ store, drainTimeoutMs: 500 }).register('work', () => 'done');
await queue.start();
await queue.waitFor(await queue.submit({ type: 'work' }));
// The test replies with 503 at first; the host's driver sends the request again.
const beside = run(host, 'SELECT 1 AS host_beside');
await queue.stop();
const after = globals();

const changed = Object.entries(before).filter(
  ([name, value]) => !isDeepStrictEqual(value, after[name as keyof typeof after]),
);
const length = await settledLength();
const again = await connectAsHost();
await run(again, 'SELECT 1 AS host_after');
console.log(
  JSON.stringify({
    changed: changed.map(([name]) => name),
    beside: await beside,
    hostStillLogs: await growsBeyond(length),
    mode: loggedMode(),
    keepsAlive: (lastAgent as Agent & { readonly keepAlive?: boolean }).keepAlive,
    old: await run(host, 'SELECT 1 AS host_last'),
  }),
);
await Promise.all([closed(host), closed(again)]);
