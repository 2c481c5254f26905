/**
 * Calls a handler whose type has a schema or a `concurrency` limit.
 *
 * Invariants:
 * - The args are checked before the handler runs. Args that the schema rejects fail the step.
 * - If the claim was aborted, or its pod fell silent, while its args were checked or it waited for its `limit`, the handler does
 *   not run.
 */
import { types } from 'node:util';
import { FleetQError } from '../../errors.js';
import { runInContextCopy } from '../../runtime/async-context.js';
import { checkArgs, type Checked } from '../../step/definition.js';
import type { HeldClaim } from '../claims/held-claim.js';
import type { Context } from './context.js';

/** The schema of the step type rejects the args. Thrown instead of calling the handler. */
export class ArgsMismatch extends FleetQError {
  constructor(type: string, problem: string) {
    super('STEP_ARGS_MISMATCH', `args of ${type}: ${problem}`);
  }
}

/** @param mayProceed whether the pod may start a handler at this moment; see `SelfFence.mayProceed` */
export function callWithChecks(held: HeldClaim, args: unknown, context: Context, mayProceed: () => boolean): unknown {
  const call = (): unknown => runInContextCopy(() => checkThenCall(held, args, context, mayProceed));
  const { limit } = held.handler;
  return limit === undefined ? call() : limit(call);
}

function checkThenCall(held: HeldClaim, args: unknown, context: Context, mayProceed: () => boolean): unknown {
  const { schema } = held.handler.definition;
  const call = (checked: Checked): unknown => callChecked(held, checked, context, mayProceed);
  if (schema === undefined) return call({ ok: true, value: args });
  const checked = checkArgs(schema, args);
  return types.isPromise(checked) ? checked.then(call) : call(checked);
}

function callChecked(held: HeldClaim, checked: Checked, context: Context, mayProceed: () => boolean): unknown {
  // After a freeze this may run before the timer by which the pod finds itself silent.
  if (held.aborted === undefined && !mayProceed()) held.abort('fenced');
  if (held.aborted !== undefined) throw held.signal.reason;
  if (!checked.ok) throw new ArgsMismatch(held.claim.type, checked.problem);
  return held.handler.definition.run(checked.value, context);
}
