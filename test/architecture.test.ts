/**
 * The shape of the house: who may import whom, where SQL may stand, and where time and chance come in.
 *
 * The tables are the law, the rules read it, and each rule is also shown a text that breaks it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSource, type Import, type SourceFacts } from './support/source.js';

const SERVICE = [
  ...['type options', 'events', 'log', 'settlement', 'store/contract', 'step', 'runtime', 'runtime/backoff', 'errors'],
];
const STORE = [
  ...['store/contract', 'store/step-counts', 'store/busy-retry', 'store/open-calls'],
  ...['driver', 'step', 'runtime', 'runtime/backoff', 'errors', 'log'],
];

/**
 * What each part may import: `x` anything, `type x` types only, `dynamic x` by `import()` alone. A part is a file
 * or a folder of src, and may always import itself.
 */
const EDGES: Record<string, readonly string[]> = {
  // entry points
  index: [
    ...['fleetq', 'type api', 'signals', 'type stats', 'version', 'options', 'client', 'pool', 'fleet'],
    ...['events', 'log', 'store/contract', 'step', 'runtime', 'errors'],
  ],
  sqlite: ['store/sqlite', 'type store/contract', 'errors'],
  snowflake: ['store/snowflake', 'type store/contract', 'errors'],
  testing: ['fleetq', 'options', 'store/sqlite', 'store/contract', 'events', 'log', 'step', 'runtime', 'errors'],

  // the facade: `pod` puts the services of a started queue together, `api` is the queue's type, `stats` its reports
  fleetq: [
    ...['type api', 'open-client', 'pod', 'stats', 'version', 'default-store', 'options', 'client', 'pool', 'fleet'],
    ...['events', 'log', 'settlement', 'store/contract', 'step', 'runtime', 'errors'],
  ],
  'open-client': [
    ...[
      'options',
      'client',
      'events',
      'log',
      'store/outage-tracker',
      'store/tracked-store',
      'store/in-context',
      'store/contract',
      'stats',
    ],
    ...['step', 'runtime', 'errors'],
  ],
  pod: [
    ...['type open-client', 'stats', 'version', 'options', 'pool', 'fleet'],
    ...['events', 'log', 'settlement', 'store/contract', 'step', 'runtime', 'errors'],
  ],
  api: [
    ...['type stats', 'type options', 'type client', 'type pool', 'type fleet'],
    ...['type events', 'type log', 'type store/contract', 'type step', 'type runtime', 'type errors'],
  ],
  signals: ['type api', 'step', 'runtime', 'errors'],
  stats: ['store/contract', 'runtime'],
  'default-store': [
    ...['dynamic store/sqlite', 'dynamic sqlite', 'dynamic snowflake', 'type store/contract', 'files', 'errors'],
  ],
  options: ['type events', 'log', 'files', 'store/contract', 'step', 'runtime', 'errors'],
  version: [],

  // the services: never each other; `settlement` stands below those that end claims
  client: SERVICE.filter((part) => part !== 'settlement'),
  pool: [...SERVICE, 'type worker-pool'],
  fleet: [...SERVICE, 'type worker-pool', 'store/outage-tracker', 'store/busy-retry', 'files', 'driver'], // the journal is a file
  'worker-pool': ['type store/contract'], // the seam between the two
  settlement: ['store/contract', 'events', 'log', 'step', 'runtime', 'errors'],

  // the stores, and what stands before any of them: `tracked-store` reports outages, `in-context` sets the async context
  'store/sqlite': [...STORE, 'files'],
  'store/snowflake': STORE,
  'store/tracked-store': ['type store/contract', 'type store/outage-tracker'],
  'store/outage-tracker': ['type events', 'type log', 'type runtime', 'errors'],
  'store/in-context': ['type store/contract', 'type runtime'],
  'store/step-counts': ['store/contract', 'step', 'runtime'],
  'store/busy-retry': ['runtime', 'runtime/backoff'],
  'store/open-calls': ['errors'],
  'store/contract': ['step', 'runtime', 'errors', 'type log'],

  // the drivers: how each is loaded, and what is said where it cannot be
  driver: ['errors'],

  // the ground
  events: ['type store/contract', 'log', 'step', 'runtime', 'errors'],
  files: ['type step', 'errors'],
  step: ['errors', 'type log', 'runtime/backoff'],
  log: ['runtime', 'errors'],
  runtime: ['errors'],
  'runtime/backoff': [], // pure, so that the domain may use it
  errors: [],
};

