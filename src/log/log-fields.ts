/**
 * The fields of the library's log lines.
 *
 * Invariants:
 * - A key has one meaning and one type in every line. A number of milliseconds ends in `Ms`.
 * - `podId` is the pod that writes the line. Another pod is `peerId`.
 * - `docs/observability.md` describes each key. A test compares it with this file.
 */
import { asError } from '../errors.js';
import { readProperty } from '../input/safe-reads.js';

/** An error in a log line. */
export interface LoggedError {
  readonly name: string;
  readonly message: string;
  /** A code of this library, or that of the error which a handler threw. */
  readonly code?: string;
  /** Only in lines of the level `error`. */
  readonly stack?: string;
}

/** Every key of the library's own lines beside `time`, `level` and `message`. */
export interface LogFields {
  /** The part of the library that writes the line. */
  readonly part?: string;
  readonly podId?: string;
  readonly incarnation?: string;
  readonly event?: string;

  readonly stepId?: string;
  readonly type?: string;
  readonly attempt?: number;
  readonly durationMs?: number;
  readonly waitMs?: number;
  readonly delayMs?: number;
  readonly timeoutMs?: number;
  readonly latencyMs?: number | null;
  readonly intervalMs?: number;
  readonly sleptMs?: number;
  readonly nextDueInMs?: number | null;
  readonly reason?: string;
  readonly receipt?: string;
  readonly status?: string;
  readonly crashes?: number;
  readonly abortGraceMs?: number;
  readonly args?: unknown;
  readonly result?: unknown;
  readonly error?: LoggedError;

  readonly peerId?: string;
  readonly peerIncarnation?: string;
  readonly silentForMs?: number;
  readonly recoverable?: boolean;
  readonly wallAheadMs?: number;

  readonly cycleId?: string;
  readonly dryRun?: boolean;
  readonly deadPods?: number;
  readonly requeued?: number;
  readonly failed?: number;
  readonly cycles?: number;

  readonly method?: string;
  readonly route?: string;
  readonly operation?: string;
  readonly failures?: number;
  /** How much of `passedMs` the looks of a pod at its peers have lost to its stalls. */
  readonly lostMs?: number;
  /** The time over which `lostMs` was added up. */
  readonly passedMs?: number;
  readonly retryInMs?: number;
  readonly downMs?: number;
  readonly claimed?: number;
  readonly settled?: number;

  readonly version?: string;
  readonly slots?: number;
  readonly running?: number;
  readonly drainTimeoutMs?: number;
  readonly finished?: number;
  readonly released?: number;
  readonly strays?: number;
  readonly unsettled?: number;
  readonly listeners?: number;

  readonly path?: string;
  readonly hardLinks?: number;
  readonly stepIds?: readonly string[];
  readonly schemaFrom?: number;
  readonly schemaVersion?: number;
  readonly correctionMs?: number;
  readonly invalidSteps?: number;
  readonly invalidRequests?: number;
  readonly problem?: string;
}

/** Longer texts are cut: many collectors split a line at 16 KB. */
const MAX_MESSAGE = 2_048;
const MAX_STACK = 8_192;

/** A thrown value as the field `error`, without its stack. Never throws. */
export function loggedError(thrown: unknown): LoggedError {
  return errorField(asError(thrown));
}

/** A thrown value as the field `error` of a line of the level `error`: with its stack. Never throws. */
export function loggedErrorWithStack(thrown: unknown): LoggedError {
  const error = asError(thrown);
  return errorField(error, readText(error, 'stack'));
}

/** An error that is plain data already: the one that is recorded with a step. */
export function errorField(
  error: { readonly name: string; readonly message: string; readonly code?: unknown },
  stack?: string,
): LoggedError {
  const code = readText(error, 'code');
  return {
    name: readText(error, 'name') ?? 'Error',
    message: shortened(readText(error, 'message') ?? '', MAX_MESSAGE),
    ...(code === undefined ? {} : { code }),
    ...(stack === undefined ? {} : { stack: shortened(stack, MAX_STACK) }),
  };
}

function readText(error: object, key: 'name' | 'message' | 'code' | 'stack'): string | undefined {
  const value = readProperty(error, key);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function shortened(text: string, atMost: number): string {
  return text.length > atMost ? `${text.slice(0, atMost - 1)}…` : text;
}
