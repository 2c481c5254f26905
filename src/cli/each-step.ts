/**
 * Applies an action to each of many steps.
 *
 * Invariants:
 * - A step that does not exist, or that refuses the action, is reported on stderr; the others are handled. The exit code
 *   is that of the worst result.
 * - If the store fails, no further step is handled.
 * - Results are written in the order of the ids.
 */
import { StepNotFoundError, ValidationError } from '../index.js';
import { exitCodeOf, FailedError, worse } from './exit-codes.js';
import { stepIds } from './input/step-ids.js';
import type { Io } from './io.js';
import type { Records } from './output/records.js';
import { describe } from './describe.js';

/** How many steps are handled at the same time. */
const AT_ONCE = 8;

export async function eachStep<R>(
  io: Io,
  given: readonly string[],
  records: Records<R>,
  work: (stepId: string) => Promise<R>,
): Promise<void> {
  for await (const ids of stepIds(io, given)) {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const outcomes = await Promise.allSettled(ids.slice(at, at + AT_ONCE).map(work));
      const results = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      if (results.length > 0) await records.write(results);
      for (const outcome of outcomes) if (outcome.status === 'rejected') await report(io, outcome.reason);
    }
  }
  await records.end();
}

async function report(io: Io, error: unknown): Promise<void> {
  const isOfOneStep =
    error instanceof StepNotFoundError || error instanceof ValidationError || error instanceof FailedError;
  if (!isOfOneStep) throw error;
  io.exitCode = worse(io.exitCode, exitCodeOf(error));
  await io.complain(describe(error));
}
