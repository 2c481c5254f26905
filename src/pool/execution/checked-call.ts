/**
 * Calls a handler whose type has a schema or a `concurrency` limit.
 *
 * Invariants:
 * - The args are checked before the handler runs. Args that the schema rejects fail the step.
 * - If the claim was aborted while its args were checked, the handler does not run.
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

export function callWithChecks(held: HeldClaim, args: unknown, context: Context): unknown {
  const call = (): unknown => runInContextCopy(() => checkThenCall(held, args, context));
  const { limit } = held.handler;
  return limit === undefined ? call() : limit(call);
}

function checkThenCall(held: HeldClaim, args: unknown, context: Context): unknown {
  const { schema } = held.handler.definition;
  if (schema === undefined) return callChecked(held, { ok: true, value: args }, context);
  const checked = checkArgs(schema, args);
  if (!types.isPromise(checked)) return callChecked(held, checked, context);
  return checked.then((late) => callChecked(held, late, context));
}

function callChecked(held: HeldClaim, checked: Checked, context: Context): unknown {
  if (held.aborted !== undefined) throw held.signal.reason;
  if (!checked.ok) throw new ArgsMismatch(held.claim.type, checked.problem);
  return held.handler.definition.run(checked.value, context);
}
