/** Decodes what a look has seen from the rows of `exchange.look`. */
import type { FreshClaim } from '../../contract.js';
import type { Place } from '../combining/turn.js';
import { claimOf, number, text } from '../rows.js';
import type { Row } from '../session/session-interface.js';
import { receiptStates, type ReceiptStates } from './settlements.js';

export interface Seen {
  /** Claims to run, in the order of claims. */
  readonly claims: readonly FreshClaim[];
  readonly voids: readonly FreshClaim[];
  readonly states: ReceiptStates;
  /** How many steps the pod could claim now, and how many of them are overdue. */
  readonly due: number;
  readonly overdue: number;
  /** When the next step falls due, in ms; null if none waits. */
  readonly nextMs: number | null;
  /** Where the request stands that was asked for. */
  readonly place: Place;
  /** How many open requests are older. */
  readonly older: number;
  /** How many pods have logged a request within the last minute, and the lower quartile of their slot times. */
  readonly asked: number;
  readonly slotMs: number | null;
  /** How long ago another pod has exchanged; null if never. */
  readonly otherMs: number | null;
  /** How many of the expected steps show. */
  readonly shown: number;
  /** How many rows the table of steps has, and how many of them are claimed. */
  readonly rows: number;
  readonly claimed: number;
}

export function seenIn(rows: readonly Row[]): Seen {
  const ofKind = (kind: string) => rows.filter((row) => text(row, 'KIND') === kind);
  const claims = ofKind('claim').sort((a, b) => number(a, 'RANK_NO') - number(b, 'RANK_NO'));
  const inState = (state: string) =>
    claims.filter((row) => text(row, 'STATE') === state).map((row) => claimOf(row, text(row, 'GUARD')));
  const facts = new Map(ofKind('fact').map((row) => [text(row, 'ID'), row['SEEN'] ?? null]));
  const orNull = (name: string) => {
    const value = facts.get(name) ?? null;
    return value === null ? null : Number(value);
  };
  const fact = (name: string) => orNull(name) ?? 0;
  const nextMs = orNull('nextMs');
  return {
    claims: inState('first'),
    voids: inState('void'),
    states: receiptStates(ofKind('receipt')),
    due: fact('due'),
    overdue: fact('overdue'),
    nextMs: nextMs === null ? null : Math.max(1, nextMs),
    place: placeOf(fact('isLogged') > 0, fact('isOpen') > 0, fact('older')),
    older: fact('older'),
    asked: fact('asked'),
    slotMs: orNull('slotMs'),
    otherMs: orNull('otherMs'),
    shown: fact('shown'),
    rows: fact('rows'),
    claimed: fact('claimed'),
  };
}

function placeOf(isLogged: boolean, isOpen: boolean, older: number): Place {
  if (!isLogged) return 'absent';
  if (!isOpen) return 'served';
  return older === 0 ? 'head' : 'behind';
}