/** Only these parts may import a store at all, whatever the table above comes to say. */
const STORES = ['store/sqlite', 'store/snowflake'];
const MAY_IMPORT_A_STORE = ['index', 'sqlite', 'snowflake', 'testing', 'default-store'];

/**
 * The one file that loads each driver, by `import()` when a store opens, so that an application on one store never loads
 * the driver of the other. What stands in `types` may name its types.
 */
const DRIVERS: Record<string, { readonly loader: string; readonly types: readonly string[] }> = {
  'better-sqlite3': {
    loader: 'driver/better-sqlite3.ts',
    types: ['driver/better-sqlite3.ts', 'store/sqlite/', 'fleet/journal'],
  },
  'snowflake-sdk': { loader: 'store/snowflake/session/driver.ts', types: ['store/snowflake/'] },
};

/** What the pure domain may import from outside. */
const PURE = ['@standard-schema/spec', 'node:crypto', 'node:util'];

/**
 * Ambient time, timers and randomness, and what fake timers of a host may replace. What merely hashes is none of them.
 */
const TIME_AND_CHANCE =
  /^(globalThis\.|global\.)?(Date|performance|Math\.random|crypto|queueMicrotask|(set|clear)(Timeout|Interval|Immediate)|process\.(hrtime|uptime|nextTick)|AbortSignal\.timeout)(\.|$)/;
/** The files that may use them: where they are taken, and where randomness is drawn. */
const AMBIENT = ['runtime/native-globals.ts', 'runtime/runtime.ts'];
const TIMER_MODULES = /^(node:)?(timers|timers\/promises|perf_hooks)$/;
const CRYPTO_MODULE = /^(node:)?crypto$/;
const CRYPTO_WITHOUT_CHANCE = ['createHash', 'createHmac'];

const SQL =
  /^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\S+\s+(AS\s+\w+\s+|\w+\s+)?SET\b|DELETE\s+FROM\s|MERGE\s+INTO\s|WITH\s+(RECURSIVE\s+)?\w+[^]*\sAS\s+\(?|CREATE\s+(OR\s+REPLACE\s+)?(UNIQUE\s+|TEMP\w*\s+|TRANSIENT\s+|HYBRID\s+)?(TABLE|INDEX|VIEW|TRIGGER|SCHEMA)\s|ALTER\s+(TABLE|SESSION)\s|DROP\s+(TABLE|INDEX|VIEW)\s|PRAGMA\s|BEGIN(\s+(IMMEDIATE|DEFERRED|EXCLUSIVE|TRANSACTION))?\s*;?$|COMMIT\s*;?$|ROLLBACK\s*;?$|VACUUM\b|ANALYZE\b|ATTACH\s)/;
const SQL_FILES = /((^|[/-])(statements|schema)|(^|\/)statements\/[\w-]+)\.ts$/;

const LONGEST_FILE = 300;

interface Complaint {
  readonly rule: string;
  readonly where: string;
  readonly what: string;
}
type Rule = (file: SourceFacts) => readonly string[];

