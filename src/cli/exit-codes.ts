/**
 * The exit codes of `fleet-q`, and which one an error leads to.
 *
 * Invariants: a code is never given another meaning. The help and `docs/command-line.md` show this table.
 */
import { FleetQError, StepNotFoundError, StoreError, ValidationError } from '../errors.js';

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The meaning of each exit code, in the order of the docs. */
export const EXIT_CODES: Readonly<Record<ExitCode, string>> = {
  0: 'Everything that was asked for is done.',
  1: 'An action failed, or doctor found a failure.',
  2: 'Wrong usage: an unknown verb or flag, or a value that is not valid.',
  3: 'A step does not exist. The other steps of the call were handled.',
  4: 'The store, or the pod, could not be reached or could not be opened.',
  130: 'Interrupted by SIGINT (Ctrl-C).',
  143: 'Terminated by SIGTERM.',
};

/** Of several results, the one that a caller must see first. */
const SEVERITY: readonly ExitCode[] = [EXIT.ok, EXIT.failed, EXIT.notFound, EXIT.usage, EXIT.unreachable];

export function worse(one: ExitCode, other: ExitCode): ExitCode {
  return SEVERITY.indexOf(one) >= SEVERITY.indexOf(other) ? one : other;
}

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || error instanceof ValidationError) return EXIT.usage;
  if (error instanceof Interrupted) return error.signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
  if (error instanceof StepNotFoundError) return EXIT.notFound;
  if (error instanceof StoreError || error instanceof UnreachableError) return EXIT.unreachable;
  if (error instanceof FleetQError && error.code === 'SUBMIT_INCOMPLETE') return EXIT.unreachable;
  return EXIT.failed;
}

/** A flag or an argument is wrong, or contradicts another. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An action was refused, or did not succeed. The message says why, on one line. */
export class FailedError extends Error {
  override readonly name = 'FailedError';
}

/** A pod does not answer. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

type EndingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** A signal asks the process to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly signal: EndingSignal;
  constructor(signal: EndingSignal) {
    super(`interrupted by ${signal}`);
    this.signal = signal;
  }
}
