/**
 * Stops queues when the process gets a signal. A library must not handle the signals of a process unasked, so this happens
 * only for the queues that the host passes.
 *
 * Invariants:
 * - The process ends only after every queue that waits for the signal has stopped, or has failed to.
 * - While queues stop, no handler of ours is installed: a second signal, of any kind, has its default effect at once.
 * - Queues that wait for another signal are registered again as soon as it is certain that the process continues.
 * - Copies of this package in one process (a bundle beside an installed one) share one registry, found by a global symbol.
 *   The registry holds plain functions, so that it works across versions.
 */
import { constants } from 'node:os';
import process from 'node:process';
import type { AnyFleetQ } from './queue-interface.js';
import { asError, show, ValidationError } from './errors.js';
import { systemRuntime } from './runtime/runtime.js';
import { checkFields, expecting, type FieldCheck, type FieldChecks } from './input/field-checks.js';

export interface StopOnSignalsOptions {
  /** Default SIGTERM (what Kubernetes sends) and SIGINT (Ctrl-C). */
  readonly signals?: readonly NodeJS.Signals[];
  /**
   * Called instead of ending the process, once every queue that stops on this signal has stopped. A promise that it
   * returns is awaited. Default: the signal is sent to the process again, now with its default effect, so that the parent
   * process sees how it ended. If another queue has no `onStopped`, the signal is sent after this `onStopped` has ended.
   */
  readonly onStopped?: (signal: NodeJS.Signals) => unknown;
}

/** A queue that stops on signals. */
interface Entry {
  readonly signals: readonly NodeJS.Signals[];
  readonly stop: () => Promise<unknown>;
  readonly onStopped: ((signal: NodeJS.Signals) => unknown) | undefined;
}

interface Registry {
  readonly entries: Set<Entry>;
  readonly listeners: Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>;
  /** Queues that wait for a signal other than the one received. They are added again if the process continues. */
  readonly aside: Set<Entry>;
  /** The stop in progress. A queue that is registered meanwhile joins it. */
  stopping: { readonly signal: NodeJS.Signals; readonly join: (entry: Entry) => void } | undefined;
}

const REGISTRY = Symbol.for('fleet-q.stopOnSignals.1');

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  return (holder[REGISTRY] ??= { entries: new Set(), listeners: new Map(), aside: new Set(), stopping: undefined });
}

const signalNames: FieldCheck = (value, field, code) => {
  expecting('an array of signals', (given) => Array.isArray(given) && given.length > 0)(value, field, code);
  for (const [i, signal] of (value as unknown[]).entries()) signalName(signal, `${field}[${i}]`, code);
};
const signalName = expecting(
  'a signal that a process can handle',
  (value) =>
    typeof value === 'string' && Object.hasOwn(constants.signals, value) && !['SIGKILL', 'SIGSTOP'].includes(value),
);

const OPTIONS: FieldChecks = {
  signals: signalNames,
  onStopped: expecting('a function', (value) => typeof value === 'function'),
};

/**
 * Stops the queue at the first signal. A second signal has its default effect at once. Any number of queues may be
 * registered: all stop at the same time, and the process ends when all have stopped. A queue that is registered while the
 * others stop is stopped too. If each queue that stopped has an `onStopped`, the process continues, and queues that wait for
 * other signals keep waiting.
 *
 * If the host handles the same signal itself, its handlers get the signal again when it is sent the second time, and the
 * process ends only if they end it. In this case pass `onStopped`, or call `queue.stop()` from your own handler instead.
 *
 * @returns a function that removes the handlers. A stop that has begun continues
 * @throws ValidationError `OPTION_INVALID`
 * @example stopOnSignals(queue);
 */
export function stopOnSignals(queue: Pick<AnyFleetQ, 'stop'>, options: StopOnSignalsOptions = {}): () => void {
  if (typeof (queue as { stop?: unknown } | undefined)?.stop !== 'function') {
    throw new ValidationError('OPTION_INVALID', 'queue', `expected a queue, got ${show(queue)}`);
  }
  checkFields(options, OPTIONS, 'OPTION_INVALID', 'options');
  const { signals = ['SIGTERM', 'SIGINT'], onStopped } = options;
  const entry: Entry = { signals, stop: () => queue.stop(), onStopped };
  const { stopping } = registry();
  if (stopping !== undefined && signals.includes(stopping.signal)) stopping.join(entry);
  else add(entry);
  return () => {
    registry().aside.delete(entry);
    remove(entry);
  };
}

function add(entry: Entry): void {
  const { entries, listeners } = registry();
  entries.add(entry);
  for (const signal of entry.signals) {
    if (listeners.has(signal)) continue;
    const listener = (): void => void stopAll(signal);
    listeners.set(signal, listener);
    process.on(signal, listener);
  }
}

function remove(entry: Entry): void {
  const { entries, listeners } = registry();
  entries.delete(entry);
  const wanted = new Set([...entries].flatMap(({ signals }) => signals));
  for (const [signal, listener] of listeners) {
    if (wanted.has(signal)) continue;
    process.off(signal, listener);
    listeners.delete(signal);
  }
}

/** Stops every queue that is registered for the signal, then calls each `onStopped`, or ends the process. */
async function stopAll(signal: NodeJS.Signals): Promise<void> {
  const { entries, aside } = registry();
  const stopped: Entry[] = [];
  const underWay: Promise<void>[] = [];
  const join = (entry: Entry): void => {
    stopped.push(entry);
    underWay.push(stop(entry));
  };
  registry().stopping = { signal, join };
  const all = [...entries];
  for (const entry of all) remove(entry); // those of other signals too, so that nothing delays a second signal
  for (const entry of all) {
    if (entry.signals.includes(signal)) join(entry);
    else aside.add(entry);
  }
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) await next;
  registry().stopping = undefined;
  await end(signal, stopped);
}

/** Stops a queue. If that fails, the other queues and the process still end. */
async function stop({ stop: stopQueue }: Entry): Promise<void> {
  try {
    await stopQueue();
  } catch (error) {
    process.emitWarning(`fleet-q: a queue failed to stop: ${asError(error).message}`);
  }
}

/** Adds the queues that wait for other signals again. If a stop is in progress, its end does this. */
function restore(): void {
  const { aside, stopping } = registry();
  if (stopping !== undefined) return;
  for (const entry of aside) add(entry);
  aside.clear();
}

async function end(signal: NodeJS.Signals, stopped: readonly Entry[]): Promise<void> {
  const callbacks = stopped.flatMap(({ onStopped }) => onStopped ?? []);
  const livesOn = callbacks.length === stopped.length;
  if (livesOn) restore(); // before `onStopped`, which may take long while the other queues run
  const ends = await Promise.allSettled(callbacks.map(async (onStopped) => onStopped(signal)));
  for (const one of ends) if (one.status === 'rejected') void Promise.reject(one.reason as Error); // the host's own fault
  await systemRuntime.yield(); // warnings and rejections are printed first
  if (livesOn) return;
  process.kill(process.pid, signal);
  restore(); // a handler of the host's own may have kept the process alive
}