const RULES: Record<string, Rule> = {
  'imports point one way': (file) =>
    file.imports.filter(isLocal).flatMap((found) => {
      const [from, to] = [partOf(file.path), partOf(target(file, found))];
      if (from === undefined) return [];
      if (to === undefined) return [at(found, `${from} imports ${found.specifier}, which is in no part of the table`)];
      if (from === to) return [];
      const edges = EDGES[from] ?? [];
      if (edges.includes(to) || edges.includes(`${found.kind} ${to}`)) return [];
      return [at(found, `${from} may not import ${to} (${found.kind})`)];
    }),

  'an import names its module in plain text': (file) =>
    file.imports
      .filter(({ specifier }) => !/^[\w@.:/-]+$/.test(specifier))
      .map((found) => at(found, `imports ${found.specifier}`)),

  'every file has its place': (file) =>
    partOf(file.path) === undefined ? [`${file.path} is in no part of the table`] : [],

  'only entry points and default-store import a store': (file) =>
    file.imports.filter(isLocal).flatMap((found) => {
      const [from, to] = [partOf(file.path) ?? '', partOf(target(file, found)) ?? ''];
      const allowed = from === to || !STORES.includes(to) || MAY_IMPORT_A_STORE.includes(from);
      return allowed ? [] : [at(found, `${from} imports the store ${to}`)];
    }),

  'one file loads a driver, and not before a store opens': (file) =>
    file.imports.flatMap((found) => {
      const driver = DRIVERS[packageOf(found.specifier)];
      if (driver === undefined) return [];
      if (found.kind === 'static') return [at(found, `imports ${found.specifier} before it is needed`)];
      const homes = found.kind === 'type' ? driver.types : [driver.loader];
      return homes.some((home) => file.path.startsWith(home)) ? [] : [at(found, `imports ${found.specifier}`)];
    }),

  'the step domain is pure': (file) =>
    partOf(file.path) !== 'step'
      ? []
      : file.imports
          .filter((found) => !isLocal(found) && !PURE.includes(found.specifier))
          .map((found) => at(found, `imports ${found.specifier}`)),

  'time and chance come through the Runtime': (file) => {
    if (AMBIENT.includes(file.path)) return [];
    const modules = file.imports.filter(
      ({ specifier, kind, names }) =>
        kind !== 'type' &&
        (TIMER_MODULES.test(specifier) ||
          (CRYPTO_MODULE.test(specifier) && !names.every((name) => CRYPTO_WITHOUT_CHANCE.includes(name)))),
    );
    return [
      ...modules.map((found) => at(found, `imports ${found.names.join(', ')} of ${found.specifier}`)),
      ...file.values.filter(({ text }) => TIME_AND_CHANCE.test(text)).map((found) => at(found, `uses ${found.text}`)),
    ];
  },

  'SQL stands in statements.ts, statements/ and schema.ts': (file) =>
    SQL_FILES.test(file.path)
      ? []
      : file.strings
          .filter(({ text }) => SQL.test(text))
          .map((found) => at(found, `SQL: ${found.text.trim().slice(0, 40)}`)),

  'a file fits in the head': (file) =>
    file.lines > LONGEST_FILE ? [`${file.lines} lines, more than ${LONGEST_FILE}`] : [],
};

function check(files: readonly SourceFacts[]): Complaint[] {
  return Object.entries(RULES).flatMap(([rule, breaches]) =>
    files.flatMap((file) => breaches(file).map((what) => ({ rule, where: `src/${file.path}`, what }))),
  );
}

function at(found: { readonly line: number }, what: string): string {
  return `line ${found.line}: ${what}`;
}

function isLocal({ specifier }: Import): boolean {
  return specifier.startsWith('.') || specifier === 'fleet-q' || specifier.startsWith('fleet-q/');
}

/** The path below src of what a local import means. */
function target(file: SourceFacts, { specifier }: Import): string {
  if (!specifier.startsWith('.')) return specifier === 'fleet-q' ? 'index' : specifier.slice('fleet-q/'.length);
  return path.posix.join(path.posix.dirname(file.path), specifier);
}

