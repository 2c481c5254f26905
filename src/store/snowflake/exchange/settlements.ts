/**
 * Applies settlements, and finds out what became of each.
 *
 * Invariants:
 * - A receipt needs evidence. A row that has not come as far as its claim was read late and proves nothing. Neither does a row
 *   that still reads `claimed` after an UPDATE that should have settled it.
 * - Where a read proves nothing, the settlements are applied once more by an UPDATE that reads only its bind, and the rows of
 *   their steps are written unchanged. The session then sees the rows as they are, so no answer has to be waited for. A session
 *   that has begun meanwhile does not: what it reads proves nothing again.
 * - The archive is searched only for steps that the hot table certainly lacks. There, absence counts once late reads are over.
 * - Receipts are read on the session that wrote.
 */
import { show, StoreError } from '../../../errors.js';
import { fenceKey, type Fence, type PodRef, type Receipt, type Settlement } from '../../contract.js';
import { bindChunks, type BindChunk } from '../bind-chunks.js';
import type { LateReads } from '../late-read-wait.js';
import { refreshRows } from '../refresh-rows.js';
import { fenceOf, text } from '../rows.js';
import type { Row, SessionHandle, StatementRunner } from '../session/session-interface.js';
import type { ExchangeStatements } from './statements.js';

export interface SettlementsDependencies {
  readonly statements: Pick<ExchangeStatements, 'settle' | 'receipts' | 'archivedReceipts'>;
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
  readonly lateReads: LateReads;
}

/** A fence in a bind. */
interface BoundFence {
  readonly id: string;
  readonly token: string;
  readonly version: number;
}

/** What a read says of a settlement; see `receipt` in statements/receipts.ts. */
type ReceiptState = 'claimed' | 'mine' | 'cancelled' | 'lost' | 'late' | 'absent';

/** What reads say of settlements, by {@link fenceKey}. */
export type ReceiptStates = Map<string, ReceiptState>;

/** The most settlements of one statement. */
export const BATCH = 1_000;
/** How often settlements are applied again: as often as one batch may hold other settlements of the same step. */
const REPEATS = 3;

export class Settlements {
  readonly #statements: SettlementsDependencies['statements'];
  readonly #refresh: string;
  readonly #lateReads: LateReads;

  constructor({ statements, refresh, lateReads }: SettlementsDependencies) {
    this.#statements = statements;
    this.#refresh = refresh;
    this.#lateReads = lateReads;
  }

