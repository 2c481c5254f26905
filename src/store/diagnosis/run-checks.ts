/**
 * Runs the checks of a diagnosis one after another.
 *
 * Invariants:
 * - It never rejects. A check that throws, or that does not end in time, becomes a warning, and the others still run.
 * - Each check has a time limit, and so have all of them together.
 * - No text leaves without `redact`.
 */
import { asError, FleetQError, StoreError } from '../../errors.js';
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import type { Finding } from '../contract.js';
import { adviceFor } from './advice.js';
import { failure, warning, type Check, type Observation } from './check.js';

export interface RunOptions {
  readonly runtime: Runtime;
  /** How long one check may take, in ms. */
  readonly timeoutMs: number;
  /** How long all of them may take, in ms. Those that are left are not made. */
  readonly totalMs: number;
  /** Removes secrets from a text. Default: the text stays as it is. */
  readonly redact?: (text: string) => string;
}

export async function runChecks<Context>(
  checks: readonly Check<Context>[],
  context: Context,
  options: RunOptions,
): Promise<Finding[]> {
  const { runtime, redact = (text: string): string => text } = options;
  const endsAt = runtime.monotonicMs() + options.totalMs;
  const findings: Finding[] = [];
  for (const check of checks) {
    const leftMs = endsAt - runtime.monotonicMs();
    const seen = leftMs > 0 ? await lookWithin(check, context, options, leftMs) : outOfTime(options.totalMs);
    if (seen === undefined) continue;
    const advice = seen.advice === null ? null : redact(seen.advice);
    findings.push({ check: check.check, level: seen.level, message: redact(seen.message), why: check.why, advice });
  }
  return findings;
}

async function lookWithin<Context>(
  { check, look }: Check<Context>,
  context: Context,
  { runtime, timeoutMs }: RunOptions,
  leftMs: number,
): Promise<Observation | undefined> {
  try {
    const limits = { timeoutMs: Math.min(timeoutMs, leftMs), what: `the check ${check}` };
    return await withTimeout(runtime, async () => look(context), limits);
  } catch (error) {
    return warning(`not checked: ${asError(error).message}`, adviceOf(error));
  }
}

function outOfTime(totalMs: number): Observation {
  const message = `not checked: the diagnosis took longer than ${totalMs} ms`;
  return warning(message, 'Run it again when the store answers faster.');
}

/** A failure that says what an error of the store means, and what to do. For a store that cannot be used at all. */
export function failureOf(error: unknown): Observation {
  const { message } = asError(error);
  const named = error instanceof FleetQError ? `${error.code}: ${message}` : message;
  return failure(named, adviceOf(error));
}

function adviceOf(error: unknown): string {
  return adviceFor(error instanceof StoreError ? error.code : undefined);
}
