/**
 * The structure of `src`: who may import what, where SQL is written, and where time and randomness enter.
 *
 * To read it: `EDGES` is the table of permitted imports, and has a row for each room (a file or a folder of `src`).
 * `RULES` checks one file at a time. `CIRCLES` and the sizes are checked over all files. For each rule there are texts
 * that break it, and texts that only look as if they did.
 *
 * If this test fails because of a new file or folder, add its row to `EDGES`: what it may import, and which rows may
 * import it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readSource, type Import, type ImportKind, type SourceFacts } from './support/source.js';

const SERVICE = [
  ...['type options', 'events', 'log', 'settlement', 'store/contract', 'step', 'input'],
  ...['runtime', 'runtime/backoff', 'errors'],
];
const STORE = [
  ...[
    'store/contract',
    'store/diagnosis',
    'store/step-counts',
    'store/ended-among',
    'store/busy-retry',
    'store/open-calls',
  ],
  ...['driver', 'step', 'input', 'runtime', 'runtime/backoff', 'errors', 'log'],
];

const POOL_ROOMS = [
  ...['pool/exchange', 'pool/planning', 'pool/execution', 'pool/suspects', 'pool/claims', 'pool/handlers'],
  'pool/pool-state',
];

/**
 * What each room may import. `x`: values and types; `type x`: types only; `dynamic x`: by `import()` only. A room is a
 * file or a folder of src. A file belongs to the longest row that matches its path, and may import its own room.
 */
