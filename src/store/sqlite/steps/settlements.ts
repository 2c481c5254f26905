/**
 * Settlements: transitions applied under the fence of the claim that they end.
 *
 * Law: the fence stands on the target row. A row remembers what settled it, so that a repeat is told "yours" only where
 * token, version and incarnation are all the claim's.
 */
import type { Database, Statement } from 'better-sqlite3';
import type { Receipt, Settlement } from '../../contract.js';
import type { StepStatus } from '../../../step/step.js';
import type { RowRepair } from './row-repair.js';
import { FINISH, FINISH_ALIKE, REQUEUE, SETTLED_BY } from './statements.js';

type SettledRow = readonly [
  status: StepStatus,
  version: number,
  token: string | null,
  settledVersion: number | null,
  by: string | null,
];

export class Settlements {
  readonly #repairs: RowRepair;
  readonly #finish: Statement;
  readonly #finishAlike: Statement;
  readonly #requeue: Statement;
  readonly #settledBy: Statement<[string], SettledRow>;

  constructor(connection: Database, repairs: RowRepair) {
    this.#repairs = repairs;
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

  /** A row whose counts were written by hand may overflow; that undoes the statement alone. */
  #applied(now: number, by: string, alike: readonly Settlement[]): number {
    try {
      return this.#apply(now, by, alike);
    } catch (error) {
      if (this.#repairs.of(alike.map(({ stepId }) => stepId)) === 0) throw error;
      return this.#apply(now, by, alike);
    }
  }

  /** Answers how many rows changed. */
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
 * The settlements from `from` on that differ in nothing but their step: one statement ends them all, at two thirds of
 * the cost. Mostly those of one claim whose handlers returned nothing.
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
