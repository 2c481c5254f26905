/**
 * The flag `--store`, and the queue over the store that it names.
 *
 * Invariants:
 * - Without the flag, the `FLEET_Q_*` variables name the store, as they do for pods.
 * - A verb that looks, or acts on existing steps, creates nothing: neither a file nor tables.
 * - No secret is a flag.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Option } from 'commander';
import { FleetQ, type AnyFleetQ } from '../index.js';
import { UsageError } from './exit-codes.js';
import { interruptible } from './interruptible.js';
import type { Environment, Io } from './io.js';

/** The flags of every verb that uses a store. */
export interface StoreFlags {
  readonly store?: string;
}

export function storeOption(): Option {
  return new Option(
    '--store <store>',
    'sqlite:PATH, or snowflake with FLEET_Q_SNOWFLAKE_* variables. Default: what the FLEET_Q_* variables name.',
  );
}

/**
 * The environment with the store that the flag names.
 *
 * @throws UsageError
 */
export function storeEnvironment(env: Environment, { store }: StoreFlags): Environment {
  if (store === undefined) return env;
  if (store === 'snowflake') {
    if ((env['FLEET_Q_SNOWFLAKE_ACCOUNT'] ?? '') !== '') return env;
    throw new UsageError('--store snowflake needs FLEET_Q_SNOWFLAKE_ACCOUNT, which is not set');
  }
  const path = store.startsWith('sqlite:') ? store.slice('sqlite:'.length) : '';
  if (path === '') throw new UsageError(`--store: expected sqlite:PATH or snowflake, got ${JSON.stringify(store)}`);
  const others = Object.entries(env).filter(([name]) => !name.startsWith('FLEET_Q_SNOWFLAKE_'));
  return { ...Object.fromEntries(others), FLEET_Q_SQLITE_PATH: path };
}

/** What a verb may do with a store that has no tables yet. */
export type Access = 'existing' | 'create';

/** Runs work with a queue that is not started, and closes its store afterwards, also on a signal. */
export async function withQueue<T>(
  io: Io,
  flags: StoreFlags,
  access: Access,
  work: (queue: AnyFleetQ, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const queue = openQueue(io, flags, access);
  try {
    return await interruptible((signal) => work(queue, signal));
  } finally {
    await queue.stop();
  }
}

function openQueue(io: Io, flags: StoreFlags, access: Access): AnyFleetQ {
  const env = { ...storeEnvironment(io.env, flags) };
  if (access === 'existing') env['FLEET_Q_CREATE_TABLES'] = 'false';
  return FleetQ.fromEnv({ podId: ownPodId(), logger: warnings(io) }, env);
}

/** Never the name of a pod in whose container the command runs: the younger of two supersedes the other. */
function ownPodId(): string {
  return `${hostname()
    .replace(/[\p{Cc}\p{Cs}]/gu, '')
    .slice(0, 150)}-cli-${randomUUID().slice(0, 8)}`;
}

/** Warnings go to stderr, because stdout is the verb's. What concerns a step, the verb reports itself. */
function warnings(io: Io): NonNullable<Parameters<typeof FleetQ.fromEnv>[0]>['logger'] & object {
  const warn = (fields: object, message?: string): void => {
    if (!('stepId' in fields)) void io.complain(message ?? '');
  };
  const silent = (): void => undefined;
  return { debug: silent, info: silent, warn, error: warn };
}