const EDGES: Record<string, readonly string[]> = {
  // entry points
  index: [
    ...[
      'fleetq',
      'type queue-interface',
      'signals',
      'type pod-report',
      'type stats',
      'version',
      'options',
      'client',
      'pool',
      'fleet',
    ],
    ...['events', 'log', 'store/contract', 'type tracing', 'step', 'runtime', 'errors'],
  ],
  sqlite: ['store/sqlite', 'type store/contract', 'errors'],
  snowflake: ['store/snowflake', 'type store/contract', 'errors'],
  store: ['type store/contract', 'type log', 'type step', 'type runtime'],
  testing: [
    ...['fleetq', 'options', 'client', 'store/sqlite', 'store/contract', 'events', 'log', 'step', 'runtime', 'errors'],
    ...['type queue-interface', 'type fleet', 'input'],
  ],

  // what runs beside the queue: each uses the public entry points alone; `errors`, `input` and `log`
  // check what users pass; `errors` and `version` let the command start without the library
  http: ['http', 'http/answers', 'index', 'errors', 'input', 'log'],
  'http/answers': ['type http', 'type index'], // loads nothing, so that the command may print the same
  prometheus: ['prometheus', 'index', 'errors', 'input'],
  otel: ['otel', 'type index', 'index'],
  cli: [
    'cli',
    'index',
    'errors',
    'version',
    'http/answers',
    'options/env',
    'runtime/backoff',
    'type snowflake',
    'dynamic sqlite',
    'dynamic snowflake',
    'dynamic http',
    'dynamic prometheus',
    'dynamic otel',
  ],

  // the facade: `pod` puts the services of a started queue together,
  // `queue-interface` is the queue's type, `stats` its reports
  fleetq: [
    ...[
      'type queue-interface',
      'lazy-client',
      'type open-client',
      'pod',
      'type pod-report',
      'queue-reports',
      'type stats',
      'version',
      'default-store',
      'options',
      'options/env',
      'client',
      'pool',
      'fleet',
    ],
    ...['events', 'log', 'settlement', 'store/contract', 'step', 'runtime', 'errors', 'diagnosis'],
  ],
  // what the queue finds out about itself
  diagnosis: ['store/diagnosis', 'store/contract', 'type fleet', 'stats', 'runtime', 'errors'],
  'lazy-client': [
    ...['open-client', 'type pod', 'type options', 'type fleet', 'type events', 'type step', 'type runtime'],
    ...['store/store-answers', 'type store/outage-tracker', 'type store/contract'],
  ],
  'queue-reports': [
    ...['type open-client', 'type pod', 'pod-report', 'stats', 'stats-cache', 'fleet', 'type store/contract', 'input'],
  ],
  'stats-cache': ['type stats', 'type runtime'],
  'open-client': [
    ...[
      'type store/store-answers',
      'options',
      'client',
      'events',
      'log',
      'store/outage-tracker',
      'store/tracked-store',
      'store/store-in-context',
      'store/contract',
      'stats',
    ],
    ...['step', 'runtime', 'errors'],
  ],
  pod: [
    ...['type open-client', 'version', 'options', 'pool', 'fleet', 'type store/outage-tracker'],
    ...['events', 'log', 'settlement', 'store/contract', 'step', 'runtime', 'errors'],
  ],
  'queue-interface': [
    ...['type pod-report', 'type stats', 'type options', 'type client', 'type pool', 'type fleet'],
    ...['type events', 'type log', 'type store/contract', 'type step', 'type runtime', 'type errors'],
  ],
  signals: ['type queue-interface', 'input', 'runtime', 'errors'],
  stats: ['store/contract', 'runtime'],
  'pod-report': ['type stats', 'store/contract', 'runtime'],
  'default-store': [
    ...['dynamic store/sqlite', 'dynamic sqlite', 'dynamic snowflake', 'type store/contract'],
    ...['options/env', 'files', 'errors'],
  ],
  options: ['type events', 'log', 'files', 'store/contract', 'step', 'input', 'runtime', 'errors'],
  'options/env': ['options', 'log', 'input', 'errors'],
  version: [],

  // the services: never each other; `settlement` stands below those that end claims
  client: [...SERVICE.filter((part) => part !== 'settlement'), 'tracing'],
  pool: [...SERVICE, 'type pool-interface', ...POOL_ROOMS],
  fleet: [...SERVICE, 'type pool-interface', 'store/outage-tracker', 'store/busy-retry', 'files', 'driver'], // the journal is a file
  'pool-interface': ['type store/contract'], // the seam between the two

  // the pool's rooms, from the top down: each imports only those below it
  'pool/exchange': [
    ...['pool/planning', 'type pool/execution', 'type pool/suspects', 'pool/claims', 'type pool/handlers'],
    ...['type pool/pool-state', 'type pool-interface', 'events', 'log', 'type settlement', 'type store/contract'],
    ...['step', 'runtime', 'runtime/backoff', 'errors'],
  ],
  'pool/planning': [
    ...['type pool/execution', 'type pool/suspects', 'type pool/claims', 'type pool/handlers'],
    ...['type store/contract', 'step', 'runtime/backoff'],
  ],
  'pool/execution': [
    ...['type pool/suspects', 'pool/claims', 'type pool/pool-state'],
    ...['events', 'type log', 'tracing', 'step', 'input', 'runtime', 'runtime/backoff', 'errors'],
  ],
  'pool/suspects': ['type pool/claims', 'runtime', 'runtime/backoff'],
  'pool/claims': [
    ...['type pool/handlers', 'type events', 'type log', 'type tracing'],
    ...['store/contract', 'step', 'runtime', 'errors'],
  ],
  'pool/handlers': ['type step', 'errors'],
  'pool/pool-state': [],

  settlement: ['store/contract', 'events', 'log', 'type tracing', 'step', 'runtime', 'errors'],

  // the tracing channels: what is published of submissions and runs
  tracing: ['type store/contract', 'step'],

  // the stores, and what stands before any of them: `tracked-store` reports outages, `store-in-context` sets the async context
  'store/sqlite': [...STORE, 'files'],
  'store/snowflake': [...STORE, 'store/snowflake/combining'],
  'store/snowflake/combining': ['store/contract'], // pure rules, without SQL
  'store/tracked-store': ['type store/contract', 'type store/outage-tracker', 'type store/store-answers'],
  'store/store-answers': ['store/contract', 'store/outage-tracker', 'runtime', 'runtime/backoff', 'errors'],
  'store/outage-tracker': ['store/contract', 'events', 'log', 'type runtime', 'errors'],
  'store/store-in-context': ['type store/contract', 'type runtime'],
  'store/diagnosis': ['store/contract', 'runtime', 'errors'],
  'store/step-counts': ['store/contract', 'step', 'runtime'],
  'store/ended-among': ['type store/contract', 'step'],
  'store/busy-retry': ['runtime', 'runtime/backoff'],
  'store/open-calls': ['errors'],
  'store/contract': ['step', 'runtime', 'errors', 'type log'],

  // the drivers: how each is loaded, and what is said where it cannot be
  driver: ['errors'],

  // the ground
  events: ['type store/contract', 'log', 'step', 'input', 'runtime', 'errors'],
  files: ['type input', 'errors'],
  step: ['input', 'errors', 'type log', 'runtime/backoff'],
  input: ['errors'],
  log: ['input', 'runtime', 'errors'],
  runtime: ['errors'],
  'runtime/backoff': [], // pure, so that the domain may use it
  errors: [],
};

