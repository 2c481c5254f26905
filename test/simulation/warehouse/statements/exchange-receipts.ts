/** `exchange.receipts` and `exchange.archivedReceipts`: what became of settlements. */
import type { StatementModel, StepRow, View } from '../tables.js';
import { elements, number, path, varchar } from '../values.js';
import { remembers } from './earlier-settlements.js';

export interface Receipt {
  readonly id: string | null;
  readonly guard: string | null;
  readonly seen: number | null;
  readonly state: string;
}

/** `receipt` of the texts, over the rows of one table. */
export function receiptsIn(bind: unknown, rowsOf: (stepId: string) => readonly StepRow[]): readonly Receipt[] {
  const me = varchar(path(bind, 'incarnation'));
  const receipts = new Map<string, Receipt>();
  for (const value of elements(path(bind, 'mine'))) {
    const fence = {
      id: varchar(path(value, 'id')),
      guard: varchar(path(value, 'token')),
      seen: number(path(value, 'version')),
    };
    const key = JSON.stringify(fence);
    if (receipts.has(key)) continue;
    receipts.set(key, { ...fence, state: stateOf(fence.id === null ? [] : rowsOf(fence.id), { ...fence, me }) });
  }
  return [...receipts.values()];
}

type Fence = Omit<Receipt, 'state'> & { readonly me: string | null };

function stateOf(rows: readonly StepRow[], { guard, seen, me }: Fence): string {
  if (rows.length === 0) return 'absent';
  const isSettled = (s: StepRow): boolean => equal(s.settled_token, guard) && equal(s.settled_version, seen);
  if (rows.some((s) => s.status === 'claimed' && equal(s.claim_token, guard) && equal(s.version, seen)))
    return 'claimed';
  if (rows.some((s) => isSettled(s) && equal(s.settled_by, me))) return 'mine';
  if (rows.some((s) => isSettled(s) && s.status === 'cancelled')) return 'cancelled';
  if (rows.some((s) => remembers(s, guard, seen, me))) return 'mine';
  return seen !== null && rows.every((s) => s.version > seen) ? 'lost' : 'late';
}

/** NULL equals nothing. */
const equal = (a: unknown, b: unknown): boolean => a !== null && a === b;

const asRows = (receipts: readonly Receipt[]) =>
  receipts.map(({ id, guard, seen, state }) => ({ ID: id, GUARD: guard, SEEN: seen, STATE: state }));

const from =
  (rowsOf: (view: View, stepId: string) => readonly StepRow[]): StatementModel =>
  (view, { bind }) => ({ rows: asRows(receiptsIn(bind, (stepId) => rowsOf(view, stepId))) });

export const receipts: StatementModel = from((view, stepId) => view.stepsById(stepId));
export const archivedReceipts: StatementModel = from((view, stepId) => view.archivedById(stepId));