  /** Applies settlements alone, and serves no request of another pod. */
  async apply(session: StatementRunner, { incarnation }: PodRef, { json }: BindChunk<Settlement>): Promise<void> {
    const bind = `{"incarnation":${JSON.stringify(incarnation)},"settlements":${json}}`;
    await session.run(this.#statements.settle, bind);
  }

  /** What became of settlements, as one read shows it. */
  async states(
    session: StatementRunner,
    { incarnation }: PodRef,
    settlements: readonly Fence[],
    statement: 'receipts' | 'archivedReceipts' = 'receipts',
  ): Promise<ReceiptStates> {
    const bind = JSON.stringify({ incarnation, mine: settlements.map(boundFence) });
    return receiptStates(await session.run(this.#statements[statement], bind));
  }

  /** Applies settlements, and answers what became of each. @throws StoreError */
  async settle(session: SessionHandle, pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    const states: ReceiptStates = new Map();
    for (const chunk of settlementChunks(settlements)) {
      await this.apply(session, pod, chunk);
      collect(states, await this.states(session, pod, chunk.items));
    }
    return this.receipts(session, pod, settlements, states);
  }

  /**
   * The receipts of settlements that have been applied, from what was read of them so far.
   *
   * @throws StoreError `STORE_UNAVAILABLE` if a claim still stands after every repeat, or nothing was proved
   */
  async receipts(
    session: SessionHandle,
    pod: PodRef,
    settlements: readonly Settlement[],
    states: ReceiptStates,
  ): Promise<Receipt[]> {
    const inState = (...wanted: readonly ReceiptState[]) =>
      settlements.filter((one) => wanted.includes(stateOf(states, one)));
    for (let tries = 0, isFresh = false; ; tries++) {
      const open = isFresh ? inState('claimed') : inState('claimed', 'late', 'absent');
      if (open.length === 0) break;
      if (tries > REPEATS) throw notApplied(open.length);
      if (tries === REPEATS) await this.#lateReads.waitOut(); // their rows may have been deleted
      isFresh = await this.#applyAgain(session, pod, open, states);
    }
    const absent = inState('absent');
    if (absent.length > 0) await this.#searchArchive(session, pod, absent, states);
    return settlements.map((one) => RECEIPTS[stateOf(states, one)]);
  }

  /**
   * A claim that still stands after this is kept back by another settlement of its step.
   *
   * @returns whether the rows were read as they are
   */
  async #applyAgain(
    session: SessionHandle,
    pod: PodRef,
    open: readonly Settlement[],
    states: ReceiptStates,
  ): Promise<boolean> {
    const { logins } = session;
    for (const chunk of settlementChunks(open)) {
      await this.apply(session, pod, chunk);
      await refreshRows(session, this.#refresh, chunk.items);
      collect(states, await this.states(session, pod, chunk.items));
    }
    return session.logins === logins || !this.#lateReads.arePossible;
  }

  /** A step is archived long after it has ended, and the settlement of its last claim goes with it. */
  async #searchArchive(
    session: StatementRunner,
    pod: PodRef,
    absent: readonly Fence[],
    states: ReceiptStates,
  ): Promise<void> {
    const search = async () => collect(states, await this.states(session, pod, absent, 'archivedReceipts'));
    await search();
    const isUnclear = absent.some((one) => ['absent', 'late'].includes(stateOf(states, one)));
    if (!isUnclear || !this.#lateReads.arePossible) return;
    await this.#lateReads.waitOut();
    await search();
  }
}

/** What a state comes to once no read can be late any more: a claim that is nowhere to be found is lost. */
const RECEIPTS: Readonly<Record<ReceiptState, Receipt>> = {
  mine: 'settled',
  cancelled: 'cancelled',
  lost: 'lost',
  claimed: 'lost',
  late: 'lost',
  absent: 'lost',
};

function notApplied(count: number): StoreError {
  const message = `${count} settlements were applied ${REPEATS + 1} times, and no read shows what became of them; they will be sent again`;
  return new StoreError('STORE_UNAVAILABLE', message, true);
}

export function boundFence({ stepId, claimToken, version }: Fence): BoundFence {
  return { id: stepId, token: claimToken, version };
}

/** Settlements as binds, in as many chunks as they need. */
export function settlementChunks(settlements: readonly Settlement[]): Generator<BindChunk<Settlement>, undefined> {
  return bindChunks(settlements, boundSettlement, ({ stepId }) => `the outcome of step ${show(stepId)}`, BATCH);
}

/** A field that is NULL is left out, because JSON's null is a value of its own in Snowflake. */
function boundSettlement(one: Settlement): object {
  const { status, charge, crash, delayMs, result, error } = one;
  return {
    ...boundFence(one),
    status,
    charge,
    crash,
    ...(delayMs === null ? {} : { delayMs: Math.ceil(delayMs) }),
    ...(result === null ? {} : { result }),
    ...(error === null ? {} : { error }),
  };
}

/** From rows of {@link ExchangeStatements.receipts}. */
export function receiptStates(rows: readonly Row[]): ReceiptStates {
  return new Map(rows.map((row) => [fenceKey(fenceOf(row)), receiptState(text(row, 'STATE'))]));
}

/** A word that is not listed proves no settlement: the claim counts as lost. */
function receiptState(word: string): ReceiptState {
  return Object.hasOwn(RECEIPTS, word) ? (word as ReceiptState) : 'lost';
}

/** What a read says of a settlement; of one that it does not mention, that its step is not there. */
function stateOf(states: ReceiptStates, settlement: Fence): ReceiptState {
  return states.get(fenceKey(settlement)) ?? 'absent';
}

/** Whether a read says that a settlement has not been applied, or proves nothing. */
export function isOpen(states: ReceiptStates, settlement: Fence): boolean {
  return ['claimed', 'late', 'absent'].includes(stateOf(states, settlement));
}

export function collect(into: ReceiptStates, more: ReadonlyMap<string, ReceiptState>): void {
  for (const [key, state] of more) into.set(key, state);
}
