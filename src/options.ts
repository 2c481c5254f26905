/**
 * The options of a queue: each with its meaning, default, check and environment variable.
 *
 * Invariants:
 * - Options are validated once, here. The result is frozen.
 * - If a user leaves out an interval whose right value depends on the store's cost, the store's default applies.
 */
import { hostname } from 'node:os';
import { ValidationError } from './errors.js';
import { absolutePath, MEMORY, pathCheck } from './files/file-path.js';
import type { Logger } from './log.js';
import { checkLogger } from './log/check-logger.js';
import { concurrencyOf, DEFAULT_CONCURRENCY } from './options/concurrency.js';
import { systemRuntime, type Runtime } from './runtime/runtime.js';
import { checkRetry } from './step/definition.js';
import type { StepDefinition } from './step/type-map.js';
import {
  boolean,
  checkFields,
  integer,
  milliseconds,
  name,
  expecting,
  positiveMilliseconds,
  record,
  type FieldCheck,
  oneOfWords,
} from './input/field-checks.js';
import { DEFAULT_RETRY, type RetryPolicy } from './step/retry.js';
import type { Rhythm, StoreFactory } from './store/contract.js';

/** The options of `new FleetQ(…)`. All are optional. */
export interface FleetQOptions {
  /** Where the steps live: `sqlite(…)` or `snowflake(…)`. Default: SQLite at `./fleet-q.db`. */
  readonly store?: StoreFactory;
  /** Step types that this process handles; more can be added with `register` until `start`. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- definitions of any args and result; the facade infers them
  readonly steps?: readonly StepDefinition<string, any, any>[];
  /**
   * What `submit` does with a step whose type is not registered on this queue at the time of the call: `'accept'` it,
   * since another process may handle it, or `'refuse'` it (`STEP_TYPE_UNKNOWN`). A step that is submitted by its definition
   * is always accepted. Default `'accept'`.
   */
  readonly unknownTypes?: 'accept' | 'refuse';
  /**
   * The name of this pod. Default: the host's name and a random suffix. It must be unique: of two live pods of one id, the
   * younger supersedes the elder.
   */
  readonly podId?: string;
  /** How many steps run at the same time on this pod: a whole number from 1 to 100,000. Default 8. */
  readonly concurrency?: number;
  /**
   * With `capacityThreshold`, the Python FLEET-Q's way to state the concurrency:
   * `max(1, floor(maxParallelism × capacityThreshold))`. Default 10, if only `capacityThreshold` is given. Cannot be
   * given together with `concurrency`, which new code should use.
   */
  readonly maxParallelism?: number;
  /**
   * The share of `maxParallelism` that is used, above 0 and up to 1. Default 0.8, if only `maxParallelism` is given.
   * Cannot be given together with `concurrency`.
   */
  readonly capacityThreshold?: number;
  /**
   * The interval between two heartbeats, in ms. Default: the store's (SQLite 2,000, Snowflake 30,000). On Snowflake it is
   * the least: in a fleet of more than 68 pods it grows to at least 440 ms for each live pod.
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * Peers may declare this pod dead after this silence, in ms; at least three heartbeats. Default: the store's
   * (SQLite 15,000, Snowflake 180,000), or four heartbeats if that is longer. On Snowflake it is the least: it grows with
   * the heartbeat interval of a large fleet.
   */
  readonly deadAfterMs?: number;
  /** The interval between two recovery cycles of the leader, in ms. Default: the store's (SQLite 5,000, Snowflake 300,000). */
  readonly recoveryIntervalMs?: number;
  /**
   * The first pause between exchanges of a pod that found nothing, in ms; it doubles up to `idleIntervalMs`. Default: the
   * store's (SQLite 100, Snowflake 1,000).
   */
  readonly claimIntervalMs?: number;
  /** The longest pause between exchanges of an idle pod, in ms. Default: the store's (SQLite 1,000, Snowflake 5,000). */
  readonly idleIntervalMs?: number;
  /** How long `stop` lets running steps finish before it aborts them, in ms. Default 25,000: Kubernetes gives 30 s. */
  readonly drainTimeoutMs?: number;
  /** How long an aborted handler may take to return before its claim is settled without it, in ms. Default 5,000. */
  readonly abortGraceMs?: number;
  /** The largest payload of a step, and the largest result, in bytes of JSON in UTF-8. Default 262,144. */
  readonly maxPayloadBytes?: number;
  /** How often a failed attempt is retried, unless the step or its type says. Default 3: at most four charged runs. */
  readonly maxRetries?: number;
  /** When a failed attempt is retried. Default: full jitter over 1 s, doubling up to 300 s. */
  readonly retry?: Partial<RetryPolicy>;
  /** How many pods may die of a step before it fails; three at least, the last while it ran alone. Default 3. */
  readonly maxCrashes?: number;
  /** Handlers are aborted after this time, in ms, unless their type says otherwise. Default: never. */
  readonly timeoutMs?: number;
  /** The most claims that are held ahead of a free slot. 0: none. Default 500. */
  readonly maxPrefetch?: number;
  /** How long finished steps are kept, in ms. Default 604,800,000: seven days. */
  readonly retentionMs?: number;
  /**
   * The SQLite file in which the leader records its recovery cycles. A path, or a `URL` object of the protocol `file:`. A
   * relative path is made absolute at once, by the current folder. Default `:memory:`.
   */
  readonly journalPath?: string | URL;
  /** The data that this pod publishes about itself to its peers, in addition to the data that the library adds. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /**
   * Where logs go: pino, bunyan, `console`, or anything of their shape; others by `messageFirst`. Default: `debug`, with
   * `DEBUG=fleet-q:*`.
   */
  readonly logger?: Logger;
  /** Whether `debug` lines may hold args and results. Default false. */
  readonly logPayloads?: boolean;
  /** Clocks, randomness and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime;
}

type RhythmOption = 'heartbeatIntervalMs' | 'deadAfterMs' | 'recoveryIntervalMs' | 'claimIntervalMs' | 'idleIntervalMs';
type OptionalOption = 'store' | 'logger' | 'timeoutMs';

/** The two options that `concurrency` replaces. */
type PythonOption = 'maxParallelism' | 'capacityThreshold';

/** Options with their defaults, except those whose default comes from the store's rhythm. */
export type ResolvedOptions = Readonly<
  Required<Omit<FleetQOptions, RhythmOption | OptionalOption | PythonOption | 'retry' | 'journalPath'>> &
    Pick<FleetQOptions, RhythmOption | OptionalOption> & { retry: RetryPolicy; journalPath: string }
>;

/** All options with their defaults, as the services read them. `slots` is `concurrency`: a slot runs one step at a time. */
export type Settings = ResolvedOptions &
  Readonly<Required<Pick<FleetQOptions, RhythmOption>>> & { readonly slots: number; readonly waitIntervalMs: number };

/** One row of the table. */
export interface OptionRow {
  readonly check: FieldCheck;
  /** The default as the docs show it; `undefined` if the meaning states it. */
  readonly default?: unknown;
  /** The environment variable that `fromEnv` reads, and how its text becomes the option's value. */
  readonly env?: { readonly name: string; readonly parse: 'text' | 'number' | 'seconds' };
}

const anyObject = (expected: string, methods: readonly string[]): FieldCheck =>
  expecting(
    expected,
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((m) => typeof (value as Record<string, unknown>)[m] === 'function'),
  );

const inSeconds = (name: string) => ({ name, parse: 'seconds' }) as const;

/** Every option by name. {@link FleetQOptions} has the meaning. A test compares `docs/configuration.md` with this. */
export const OPTION_TABLE: Readonly<Record<keyof FleetQOptions, OptionRow>> = {
  store: { check: anyObject('a store, such as sqlite({ path })', ['create']) },
  steps: { check: expecting('an array of step definitions', Array.isArray), default: [] },
  unknownTypes: {
    check: oneOfWords('accept', 'refuse'),
    default: 'accept',
  },
  podId: { check: name(200), env: { name: 'FLEET_Q_POD_ID', parse: 'text' } },
  concurrency: {
    check: integer(1, 100_000),
    default: DEFAULT_CONCURRENCY,
    env: { name: 'FLEET_Q_CONCURRENCY', parse: 'number' },
  },
  maxParallelism: {
    check: integer(1, 100_000),
    env: { name: 'FLEET_Q_MAX_PARALLELISM', parse: 'number' },
  },
  capacityThreshold: {
    check: expecting('a number above 0 and up to 1', (value) => typeof value === 'number' && value > 0 && value <= 1),
    env: { name: 'FLEET_Q_CAPACITY_THRESHOLD', parse: 'number' },
  },
  heartbeatIntervalMs: {
    check: positiveMilliseconds,
    env: inSeconds('FLEET_Q_HEARTBEAT_INTERVAL_SECONDS'),
  },
  deadAfterMs: { check: positiveMilliseconds, env: inSeconds('FLEET_Q_DEAD_POD_THRESHOLD_SECONDS') },
  recoveryIntervalMs: {
    check: positiveMilliseconds,
    env: inSeconds('FLEET_Q_RECOVERY_INTERVAL_SECONDS'),
  },
  claimIntervalMs: { check: positiveMilliseconds, env: inSeconds('FLEET_Q_CLAIM_INTERVAL_SECONDS') },
  idleIntervalMs: { check: positiveMilliseconds },
  drainTimeoutMs: { check: milliseconds, default: 25_000, env: inSeconds('FLEET_Q_DRAIN_TIMEOUT_SECONDS') },
  abortGraceMs: { check: milliseconds, default: 5_000, env: inSeconds('FLEET_Q_ABORT_GRACE_SECONDS') },
  maxPayloadBytes: { check: integer(64, 16_000_000), default: 262_144 },
  maxRetries: { check: integer(0, 1_000_000), default: 3 },
  retry: { check: (value, field) => checkRetry(value, field, 'OPTION_INVALID'), default: DEFAULT_RETRY },
  maxCrashes: { check: integer(0, 1_000_000), default: 3 },
  timeoutMs: { check: positiveMilliseconds },
  maxPrefetch: { check: integer(0, 100_000), default: 500 },
  retentionMs: { check: milliseconds, default: 604_800_000 },
  journalPath: { check: pathCheck, default: MEMORY },
  meta: { check: record, default: {} },
  logger: { check: checkLogger },
  logPayloads: { check: boolean, default: false },
  runtime: { check: anyObject('a runtime', ['wallMs', 'monotonicMs', 'random', 'uuid', 'after', 'yield']) },
};

const CHECKS = Object.fromEntries(Object.entries(OPTION_TABLE).map(([key, row]) => [key, row.check]));
const DEFAULTS = Object.fromEntries(
  Object.entries(OPTION_TABLE).flatMap(([key, row]) => (row.default === undefined ? [] : [[key, row.default]])),
);

/**
 * The options that are given: those that are not `undefined`, copied by the table, so that an inherited one counts.
 *
 * @throws ValidationError `OPTION_INVALID`
 */
export function givenOptions(options: unknown): FleetQOptions {
  record(options, 'options', 'OPTION_INVALID');
  checkFields(options, CHECKS, 'OPTION_INVALID', '');
  const values = options as Record<string, unknown>;
  const entries = Object.keys(OPTION_TABLE).map((key) => [key, values[key]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Checks options and fills in the defaults. @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(given: unknown = {}): ResolvedOptions {
  const options = givenOptions(given);
  const { maxParallelism, capacityThreshold, ...rest } = options;
  const runtime = options.runtime ?? systemRuntime;
  return Object.freeze({
    ...DEFAULTS,
    podId: generatedPodId(runtime),
    ...rest,
    concurrency: concurrencyOf(options),
    runtime,
    retry: Object.freeze({ ...DEFAULT_RETRY, ...options.retry }),
    journalPath: absolutePath(options.journalPath ?? MEMORY, 'journalPath'),
  } as ResolvedOptions);
}

function generatedPodId(runtime: Runtime): string {
  const host = hostname()
    .replace(/[\p{Cc}\p{Cs}]/gu, '')
    .slice(0, 150);
  return `${host}-${runtime.uuid().slice(-8)}`;
}

/** Completes options with a store's rhythm. @throws ValidationError `OPTION_INVALID` if they contradict each other */
export function completeOptions(options: ResolvedOptions, rhythm: Rhythm): Settings {
  const { heartbeatIntervalMs = rhythm.heartbeatIntervalMs, recoveryIntervalMs = rhythm.recoveryIntervalMs } = options;
  const claimIntervalMs =
    options.claimIntervalMs ?? Math.min(rhythm.claimIntervalMs, options.idleIntervalMs ?? Infinity);
  const idleIntervalMs = options.idleIntervalMs ?? Math.max(rhythm.idleIntervalMs, claimIntervalMs);
  const deadAfterMs = options.deadAfterMs ?? Math.max(rhythm.deadAfterMs, 4 * heartbeatIntervalMs);
  if (deadAfterMs < 3 * heartbeatIntervalMs) {
    const problem = `expected at least three heartbeat intervals (3 × ${heartbeatIntervalMs}), got ${deadAfterMs}`;
    throw new ValidationError('OPTION_INVALID', 'deadAfterMs', problem);
  }
  if (idleIntervalMs < claimIntervalMs) {
    throw new ValidationError(
      'OPTION_INVALID',
      'idleIntervalMs',
      `expected at least claimIntervalMs (${claimIntervalMs}), got ${idleIntervalMs}`,
    );
  }
  const { waitIntervalMs } = rhythm;
  const slots = options.concurrency;
  return Object.freeze({
    ...options,
    heartbeatIntervalMs,
    deadAfterMs,
    recoveryIntervalMs,
    claimIntervalMs,
    idleIntervalMs,
    waitIntervalMs,
    slots,
  });
}
