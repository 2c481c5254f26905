/**
 * Settlements: transitions applied under the fence of the claim that they end.
 *
 * Law: the fence stands on the target row. A row remembers what settled it, so that a repeat is told "yours" only where
 * token, version and incarnation are all the claim's.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Receipt, Settlement } from '../contract.js';
import type { StepStatus } from '../../step/step.js';
import { FINISH, REQUEUE, SETTLED_BY } from './statements.js';

type SettledRow = readonly [
  status: StepStatus,
  version: number,
  token: string | null,
  settledVersion: number | null,
  by: string | null,
];

export class Settlements {
  readonly #finish: Statement;
  readonly #requeue: Statement;
  readonly #settledBy: Statement<[string], SettledRow>;

  constructor(connection: Database) {
    this.#finish = connection.prepare(FINISH);
    this.#requeue = connection.prepare(REQUEUE);
    this.#settledBy = connection.prepare<[string], SettledRow>(SETTLED_BY).raw();
  }

  /** Applies each in turn; call it within a transaction. @param by the incarnation that settles */
  apply(now: number, by: string, settlements: readonly Settlement[]): Receipt[] {
    const receipts: Receipt[] = [];
    for (const one of settlements) {
      const { changes } = one.status === 'pending' ? this.#giveBack(now, by, one) : this.#end(now, by, one);
      receipts.push(changes === 1 ? 'settled' : this.#receipt(by, one));
    }
    return receipts;
  }

  #end(now: number, by: string, one: Settlement) {
    const { status, charge, crash, result, error, stepId, claimToken, version } = one;
    return this.#finish.run(status, now, charge, crash, result, error, by, stepId, claimToken, version);
  }

  #giveBack(now: number, by: string, one: Settlement) {
    const { delayMs, charge, crash, result, error, stepId, claimToken, version } = one;
    const delay = delayMs ?? 0;
    const runAt = delayMs === null ? null : now + Math.ceil(delay);
    return this.#requeue.run(
      delay > 0 ? 1 : 0,
      crash,
      runAt,
      now,
      charge,
      crash,
      result,
      error,
      by,
      stepId,
      claimToken,
      version,
    );
  }

  #receipt(by: string, { stepId, claimToken, version }: Settlement): Receipt {
    const row = this.#settledBy.get(stepId);
    if (row?.[2] !== claimToken || row[3] !== version) return 'lost';
    if (row[4] === by) return 'settled';
    return row[0] === 'cancelled' ? 'cancelled' : 'lost';
  }
}
