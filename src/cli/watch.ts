/**
 * Repeats a verb: the flag `--watch`.
 *
 * Invariants:
 * - Each output is collected, then written at once. On a terminal it replaces the one before; elsewhere it is appended.
 * - Watching ends on a signal, and when nobody reads the output any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import type { AnyFleetQ } from '../index.js';
import { timerValue } from './duration-value.js';
import { UsageError } from './exit-codes.js';
import type { Io } from './io.js';
import type { Format } from './output/records.js';
import { withQueue, type StoreFlags } from './store-option.js';

/** The shortest time between two looks: each one is a query. */
const SHORTEST_MS = 100;

export function watchOption(): Option {
  return new Option(
    '-w, --watch [interval]',
    'Look again until Ctrl-C, every 2s by default. On Snowflake each look keeps the warehouse awake.',
  ).argParser(timerValue);
}

/** The flags of a verb that looks. */
export interface LookFlags extends StoreFlags {
  /** The interval in ms; `true` for the default. */
  readonly watch?: number | true;
  readonly output: Format;
}

type Once = (queue: AnyFleetQ, signal: AbortSignal) => Promise<void>;

/** Looks at an existing queue, once, or again and again. */
export function look(io: Io, flags: LookFlags, once: Once): Promise<void> {
  return withQueue(io, flags, 'existing', (queue, signal) => repeat(io, flags, signal, () => once(queue, signal)));
}

async function repeat(
  io: Io,
  { watch, output }: LookFlags,
  signal: AbortSignal,
  once: () => Promise<void>,
): Promise<void> {
  if (watch === undefined) return once();
  const intervalMs = watch === true ? 2_000 : watch;
  if (intervalMs < SHORTEST_MS)
    throw new UsageError(`--watch: expected at least ${SHORTEST_MS}ms, got ${intervalMs}ms`);
  const until = AbortSignal.any([signal, io.stdout.gone]);
  for (let isFirst = true; !until.aborted; isFirst = false) {
    await io.stdout.frame(once, !isFirst && output === 'table' ? '\n' : '');
    await sleep(intervalMs, undefined, { signal: until }).catch(() => undefined);
  }
  if (io.stdout.isTerminal) await io.stdout.line('');
}