/** Only these rooms may import a store at all, whatever a row of the table says. */
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

/** The one file that imports a module whose name comes from a user. */
const LOADS_WHAT_A_USER_NAMES = 'cli/worker/load-module.ts';

/** The rooms that may import a library which an entry point alone needs. */
const LIBRARIES: Record<string, readonly string[]> = {
  hono: ['http'],
  '@hono/node-server': ['http'],
  ajv: ['http'],
  'prom-client': ['prometheus'],
  '@opentelemetry/api': ['otel'],
  commander: ['cli'],
  'string-width': ['cli'],
};

/** What the domain may import besides its own files: nothing that does I/O or reads a clock. */
const PURE = ['@standard-schema/spec', 'node:crypto', 'node:util'];

/**
 * Time, timers and randomness as globals, and what a host's fake timers may replace. Hashing is none of them.
 */
const AMBIENT_GLOBALS =
  /^(globalThis\.|global\.)?(Date|performance|Math\.random|crypto|queueMicrotask|(set|clear)(Timeout|Interval|Immediate)|process\.(hrtime|uptime|nextTick)|AbortSignal\.timeout)(\.|$)/;
/** The files that may use them: one takes the globals, the other makes the Runtime of them. */
const AMBIENT = ['runtime/native-globals.ts', 'runtime/runtime.ts'];
/** What runs beside the queue: not part of a simulated fleet, so the timers of Node.js will do. */
const BESIDE_THE_QUEUE = ['http', 'http/answers', 'prometheus', 'otel', 'cli'];
const TIMER_MODULES = /^(node:)?(timers|timers\/promises|perf_hooks)$/;
const CRYPTO_MODULE = /^(node:)?crypto$/;
const DETERMINISTIC_CRYPTO = ['createHash', 'createHmac'];

const SQL =
  /^\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\S+\s+(AS\s+\w+\s+|\w+\s+)?SET\b|DELETE\s+FROM\s|MERGE\s+INTO\s|WITH\s+(RECURSIVE\s+)?\w+[^]*\sAS\s+\(?|CREATE\s+(OR\s+REPLACE\s+)?(UNIQUE\s+|TEMP\w*\s+|TRANSIENT\s+|HYBRID\s+)?(TABLE|INDEX|VIEW|TRIGGER|SCHEMA)\s|ALTER\s+(TABLE|SESSION)\s|DROP\s+(TABLE|INDEX|VIEW)\s|PRAGMA\s|BEGIN(\s+(IMMEDIATE|DEFERRED|EXCLUSIVE|TRANSACTION))?\s*;?$|COMMIT\s*;?$|ROLLBACK\s*;?$|VACUUM\b|ANALYZE\b|ATTACH\s)/;
