/** Defects in submitting, cancelling and retrying. */
import type { Mutant } from '../mutant.js';

const STEPS = 'src/store/sqlite/steps/statements.ts';

export const clientMutants: readonly Mutant[] = [
  {
    name: 'clients: a submission without a reply is repeated under another id',
    file: 'src/client/submitter.ts',
    find: 'return context.run(() => repeatUnanswered(runtime, closing, () => store.submit(steps)));',
    replace: `let tries = 0;
    const renamed = (): readonly NewStep[] => steps.map((step) => ({ ...step, stepId: runtime.uuid() }));
    return context.run(() => repeatUnanswered(runtime, closing, () => store.submit(tries++ === 0 ? steps : renamed())));`,
    world: 'sqlite',
    why: 'a step is made twice, and the id that the caller gets may be of none',
  },
  {
    name: 'clients: a submission is acknowledged although the store failed',
    file: 'src/client/submitter.ts',
    find: '        for (const { reject } of batch) reject(error);',
    replace: "        for (const { resolve } of batch) resolve('created');",
    world: 'sqlite',
    why: 'an acknowledged step is lost',
  },
  {
    name: 'clients: a step that is submitted again starts over',
    file: STEPS,
    find: 'VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;',
    replace:
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (step_id) DO UPDATE SET status = 'pending', due = 1, version = version + 1, claim_token = NULL`;",
    world: 'sqlite',
    why: 'an idempotency key, or a repeated call, runs a step again that has ended',
  },
  {
    name: 'clients: an idempotency key makes a new step each time',
    file: 'src/step/derived-step-id.ts',
    find: 'return uuid(KEYED, JSON.stringify([type, key]));',
    replace:
      'return uuid(KEYED, JSON.stringify([type, key, (made += 1)]));\n}\nlet made = 0;\nexport function madeIds(): number {\n  return made;',
    world: 'sqlite',
    why: 'two submitters make two steps',
  },
  {
    name: 'clients: a cancel has no guard',
    file: STEPS,
    find: "WHERE step_id = ? AND version = ? AND (status = 'pending' OR status = 'claimed')`;",
    replace: 'WHERE step_id = ? AND version >= ?`;',
    world: 'sqlite',
    why: 'a step that has completed becomes cancelled',
  },
  {
    name: 'clients: a retry has no guard',
    file: STEPS,
    find: "WHERE step_id = ? AND version = ? AND (status = 'failed' OR status = 'cancelled')`;",
    replace: 'WHERE step_id = ? AND version >= ?`;',
    world: 'sqlite',
    why: 'a retry that is sent again takes a step from its holder, or starts one anew that has completed',
  },
  {
    name: 'clients: a step that is retried is not due',
    file: STEPS,
    find: "SET status = 'pending', due = 1, version = version + 1, last_update_ts = ?, run_at = ?, run_at_wall = NULL, retry_count = 0, crashes = 0,",
    replace:
      "SET status = 'pending', due = 0, version = version + 1, last_update_ts = ?, run_at = ? + 86400000, run_at_wall = NULL, retry_count = 0, crashes = 0,",
    world: 'sqlite',
    why: 'a step that is retried waits for a day',
  },
];