/** The part that a file below src belongs to: the longest row of the table that is its path or a folder above it. */
function partOf(file: string): string | undefined {
  const module = file.replace(/\.[jt]s$/, '');
  return Object.keys(EDGES)
    .filter((part) => module === part || module.startsWith(`${part}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const src = fileURLToPath(new URL('../src', import.meta.url));

describe('the sources', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replaceAll(path.sep, '/'))
    .map((file) => readSource(file, readFileSync(path.join(src, file), 'utf8')));
  const complaints = check(files);

  test('are found', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(Object.keys(RULES))('%s', (rule) => {
    expect(complaints.filter((complaint) => complaint.rule === rule)).toEqual([]);
  });
});

describe('what breaks a rule is reported', () => {
  const breaches: Record<keyof typeof RULES, Record<string, readonly [file: string, text: string]>> = {
    'imports point one way': {
      'a service imports another': ['pool/pool.ts', `import { Waiter } from '../client/waiter.js';`],
      'for its types only': ['pool/pool.ts', `import type { Waiter } from '../client/waiter.js';`],
      'or passes it on': ['client/waiter.ts', `export { Pool } from '../pool/pool.js';`],
      'or passes all of it on': ['client/waiter.ts', `export * from '../pool/pool.js';`],
      'or loads it late': ['client/waiter.ts', `const { Pool } = await import('../pool/pool.js');`],
      'or names its type in passing': ['fleet/elector.ts', `let pool: import('../pool/pool.js').Pool;`],
      'a service imports the facade by the name of the package': ['pool/pool.ts', `import { FleetQ } from 'fleet-q';`],
      'a service imports more than types of options': ['pool/pool.ts', `import { resolve } from '../options.js';`],
      'one value among types is too much': ['pool/pool.ts', `import { type A, resolve } from '../options.js';`],
      'the ground imports what stands on it': ['errors.ts', `import { show } from './step/step.js';`],
      'the domain imports the store': ['step/step.ts', `import type { Claim } from '../store/contract.js';`],
      'a store imports the settler': [
        'store/sqlite/store.ts',
        `import { Settler } from '../../settlement/settler.js';`,
      ],
      'a store imports the other': ['store/sqlite/row-mapping.ts', `import { row } from '../snowflake/rows.js';`],
      'default-store imports a store at once': ['default-store.ts', `import { open } from './store/sqlite/store.js';`],
      'a file without a place': ['pool/pool.ts', `import { help } from '../utils.js';`],
    },
    'an import names its module in plain text': {
      'it is computed': ['pool/pool.ts', "await import('./' + name);"],
      'from a template': ['pool/pool.ts', 'await import(`./${name}.js`);'],
      'from a variable': ['pool/pool.ts', 'require(name);'],
    },
    'every file has its place': { 'a drawer for anything': ['utils.ts', ''] },
    'only entry points and default-store import a store': {
      'a service imports a store': ['pool/pool.ts', `import type { SqliteStore } from '../store/sqlite/store.js';`],
      'the facade does': ['fleetq.ts', `const { open } = await import('./store/sqlite/store.js');`],
    },
    'one file loads a driver, and not before a store opens': {
      'a service loads a driver': ['pool/pool.ts', `const driver = await import('better-sqlite3');`],
      'the fleet loads it outside the journal': [
        'fleet/recovery.ts',
        `import type { Database } from 'better-sqlite3';`,
      ],
      'a store loads the other driver': ['store/sqlite/store.ts', `await import('snowflake-sdk');`],
      'a store loads its own past the loader': [
        'store/sqlite/connection/session.ts',
        `await import('better-sqlite3');`,
      ],
      'the loader loads it at once': ['driver/better-sqlite3.ts', `import Database from 'better-sqlite3';`],
      'or with require': ['driver/better-sqlite3.ts', `const Database = require('better-sqlite3/lib/index.js');`],
    },
    'the step domain is pure': {
      'it reads files': ['step/payload.ts', `import { readFile } from 'node:fs/promises';`],
      'it takes a library': ['step/retry.ts', `import limit from 'p-limit';`],
    },
    'time and chance come through the Runtime': {
      'a wall clock': ['pool/pool.ts', `const now = Date.now();`],
      'a date': ['pool/pool.ts', `const now = new Date();`],
      'a clock by another name': ['pool/pool.ts', `const Clock = Date;`],
      'a monotonic clock': ['pool/pool.ts', `performance.now();`],
      'that of the process': ['pool/pool.ts', `process.hrtime.bigint();`],
      'a global by its long name': ['pool/pool.ts', `globalThis.setTimeout(f, 1);`],
      'in brackets': ['pool/pool.ts', `Math['random']();`],
      'chance handed on': ['pool/pool.ts', `const random = options.random ?? Math.random;`],
      'as an argument': ['pool/pool.ts', `retry(Math.random);`],
      'as a shorthand': ['pool/pool.ts', `make({ setTimeout });`],
      'as a default': ['pool/pool.ts', `function f(later = setTimeout) {}`],
      'a timer': ['pool/pool.ts', `setImmediate(f);`],
      'a microtask that fake timers may hold': ['pool/pool.ts', `queueMicrotask(f);`],
      'a tick that they may hold': ['pool/pool.ts', `process.nextTick(f);`],
      'a hidden timer': ['pool/pool.ts', `AbortSignal.timeout(5);`],
      'the module of timers': ['pool/pool.ts', `import { setTimeout as sleep } from 'node:timers/promises';`],
      'random bytes': ['store/sqlite/store.ts', `import { randomBytes } from 'node:crypto';`],
      'all of crypto': ['store/sqlite/store.ts', `import * as crypto from 'crypto';`],
      'the global of that name': ['store/sqlite/store.ts', `crypto.randomUUID();`],
    },
    'SQL stands in statements.ts, statements/ and schema.ts': {
      'a query': ['store/sqlite/store.ts', `db.prepare('SELECT 1');`],
      'a template': ['store/sqlite/store.ts', 'db.prepare(`\n  UPDATE ${table} SET status = ?`);'],
      'a common table expression': [
        'store/sqlite/row-mapping.ts',
        'const sql = `WITH due AS (SELECT 1) SELECT * FROM due`;',
      ],
      'a pragma': ['fleet/journal.ts', `db.exec('PRAGMA journal_mode = WAL');`],
      'a transaction': ['store/sqlite/store.ts', `db.exec('BEGIN IMMEDIATE');`],
      'a table': ['store/sqlite/store.ts', `db.exec('CREATE TABLE IF NOT EXISTS t (a)');`],
    },
    'a file fits in the head': { 'a long file': ['pool/pool.ts', '// another line\n'.repeat(LONGEST_FILE + 1)] },
  };

  test('there is one for each rule', () => {
    expect(Object.keys(breaches)).toEqual(Object.keys(RULES));
  });

  describe.each(Object.entries(breaches))('%s', (rule, texts) => {
    test.each(Object.entries(texts))('%s', (_, [file, text]) => {
      expect(check([readSource(file, text)]).map((complaint) => complaint.rule)).toContain(rule);
    });
  });
});

describe('what breaks no rule is not reported', () => {
  const sound: Record<string, readonly [file: string, text: string]> = {
    'its own part': ['pool/pool.ts', `import { Executor } from './executor.js';`],
    'what stands below': ['pool/pool.ts', `import { Settler } from '../settlement/settler.js';`],
    'types of options': ['pool/pool.ts', `import { type Options } from '../options.js';`],
    'a store by an entry point': ['sqlite.ts', `export { open } from './store/sqlite/store.js';`],
    'a store by default-store, late': ['default-store.ts', `await import('./store/sqlite/store.js');`],
    'a driver by its loader': ['driver/better-sqlite3.ts', `await import('better-sqlite3');`],
    'the types of a driver': ['store/sqlite/connection/session.ts', `import type { Database } from 'better-sqlite3';`],
    'the journal names its types': ['fleet/journal-file.ts', `import type { Database } from 'better-sqlite3';`],
    'time in the Runtime': ['runtime/runtime.ts', `import { randomFillSync } from 'node:crypto'; Date.now();`],
    'a hash': ['step/submission.ts', `import { createHash } from 'node:crypto';`],
    'a microtask': ['pool/pool.ts', `Promise.resolve().then(f);`],
    'Date as a type': [
      'step/step.ts',
      `interface A { runAt?: Date } const f = (at: Date): at is Date => at instanceof Date;`,
    ],
    'names that only look alike': ['pool/pool.ts', `runtime.performance; const a = { setTimeout: 1 }; a.setTimeout;`],
    'SQL in its place': ['store/sqlite/statements.ts', `export const ONE = 'SELECT 1';`],
    'words that only look like SQL': ['errors.ts', `fail('Update to a newer version'); fail('Select a type');`],
  };

  test.each(Object.entries(sound))('%s', (_, [file, text]) => {
    expect(check([readSource(file, text)])).toEqual([]);
  });
});
