/**
 * Applies settlements, each under the fence of the claim that it ends.
 *
 * Invariants:
 * - The fence is compared in the UPDATE that settles, on the row itself.
 * - A row records its last settlement. A settlement that is sent again gets the receipt `settled` only if token, version and
 *   incarnation are all the same.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Receipt, Settlement } from '../../contract.js';
import type { SettledRow } from '../row-mapping.js';
import type { RowRepair } from './row-repair.js';
import { FINISH, FINISH_ALIKE, REQUEUE, SETTLED_BY } from './statements.js';

export class Settlements {
  readonly #repair: RowRepair;
  readonly #finish: Statement;
  readonly #finishAlike: Statement;
  readonly #requeue: Statement;
  readonly #settledBy: Statement<[string], SettledRow>;

  constructor(connection: Database, repair: RowRepair) {
    this.#repair = repair;
    this.#finish = connection.prepare(FINISH);
    this.#finishAlike = connection.prepare(FINISH_ALIKE);
    this.#requeue = connection.prepare(REQUEUE);
    this.#settledBy = connection.prepare<[string], SettledRow>(SETTLED_BY).raw();
  }

  /** Applies each in turn; call it within a transaction. @param by the incarnation that settles */
  apply(now: number, by: string, settlements: readonly Settlement[]): Receipt[] {
    const receipts: Receipt[] = [];
    for (let from = 0; from < settlements.length; from = receipts.length) {
      const alike = runOfAlike(settlements, from);
      const changes = this.#applied(now, by, alike);
      for (const one of alike) receipts.push(changes === alike.length ? 'settled' : this.#receipt(by, one));
    }
    return receipts;
  }

  /** The counts of a row that SQL wrote may overflow. That rolls back only the statement, which runs again after a repair. */
  #applied(now: number, by: string, alike: readonly Settlement[]): number {
    try {
      return this.#apply(now, by, alike);
    } catch (error) {
      if (this.#repair.of(alike.map(({ stepId }) => stepId)) === 0) throw error;
      return this.#apply(now, by, alike);
    }
  }

  /** @returns how many rows changed */
  #apply(now: number, by: string, alike: readonly Settlement[]): number {
    const [one] = alike;
    if (one === undefined) return 0;
    if (one.status === 'pending') return this.#giveBack(now, by, one).changes;
    const { status, charge, crash, result, error, stepId, claimToken, version } = one;
    const [finish, steps] =
      alike.length === 1
        ? [this.#finish, stepId]
        : [this.#finishAlike, JSON.stringify(alike.map((each) => each.stepId))];
    return finish.run(status, now, charge, crash, result, error, by, steps, claimToken, version).changes;
  }

  #giveBack(now: number, by: string, one: Settlement) {
    const { delayMs, charge, crash, result, error, stepId, claimToken, version } = one;
    const delay = delayMs ?? 0;
    const runAt = delayMs === null ? null : now + Math.ceil(delay);
    return this.#requeue.run(
      delay > 0 ? 1 : 0,
      crash,
      runAt,
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

/**
 * The settlements from `from` on that differ only in their step. One statement ends them all, at two thirds of the cost.
 * Mostly these are steps of one exchange whose handlers returned nothing.
 */
function runOfAlike(settlements: readonly Settlement[], from: number): readonly Settlement[] {
  const first = settlements[from];
  let end = from + 1;
  if (first !== undefined && first.status !== 'pending') {
    while (end < settlements.length && alike(first, settlements[end])) end++;
  }
  return settlements.slice(from, end);
}

function alike(one: Settlement, other: Settlement | undefined): boolean {
  return (
    one.claimToken === other?.claimToken &&
    one.version === other.version &&
    one.status === other.status &&
    one.charge === other.charge &&
    one.crash === other.crash &&
    one.result === other.result &&
    one.error === other.error
  );
}