const SQL_FILES = /((^|[/-])(statements|schema)|(^|\/)statements\/[\w-]+)\.ts$/;

const LONGEST_FILE = 300;
const LONGEST_MEDIAN = 100;
interface Complaint {
  readonly rule: string;
  readonly where: string;
  readonly what: string;
}
type Rule = (file: SourceFacts) => readonly string[];

const RULES: Record<string, Rule> = {
  'imports follow the table': (file) =>
    file.imports.filter(isLocal).flatMap((found) => {
      const [from, to] = [roomOf(file.path), roomOf(target(file, found))];
      if (from === undefined) return [];
      if (to === undefined) return [at(found, `${from} imports ${found.specifier}, which is in no room of the table`)];
      if (from === to) return [];
      const edges = EDGES[from] ?? [];
      if (edges.includes(to) || edges.includes(`${found.kind} ${to}`)) return [];
      return [at(found, `${from} may not import ${to} (${found.kind})`)];
    }),

  'an import names its module as a literal': (file) =>
    file.imports
      .filter(({ specifier }) => !/^[\w@.:/-]+$/.test(specifier) && file.path !== LOADS_WHAT_A_USER_NAMES)
      .map((found) => at(found, `imports ${found.specifier}`)),

  'every file belongs to a room': (file) =>
    roomOf(file.path) === undefined ? [`${file.path} is in no room of the table`] : [],

  'only entry points and default-store import a store': (file) =>
    file.imports.filter(isLocal).flatMap((found) => {
      const [from, to] = [roomOf(file.path) ?? '', roomOf(target(file, found)) ?? ''];
      const allowed = from === to || !STORES.includes(to) || MAY_IMPORT_A_STORE.includes(from);
      return allowed ? [] : [at(found, `${from} imports the store ${to}`)];
    }),

  'one file loads a driver, with import() when a store opens': (file) =>
    file.imports.flatMap((found) => {
      const driver = DRIVERS[packageOf(found.specifier)];
      if (driver === undefined) return [];
      if (found.kind === 'static') return [at(found, `imports ${found.specifier} before it is needed`)];
      const homes = found.kind === 'type' ? driver.types : [driver.loader];
      return homes.some((home) => file.path.startsWith(home)) ? [] : [at(found, `imports ${found.specifier}`)];
    }),

  'a library of an entry point is imported by its room alone': (file) =>
    file.imports.flatMap((found) => {
      const rooms = LIBRARIES[packageOf(found.specifier)];
      return rooms === undefined || rooms.includes(roomOf(file.path) ?? '')
        ? []
        : [at(found, `imports ${found.specifier}`)];
    }),

  'the step domain does no I/O': (file) =>
    roomOf(file.path) !== 'step'
      ? []
      : file.imports
          .filter((found) => !isLocal(found) && !PURE.includes(found.specifier))
          .map((found) => at(found, `imports ${found.specifier}`)),

  'time, timers and randomness come from the Runtime': (file) => {
    if (AMBIENT.includes(file.path) || BESIDE_THE_QUEUE.includes(roomOf(file.path) ?? '')) return [];
    const modules = file.imports.filter(
      ({ specifier, kind, names }) =>
        kind !== 'type' &&
        (TIMER_MODULES.test(specifier) ||
          (CRYPTO_MODULE.test(specifier) && !names.every((name) => DETERMINISTIC_CRYPTO.includes(name)))),
    );
    return [
      ...modules.map((found) => at(found, `imports ${found.names.join(', ')} of ${found.specifier}`)),
      ...file.values.filter(({ text }) => AMBIENT_GLOBALS.test(text)).map((found) => at(found, `uses ${found.text}`)),
    ];
  },

  'SQL stands in statements.ts, statements/ and schema.ts': (file) =>
    SQL_FILES.test(file.path)
      ? []
      : file.strings
          .filter(({ text }) => SQL.test(text))
          .map((found) => at(found, `SQL: ${found.text.trim().slice(0, 40)}`)),

  'no name hides a global of Node.js': (file) =>
    AMBIENT.includes(file.path)
      ? []
      : file.names
          .filter(({ text }) => text in globalThis && !file.imports.some(isGlobalItself(text)))
          .map((found) => at(found, `${found.text} hides the global of that name`)),

  'a file has at most 300 lines': (file) =>
    file.lines > LONGEST_FILE ? [`${file.lines} lines, more than ${LONGEST_FILE}`] : [],
};

