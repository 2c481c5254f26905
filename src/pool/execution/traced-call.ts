/**
 * Calls a handler whose run is traced.
 *
 * Invariants: the trace is of the claim. It ends with the claim, also if the handler still runs then.
 */
import { runInContextCopy } from '../../runtime/async-context.js';
import { carrierOf } from '../../step/carrier.js';
import { TracedRun } from '../../tracing/run-trace.js';
import type { HeldClaim } from '../claims/held-claim.js';
import { callWithChecks } from './checked-call.js';
import type { Context } from './context.js';

export function callTraced(held: HeldClaim, args: unknown, context: Context, mayProceed: () => boolean): unknown {
  const { podId, stepId, type, attempt, maxRetries, metadata } = context;
  const { waitMs, claim } = held;
  const started = { podId, stepId, type, attempt, maxRetries, waitMs, metadata, carrier: carrierOf(claim.payload) };
  const run = new TracedRun(started, () => call(held, args, context, mayProceed));
  held.traceWith(run);
  return runInContextCopy(() => run.start());
}

function call(held: HeldClaim, args: unknown, context: Context, mayProceed: () => boolean): unknown {
  const { limit, definition } = held.handler;
  if (limit === undefined && definition.schema === undefined) return definition.run(args, context);
  return callWithChecks(held, args, context, mayProceed);
}
