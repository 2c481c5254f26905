/** Defects in what becomes of a claim: its outcome, its receipt, its events. */
import type { Mutant } from '../mutant.js';

const SETTLEMENTS = 'src/store/sqlite/steps/settlements.ts';
const DECISION = 'src/step/decide-transition.ts';

export const settlementMutants: readonly Mutant[] = [
  {
    name: 'settlement: no fence',
    file: 'src/store/sqlite/steps/statements.ts',
    find: "const HELD = `claim_token = ? AND version = ? AND status = 'claimed'`;",
    replace: "const HELD = `(claim_token = ? OR version <> ? OR status = 'claimed')`;",
    world: 'sqlite',
    why: 'a pod that was evicted while it was frozen settles a step that another holds, or that has ended',
  },
  {
    name: 'settlement: no version in the fence',
    file: 'src/store/sqlite/steps/statements.ts',
    find: "const HELD = `claim_token = ? AND version = ? AND status = 'claimed'`;",
    replace: "const HELD = `claim_token = ? AND version >= ? AND status = 'claimed'`;",
    world: 'sqlite',
    why: 'an exchange that is applied twice claims a step again under its old token, and an old settlement ends that claim',
  },
  {
    name: 'settlement: a retry is charged at release',
    file: DECISION,
    find: 'delayMs: outcome.delayMs === 0 ? null : outcome.delayMs,\n        charge: 0,',
    replace: 'delayMs: outcome.delayMs === 0 ? null : outcome.delayMs,\n        charge: 1,',
    world: 'sqlite',
    why: 'a deployment costs the steps their retries',
  },
  {
    name: 'settlement: a crash is charged as a retry',
    file: DECISION,
    find: "return { status: 'pending', delayMs: null, charge: 0, crash: 1, result: null, error: null };",
    replace: "return { status: 'pending', delayMs: null, charge: 1, crash: 0, result: null, error: null };",
    world: 'sqlite',
    why: 'the death of a pod costs its steps their retries, and a step that kills its pods is never found',
  },
  {
    name: 'settlement: one retry too many',
    file: DECISION,
    find: 'if (claim.retryCount >= claim.maxRetries) return ended(error);',
    replace: 'if (claim.retryCount > claim.maxRetries) return ended(error);',
    world: 'sqlite',
    why: 'a step runs more often than its submitter allowed',
  },
  {
    name: 'settlement: a step that kills its pods never fails',
    file: DECISION,
    find: 'if (isSuspect(claim) && claim.crashes + 1 > rules.maxCrashes)',
    replace: 'if (isSuspect(claim) && claim.crashes + 1 > 100 * rules.maxCrashes)',
    world: 'sqlite',
    why: 'it kills one pod after the other',
  },
  {
    name: 'settlement: an orphan of a pod that left is charged with a crash',
    file: 'src/fleet/decide-orphans.ts',
    find: "if (orphan.reason !== 'evicted') return",
    replace: "if (orphan.reason === 'unknown') return",
    world: 'sqlite',
    why: 'a deployment makes suspects of the steps that it meets',
  },
  {
    name: 'settlement: an event before its receipt',
    file: 'src/pool/exchange/exchange-channel.ts',
    find: '    let settled: Settled | undefined;\n    let failure: unknown;',
    replace: `    let settled: Settled | undefined;
    let failure: unknown;
    for (const [i, entry] of batch.entries()) {
      const own = settlements[i];
      if (own !== undefined && isEnded(entry)) settler.announce(entry, own, 'settled');
    }`,
    world: 'sqlite',
    why: 'a host hears of an end that the store then refuses',
  },
  {
    name: 'settlement: a lost claim is announced as settled',
    file: 'src/settlement/announcer.ts',
    find: "if (receipt === 'lost') return this.#lost(ended, settlement);",
    replace: "if (receipt === 'lost' && this.#deps.podId === '') return this.#lost(ended, settlement);",
    world: 'sqlite',
    why: 'two pods announce the end of one step',
  },
  {
    name: 'settlement: what recovery settled is answered "yours" to the old holder',
    file: SETTLEMENTS,
    find: "if (row[4] === by) return 'settled';\n    return row[0] === 'cancelled' ? 'cancelled' : 'lost';",
    replace: "if (row[4] === by || row[0] !== 'cancelled') return 'settled';\n    return 'cancelled';",
    world: 'sqlite',
    why: 'the old holder announces an end of a step that runs again',
  },
  {
    name: 'settlement: a cancel is answered "yours"',
    file: SETTLEMENTS,
    find: "if (row[4] === by) return 'settled';\n    return row[0] === 'cancelled' ? 'cancelled' : 'lost';",
    replace: "return row[4] === by || row[0] === 'cancelled' ? 'settled' : 'lost';",
    world: 'sqlite',
    why: 'a cancelled step is announced as completed',
  },
  {
    name: 'settlement: an outcome is dropped with the reply of its exchange',
    file: 'src/pool/claims/outbox.ts',
    find: 'this.#waiting = [...this.#sending, ...this.#waiting];',
    replace: 'this.#waiting = [...this.#waiting];',
    world: 'sqlite',
    why: 'a step that has run runs once more, or its end is never announced',
  },
];
