/**
 * Applies settlements, and finds out what became of each.
 *
 * Invariants:
 * - A receipt is believed on evidence only. A row that has not come as far as its claim was read late and says nothing,
 *   and neither does one that still says `claimed` after an UPDATE that should have settled it.
 * - Where a read says nothing, the settlements are applied once more by an UPDATE that reads nothing but its bind, and the
 *   rows of their steps are written unchanged: then the session sees them as they are. So no answer is waited for.
 * - Only what the hot table is sure not to have is looked for in the archive, and there absence counts once others' rows
 *   cannot be unseen any more.
 * - It reads on the session that wrote.
 */
import { show, StoreError } from '../../../errors.js';
import { fenceKey, type Fence, type PodRef, type Receipt, type Settlement } from '../../contract.js';
import { bindChunks, type BindChunk } from '../bind-chunks.js';
import { fenceOf, text } from '../rows.js';
import type { Row, StatementRunner } from '../session/session.js';
import { refreshRows } from '../refresh-rows.js';
import type { ExchangeStatements } from './statements.js';

export interface SettlementsParts {
  readonly statements: Pick<ExchangeStatements, 'settle' | 'receipts' | 'archivedReceipts'>;
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
  readonly pause: (ms: number) => Promise<void>;
  /** How late, at most, others' rows are read. */
  readonly staleReadMs: number;
}

/** A fence as it travels. */
interface BoundFence {
  readonly id: string;
  readonly token: string;
  readonly version: number;
}

/** What reads say of settlements, by {@link fenceKey}. */
export type States = Map<string, string>;

/** Most settlements of one statement. */
export const BATCH = 1_000;
/** How often settlements are applied once more: as often as one batch may hold others of the same step. */
const AGAIN = 3;

export class Settlements {
  readonly #parts: SettlementsParts;

  constructor(parts: SettlementsParts) {
    this.#parts = parts;
  }

  /** Settlements alone: nobody else is served. */
  async apply(session: StatementRunner, { incarnation }: PodRef, { json }: BindChunk<Settlement>): Promise<void> {
    const bind = `{"incarnation":${JSON.stringify(incarnation)},"settlements":${json}}`;
    await session.run(this.#parts.statements.settle, bind);
  }

  /** What became of settlements, as it reads at once. */
  async states(
    session: StatementRunner,
    { incarnation }: PodRef,
    settlements: readonly Fence[],
    statement: 'receipts' | 'archivedReceipts' = 'receipts',
  ): Promise<ReadonlyMap<string, string>> {
    const bind = JSON.stringify({ incarnation, mine: settlements.map(boundFence) });
    return statesOf(await session.run(this.#parts.statements[statement], bind));
  }

  /** Applies settlements, and answers what became of each. @throws StoreError */
  async settle(session: StatementRunner, pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    const states: States = new Map();
    for (const part of settlementChunks(settlements)) {
      await this.apply(session, pod, part);
      collect(states, await this.states(session, pod, part.items));
    }
    return this.receipts(session, pod, settlements, states);
  }

  /** The receipts of settlements that were applied, from what was read of them. @throws StoreError */
  async receipts(
    session: StatementRunner,
    pod: PodRef,
    settlements: readonly Settlement[],
    states: States,
  ): Promise<Receipt[]> {
    const among = (unclear: readonly string[]) =>
      settlements.filter((one) => unclear.includes(states.get(fenceKey(one)) ?? 'absent'));
    for (let tries = 0; ; tries++) {
      const open = among(tries === 0 ? ['claimed', 'late', 'absent'] : ['claimed']);
      if (open.length === 0) break;
      if (tries > AGAIN) throw new StoreError('STORE_UNAVAILABLE', `${open.length} settlements were not applied`, true);
      if (tries === AGAIN) await this.#parts.pause(this.#parts.staleReadMs); // their rows may have been deleted
      await this.#makeSure(session, pod, open, states);
    }
    const absent = among(['absent']);
    if (absent.length > 0) await this.#searchArchive(session, pod, absent, states);
    return settlements.map((one) => RECEIPTS[states.get(fenceKey(one)) ?? 'absent'] ?? 'lost');
  }

  /** What still reads `claimed` then is kept back by another settlement of its step. */
  async #makeSure(session: StatementRunner, pod: PodRef, open: readonly Settlement[], states: States): Promise<void> {
    for (const part of settlementChunks(open)) {
      await this.apply(session, pod, part);
      await refreshRows(session, this.#parts.refresh, part.items);
      collect(states, await this.states(session, pod, part.items));
    }
  }

  /** Steps are archived long after they have ended, and their claims with them. */
  async #searchArchive(session: StatementRunner, pod: PodRef, absent: readonly Fence[], states: States): Promise<void> {
    const { pause, staleReadMs } = this.#parts;
    const look = async () => collect(states, await this.states(session, pod, absent, 'archivedReceipts'));
    await look();
    const unseen = absent.some((one) => ['absent', 'late'].includes(states.get(fenceKey(one)) ?? ''));
    if (!unseen || staleReadMs === 0) return;
    await pause(staleReadMs);
    await look();
  }
}

const RECEIPTS: Readonly<Record<string, Receipt>> = { mine: 'settled', cancelled: 'cancelled' };

export function boundFence({ stepId, claimToken, version }: Fence): BoundFence {
  return { id: stepId, token: claimToken, version };
}

/** Settlements as they travel, in as many parts as they need. */
export function settlementChunks(settlements: readonly Settlement[]): Generator<BindChunk<Settlement>, undefined> {
  return bindChunks(settlements, boundSettlement, ({ stepId }) => `what became of step ${show(stepId)}`, BATCH);
}

/** What is NULL is left out: JSON's null would be a value of its own. */
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

/** Of rows of {@link ExchangeStatements.receipts}. */
export function statesOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [fenceKey(fenceOf(row)), text(row, 'STATE')]));
}

export function collect(into: States, more: ReadonlyMap<string, string>): void {
  for (const [key, state] of more) into.set(key, state);
}
