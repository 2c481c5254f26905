/** The rows of STEP_TRACKER as they are now, with the indexes that views read. */
import type { StepRow, WaitingStep } from '../tables.js';
import { understood } from '../values.js';
import { Touches } from './touches.js';
import { TypeOfWaiting, waitingStepOf } from './waiting.js';

const NONE: readonly StepRow[] = [];

export class StepTable {
  readonly #byRow = new Map<string, StepRow>();
  readonly #byId = new Map<string, readonly StepRow[]>();
  readonly #byToken = new Map<string, Set<StepRow>>();
  readonly #claimed = new Set<StepRow>();
  readonly #claimedBy = new Map<string, Set<StepRow>>();
  readonly #several = new Set<string>();
  readonly #waiting = new Map<string, WaitingStep>();
  readonly #types = new Map<string, TypeOfWaiting>();
  readonly touches = new Touches();
  #claimedCount = 0;

  get size(): number {
    return this.#byRow.size;
  }

  /** How many rows are claimed and valid. */
  get claimedCount(): number {
    return this.#claimedCount;
  }

  row(rowId: string): StepRow | undefined {
    return this.#byRow.get(rowId);
  }

  rows(): Iterable<StepRow> {
    return this.#byRow.values();
  }

  byId(stepId: string): readonly StepRow[] {
    return this.#byId.get(stepId) ?? NONE;
  }

  byToken(token: string): ReadonlySet<StepRow> | undefined {
    return this.#byToken.get(token);
  }

  claimed(): ReadonlySet<StepRow> {
    return this.#claimed;
  }

  claimedBy(incarnation: string): ReadonlySet<StepRow> | undefined {
    return this.#claimedBy.get(incarnation);
  }

  severalRows(): ReadonlySet<string> {
    return this.#several;
  }

  waiting(stepId: string): WaitingStep | undefined {
    return this.#waiting.get(stepId);
  }

  typeOfWaiting(type: string): TypeOfWaiting {
    let found = this.#types.get(type);
    if (found === undefined) this.#types.set(type, (found = new TypeOfWaiting()));
    return found;
  }

  /** Puts one row in the place of another; either may be absent. */
  replace(before: StepRow | undefined, after: StepRow | undefined): void {
    const stepId = (after ?? before)?.step_id;
    if (stepId === undefined || before === after) return;
    if (before !== undefined) this.#index(before, false);
    if (after !== undefined) this.#index(after, true);
    this.#replaceOfStep(stepId, before, after);
  }

  #index(row: StepRow, isThere: boolean): void {
    if (isThere) this.#byRow.set(row.row_id, row);
    else this.#byRow.delete(row.row_id);
    for (const token of tokensOf(row)) keep(this.#byToken, token, row, isThere);
    if (isThere) this.touches.add(row);
    else this.touches.delete(row);
    if (row.status !== 'claimed') return;
    if (isThere) this.#claimed.add(row);
    else this.#claimed.delete(row);
    if (row.claimed_incarnation !== null) keep(this.#claimedBy, row.claimed_incarnation, row, isThere);
    if (understood(row)) this.#claimedCount += isThere ? 1 : -1;
  }

  #replaceOfStep(stepId: string, before: StepRow | undefined, after: StepRow | undefined): void {
    const others = this.byId(stepId).filter((row) => row !== before);
    const rows = after === undefined ? others : [...others, after];
    if (rows.length === 0) this.#byId.delete(stepId);
    else this.#byId.set(stepId, rows);
    if (rows.length > 1) this.#several.add(stepId);
    else this.#several.delete(stepId);
    const [old, now] = [this.#waiting.get(stepId), waitingStepOf(rows)];
    if (old !== undefined) this.typeOfWaiting(old.its_type).delete(old);
    if (now === undefined) this.#waiting.delete(stepId);
    else {
      this.#waiting.set(stepId, now);
      this.typeOfWaiting(now.its_type).add(now);
    }
  }
}

/** The tokens under which a row is found. */
export function tokensOf({ claim_token, settled_token }: StepRow): readonly string[] {
  if (claim_token === null) return settled_token === null ? [] : [settled_token];
  return settled_token === null || settled_token === claim_token ? [claim_token] : [claim_token, settled_token];
}

function keep<K, V>(index: Map<K, Set<V>>, key: K, value: V, isThere: boolean): void {
  const set = index.get(key);
  if (isThere) {
    if (set === undefined) index.set(key, new Set([value]));
    else set.add(value);
  } else if (set?.delete(value) === true && set.size === 0) index.delete(key);
}