/** `import process from 'node:process'` is the global of that name. */
function isGlobalItself(name: string): (found: Import) => boolean {
  return ({ specifier, names }) => specifier === `node:${name}` && names.includes('default');
}

/**
 * What may not import in a circle: the node of the graph that a file belongs to, and the kinds of imports that count.
 * Imports of types count too: two files, or two rooms, whose types need each other cannot be understood one by one. Only
 * the folders within one room may need types of each other.
 */
const CIRCLES: Record<string, { readonly kinds: readonly ImportKind[]; readonly node: NodeOf }> = {
  'no file imports itself by way of others': {
    kinds: ['static', 'dynamic', 'type'],
    node: (file) => file,
  },
  'no folder of src imports another in a circle': {
    kinds: ['static', 'dynamic', 'type'],
    node: (file, other) => siblings(file, other, 1),
  },
  'no two folders beside each other load each other': {
    kinds: ['static', 'dynamic'],
    node: (file, other) => siblings(file, other, Infinity),
  },
};

/** The node that `file` belongs to in an import between `file` and `other`; `undefined`: the import does not count. */
type NodeOf = (file: string, other: string) => string | undefined;

/** The folder of `file` that lies beside a folder of `other`, at most `depth` levels below src. */
function siblings(file: string, other: string, depth: number): string | undefined {
  const [own, its] = [path.posix.dirname(file).split('/'), path.posix.dirname(other).split('/')];
  const apart = own.findIndex((folder, level) => folder !== its[level]);
  if (apart === -1 || apart >= its.length || apart >= depth || own[0] === '.' || its[0] === '.') return undefined;
  return own.slice(0, apart + 1).join('/');
}

/** The circles of imports, each as the nodes on it. */
function circlesOf(files: readonly SourceFacts[], { kinds, node }: (typeof CIRCLES)[string]): readonly string[][] {
  const graph = new Map<string, Set<string>>();
  for (const file of files) {
    for (const found of file.imports.filter((each) => isLocal(each) && kinds.includes(each.kind))) {
      const to = target(file, found).replace(/\.js$/, '.ts');
      const [from, into] = [node(file.path, to), node(to, file.path)];
      if (from !== undefined && into !== undefined) graph.set(from, (graph.get(from) ?? new Set()).add(into));
    }
  }
  const reachable = new Map([...graph.keys()].map((start) => [start, reachableFrom(start, graph)]));
  const onCircles = [...graph.keys()].filter((start) => reachable.get(start)?.has(start));
  const circles = onCircles.map((start) => onCircles.filter((other) => reaches(start, other) && reaches(other, start)));
  return [...new Map(circles.map((circle) => [circle.join(), circle])).values()];

  function reaches(from: string, to: string): boolean {
    return reachable.get(from)?.has(to) === true;
  }
}

function reachableFrom(start: string, graph: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const found = new Set<string>();
  const next = [start];
  for (let node = next.pop(); node !== undefined; node = next.pop()) {
    for (const to of graph.get(node) ?? []) {
      if (found.has(to)) continue;
      found.add(to);
      next.push(to);
    }
  }
  return found;
}

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

/** The path below src that a local import resolves to. */
function target(file: SourceFacts, { specifier }: Import): string {
  if (!specifier.startsWith('.')) return specifier === 'fleet-q' ? 'index' : specifier.slice('fleet-q/'.length);
  return path.posix.join(path.posix.dirname(file.path), specifier);
}

/** The room of a file below src: the longest row of the table that is its path or a folder above it. */
function roomOf(file: string): string | undefined {
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

  test('exist', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(Object.keys(RULES))('%s', (rule) => {
    expect(complaints.filter((complaint) => complaint.rule === rule)).toEqual([]);
  });

  test.each(Object.entries(CIRCLES))('%s', (_, circles) => {
    expect(circlesOf(files, circles)).toEqual([]);
  });

  test('have at most 100 lines in the median', () => {
    const lines = files.map((file) => file.lines).sort((a, b) => a - b);
    expect(lines[Math.floor(lines.length / 2)]).toBeLessThan(LONGEST_MEDIAN);
  });
});

describe('the rules report', () => {
  const breaches: Record<keyof typeof RULES, Record<string, readonly [file: string, text: string]>> = {
    'imports follow the table': {
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
      'the rules of combining import a statement': [
        'store/snowflake/combining/pace.ts',
        `import { statementsOf } from '../statements.js';`,
      ],
      'or the runtime': [
        'store/snowflake/combining/pacer.ts',
        `import type { Runtime } from '../../../runtime/runtime.js';`,
      ],
      'a store imports the other': ['store/sqlite/row-mapping.ts', `import { row } from '../snowflake/rows.js';`],
      'default-store imports a store at once': ['default-store.ts', `import { open } from './store/sqlite/store.js';`],
      'a room of the pool imports the pool': ['pool/claims/outbox.ts', `import type { Pool } from '../pool.js';`],
      'what is held imports what runs it': [
        'pool/claims/held-claims.ts',
        `import type { Executor } from '../execution/executor.js';`,
      ],
      'a plan imports the exchange': [
        'pool/planning/claim-planner.ts',
        `import type { ExchangeChannel } from '../exchange/exchange-channel.js';`,
      ],
      'a room changes the state of the pool': [
        'pool/execution/slot-filler.ts',
        `import { PoolStateMachine } from '../pool-state.js';`,
      ],
      'the state imports a room': ['pool/pool-state.ts', `import type { HeldClaims } from './claims/held-claims.js';`],
      'a file without a place': ['pool/pool.ts', `import { help } from '../utils.js';`],
    },
    'an import names its module as a literal': {
      'it is computed': ['pool/pool.ts', "await import('./' + name);"],
      'from a template': ['pool/pool.ts', 'await import(`./${name}.js`);'],
      'from a variable': ['pool/pool.ts', 'require(name);'],
    },
    'every file belongs to a room': { 'a drawer for anything': ['utils.ts', ''] },
    'only entry points and default-store import a store': {
      'a service imports a store': ['pool/pool.ts', `import type { SqliteStore } from '../store/sqlite/store.js';`],
      'the facade does': ['fleetq.ts', `const { open } = await import('./store/sqlite/store.js');`],
    },
    'one file loads a driver, with import() when a store opens': {
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
    'a library of an entry point is imported by its room alone': {
      'the core loads the web framework': ['fleetq.ts', `import { Hono } from 'hono';`],
      'the command line too': ['cli/program.ts', `const { serve } = await import('@hono/node-server/conninfo');`],
      'another room names its types': ['http/serve.ts', `import type { Registry } from 'prom-client';`],
    },
    'the step domain does no I/O': {
      'it reads files': ['step/payload.ts', `import { readFile } from 'node:fs/promises';`],
      'it takes a library': ['step/retry.ts', `import limit from 'p-limit';`],
    },
    'time, timers and randomness come from the Runtime': {
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
    'no name hides a global of Node.js': {
      'a class': ['pool/pool.ts', `class Buffer {}`],
      'a type': ['pool/pool.ts', `type Request = string;`],
      'what is imported': ['pool/pool.ts', `import { Event } from './event.js';`],
      'a parameter': ['pool/pool.ts', `function f(process: Mark) {}`],
      'a part of an object': ['pool/pool.ts', `const { performance } = given;`],
    },
    'a file has at most 300 lines': { 'a long file': ['pool/pool.ts', '// another line\n'.repeat(LONGEST_FILE + 1)] },
  };

  test('a text for each rule', () => {
    expect(Object.keys(breaches)).toEqual(Object.keys(RULES));
  });

  describe.each(Object.entries(breaches))('%s', (rule, texts) => {
    test.each(Object.entries(texts))('%s', (_, [file, text]) => {
      expect(check([readSource(file, text)]).map((complaint) => complaint.rule)).toContain(rule);
    });
  });
});

describe('the rules do not report', () => {
  const sound: Record<string, readonly [file: string, text: string]> = {
    'its own part': ['pool/pool.ts', `import { drain } from './drain.js';`],
    'a room of the pool': ['pool/pool.ts', `import { Executor } from './execution/executor.js';`],
    'the room below': ['pool/execution/slot-filler.ts', `import { HeldClaim } from '../claims/held-claim.js';`],
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
    'a global by the module of its name': ['signals.ts', `import process from 'node:process';`],
    'a method, a field and a key with the name of a global': [
      'pool/pool.ts',
      `class A { fetch() {} URL = { Event: 1 }; }`,
    ],
    'SQL in its place': ['store/sqlite/statements.ts', `export const ONE = 'SELECT 1';`],
    'words that only look like SQL': ['errors.ts', `fail('Update to a newer version'); fail('Select a type');`],
  };

  test.each(Object.entries(sound))('%s', (_, [file, text]) => {
    expect(check([readSource(file, text)])).toEqual([]);
  });
});

describe('a circle', () => {
  const of = (texts: Record<string, string>, rule: keyof typeof CIRCLES): readonly string[][] => {
    const circles = CIRCLES[rule];
    if (circles === undefined) throw new Error(`there is no rule "${rule}"`);
    return circlesOf(
      Object.entries(texts).map(([file, text]) => readSource(file, text)),
      circles,
    );
  };

  test('of files is found, also if it is one of types', () => {
    const circle = { 'pool/a.ts': `import './b.js';`, 'pool/b.ts': `export * from './a.js';` };
    expect(of(circle, 'no file imports itself by way of others')).toEqual([['pool/a.ts', 'pool/b.ts']]);
    const types = { ...circle, 'pool/b.ts': `import type { A } from './a.js';` };
    expect(of(types, 'no file imports itself by way of others')).toEqual([['pool/a.ts', 'pool/b.ts']]);
    const line = { ...circle, 'pool/b.ts': `import './c.js';` };
    expect(of(line, 'no file imports itself by way of others')).toEqual([]);
  });

  test('of folders is found, although no file imports itself', () => {
    const texts = {
      'pool/a.ts': `import '../fleet/b.js';`,
      'fleet/c.ts': `import type { D } from '../log/d.js';`,
      'log/e.ts': `import '../pool/f.js';`,
    };
    expect(of(texts, 'no folder of src imports another in a circle')).toEqual([['pool', 'fleet', 'log']]);
    expect(of(texts, 'no file imports itself by way of others')).toEqual([]);
  });

  test('of folders within a room is found, if it is there when the program runs', () => {
    const circle = { 'pool/a/x.ts': `import '../b/y.js';`, 'pool/b/z.ts': `import '../a/w.js';` };
    expect(of(circle, 'no two folders beside each other load each other')).toEqual([['pool/a', 'pool/b']]);
    const types = { ...circle, 'pool/b/z.ts': `import type { W } from '../a/w.js';` };
    expect(of(types, 'no two folders beside each other load each other')).toEqual([]);
  });
});
