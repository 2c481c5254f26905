/**
 * The combiner: a pod's exchange with the fleet.
 *
 * Law: two statements an exchange, whatever the batch: one UPDATE, which carries this pod's request inline and serves those
 * that others have logged, and one look, which tells what became of it. Where nothing is handed in and nothing is known
 * to be due, the look comes first, and no UPDATE follows that could match nothing. Settlements beyond one bind go ahead in
 * UPDATEs of their own. A void claim (its step has an earlier row) is given back with the next exchange, and never shown.
 */
import { createHash } from 'node:crypto';
import { show } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type {
  Claim,
  ClaimDemand,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  PodRef,
  Receipt,
  Settlement,
} from '../../contract.js';
import { StoreError } from '../../../errors.js';
import { MOST_BYTES, partsOf, type Part } from '../binds.js';
import { isRefused } from '../session/driver-error.js';
import type { ExchangeStatements } from './statements.js';
import { MOST_TYPES_BYTES, TypeTurns } from './type-turns.js';
import { claimOf, fenceOf, number, text } from '../rows.js';
import type { Sequence } from '../sequence.js';
import type { Row, Runner } from '../session/session.js';

export interface CombinerParts {
  readonly statements: ExchangeStatements;
  readonly session: Runner;
  readonly rest: Runner;
  readonly runtime: Runtime;
  readonly sequence: Sequence;
}

/** Requests older than this are not served; it stays far below the time that terminal steps stay hot. */
export const REQUEST_WINDOW_MS = 60_000;
/** Most steps of an exchange. */
const BATCH = 1_000;
/** How often an UPDATE is sent again for settlements that one step's second claim kept from being applied. */
const AGAIN = 3;

/** What a look tells. */
interface Seen {
  readonly claims: readonly Claim[];
  readonly states: ReadonlyMap<string, string>;
  readonly due: number;
  readonly nextMs: number | null;
}

export class Combiner {
  readonly #parts: CombinerParts;
  /** Void claims, on their way back. */
  readonly #voids = new Map<string, Settlement>();
  readonly #turns = new TypeTurns();
  /** There is something to claim: no look is needed first. */
  #expectsWork = false;

  constructor(parts: CombinerParts) {
    this.#parts = parts;
  }

  /** Steps were submitted here. */
  hope(): void {
    this.#expectsWork = true;
  }

  async exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    const { session } = this.#parts;
    const { pod, settlements, readBack } = request;
    // Only a claim takes a turn: an exchange without one serves no types.
    const turn = request.claim && this.#turns.next(request.claim.types);
    const claim = request.claim && turn && { ...request.claim, types: turn.types };
    const token = claim?.token ?? readBack ?? null;
    const parts = partsOf([...settlements, ...this.#returning()], boundSettlement, nameOf, BATCH);
    const wants = claim !== undefined && claim.free + claim.prefetch > 0 ? claim : undefined;
    let last = parts.next().value;
    if (last === undefined) {
      // Nothing to hand in: look first, unless something is known to be there.
      if (token === null) return this.#reply([], undefined);
      if (wants === undefined || !this.#expectsWork) {
        const seen = await this.#look(pod, token, claim, '[]');
        if (wants === undefined || seen.due === 0) return this.#reply([], seen, turn?.complete);
      }
    }
    const states = new Map<string, string>();
    for (const next of parts) {
      if (last === undefined) break;
      await this.#apply(session, pod, last);
      collect(states, await this.#receipts(session, pod, last.items));
      last = next;
    }
    await this.#serve(pod, wants, last);
    const seen = await this.#look(pod, token, claim, JSON.stringify((last?.items ?? []).map(boundFence)));
    collect(states, seen.states);
    return this.#reply(await this.#told(session, pod, settlements, states), seen, turn?.complete);
  }

  /** Recovery's: directly, and for itself alone. */
  async settle(pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    const { rest } = this.#parts;
    return this.#told(rest, pod, settlements, await this.#settle(rest, pod, settlements));
  }

  async #settle(session: Runner, pod: PodRef, settlements: readonly Settlement[]): Promise<Map<string, string>> {
    const states = new Map<string, string>();
    for (const part of partsOf(settlements, boundSettlement, nameOf, BATCH)) {
      await this.#apply(session, pod, part);
      collect(states, await this.#receipts(session, pod, part.items));
    }
    return states;
  }

  /** Settlements alone: nobody else is served. */
  async #apply(session: Runner, { incarnation }: PodRef, { json }: Part<Settlement>): Promise<void> {
    const bind = `{"incarnation":${JSON.stringify(incarnation)},"settlements":${json}}`;
    await session.run(this.#parts.statements.settle, bind);
  }

  /** What is refused for good may be somebody else's row or request: then what is ours goes alone. */
  async #serve(pod: PodRef, claim: ClaimDemand | undefined, own: Part<Settlement> | undefined): Promise<void> {
    const fits =
      own === undefined || Buffer.byteLength(own.json) + MOST_TYPES_BYTES < MOST_BYTES || claim === undefined;
    if (!fits) await this.#apply(this.#parts.session, pod, own);
    try {
      await this.#update(pod, claim, fits ? (own?.json ?? '[]') : '[]');
    } catch (error) {
      if (own === undefined || !isRefused(error)) throw error;
      await this.#apply(this.#parts.session, pod, own);
    }
  }

  #returning(): Settlement[] {
    const all = [...this.#voids.values()];
    this.#voids.clear(); // where this exchange fails, the heartbeat shows them
    return all;
  }

  async #update(pod: PodRef, claim: ClaimDemand | undefined, settlements: string): Promise<void> {
    const { statements, session, runtime, sequence } = this.#parts;
    const room = (claim?.free ?? 0) + (claim?.prefetch ?? 0);
    const types = [...(claim?.types ?? [])];
    const group = groupOf(types.map(([type]) => type));
    const own = JSON.stringify({
      token: claim?.token ?? runtime.uuid(),
      pod: pod.podId,
      incarnation: pod.incarnation,
      seq: sequence.next(),
      group,
      free: Math.min(claim?.free ?? 0, BATCH),
      prefetch: Math.min(claim?.prefetch ?? 0, Math.max(0, BATCH - (claim?.free ?? 0))),
      quarantine: claim?.quarantine ?? 0,
      limits: types.map(([type, most]) => ({ type, most: Math.min(most, room) })),
    });
    const request = `${own.slice(0, -1)},"settlements":${settlements}}`;
    const bind = `{"windowMs":${REQUEST_WINDOW_MS},"group":"${group}","own":${request}}`;
    await session.run(statements.exchange, bind);
  }

  async #look(pod: PodRef, token: string | null, claim: ClaimDemand | undefined, mine: string): Promise<Seen> {
    const { statements, session } = this.#parts;
    const types = [...(claim?.types.keys() ?? [])];
    const bears = claim === undefined || claim.free === 0 ? 0 : claim.quarantine === 1 ? Number.MAX_SAFE_INTEGER : 1;
    const head = JSON.stringify({ incarnation: pod.incarnation, ...(token === null ? {} : { token }), types, bears });
    const rows = await session.run(statements.look, `${head.slice(0, -1)},"mine":${mine}}`);
    return this.#understood(rows, token ?? '', claim !== undefined);
  }

  #understood(rows: readonly Row[], token: string, asked: boolean): Seen {
    const of = (kind: string) => rows.filter((row) => text(row, 'KIND') === kind);
    const claims = of('claim').sort((a, b) => number(a, 'RANK_NO') - number(b, 'RANK_NO'));
    for (const row of claims.filter((each) => text(each, 'STATE') === 'void')) {
      const fence = claimOf(row, token);
      this.#voids.set(keyOf(fence), { ...pick(fence), ...GIVEN_BACK });
    }
    const [work] = of('work');
    const due = number(work, 'SEEN');
    const nextMs =
      work?.['RANK_NO'] === null || work?.['RANK_NO'] === undefined ? null : Math.max(1, number(work, 'RANK_NO'));
    if (asked) this.#expectsWork = due > 0;
    return {
      claims: claims.filter((row) => text(row, 'STATE') === 'first').map((row) => claimOf(row, token)),
      states: statesOf(of('receipt')),
      due,
      nextMs,
    };
  }

  /** Asked of the session that wrote: what another one has just written, a session may not see yet. */
  async #receipts(
    session: Runner,
    pod: PodRef,
    settlements: readonly Fence[],
    statement: 'receipts' | 'archivedReceipts' = 'receipts',
  ): Promise<ReadonlyMap<string, string>> {
    const bind = JSON.stringify({ incarnation: pod.incarnation, mine: settlements.map(boundFence) });
    return statesOf(await session.run(this.#parts.statements[statement], bind));
  }

  /** What still stands claimed was kept back by another claim on a second row of its step: it is sent again. */
  async #told(
    session: Runner,
    pod: PodRef,
    settlements: readonly Settlement[],
    states: Map<string, string>,
  ): Promise<Receipt[]> {
    const those = (state: string) => settlements.filter((one) => states.get(keyOf(one)) === state);
    for (let tries = 0; those('claimed').length > 0; tries++) {
      const open = those('claimed');
      if (tries === AGAIN)
        throw new StoreError('STORE_UNAVAILABLE', `${open.length} settlements were not applied`, true);
      collect(states, await this.#settle(session, pod, open));
    }
    const absent = those('absent');
    if (absent.length > 0) collect(states, await this.#receipts(session, pod, absent, 'archivedReceipts'));
    return settlements.map((one) => RECEIPTS[states.get(keyOf(one)) ?? 'absent'] ?? 'lost');
  }

  /** @param complete whether all types had their turn, so that finding nothing means that there is nothing */
  #reply(receipts: readonly Receipt[], seen: Seen | undefined, complete = true): ExchangeReply {
    return {
      receipts,
      claims: seen?.claims ?? [],
      nextDueInMs: seen === undefined ? null : seen.due > 0 || !complete ? 0 : seen.nextMs,
      pace: { waitMs: 0, batch: BATCH },
    };
  }
}

const RECEIPTS: Readonly<Record<string, Receipt>> = {
  mine: 'settled',
  cancelled: 'cancelled',
  lost: 'lost',
  absent: 'lost',
};
const GIVEN_BACK = { status: 'pending', delayMs: null, charge: 0, crash: 0, result: null, error: null } as const;

const keyOf = ({ stepId, claimToken, version }: Fence): string => JSON.stringify([stepId, claimToken, version]);
const nameOf = ({ stepId }: Fence): string => `what became of step ${show(stepId)}`;
const boundFence = ({ stepId, claimToken, version }: Fence) => ({ id: stepId, token: claimToken, version });
const pick = ({ stepId, claimToken, version }: Fence): Fence => ({ stepId, claimToken, version });

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

function statesOf(rows: readonly Row[]): ReadonlyMap<string, string> {
  return new Map(rows.map((row) => [keyOf(fenceOf(row)), text(row, 'STATE')]));
}

function collect(into: Map<string, string>, more: ReadonlyMap<string, string>): void {
  for (const [key, state] of more) into.set(key, state);
}

/** Pods that want the same types are of one group, whatever the order. */
function groupOf(types: readonly string[]): string {
  return createHash('sha1')
    .update(JSON.stringify([...types].sort()))
    .digest('hex');
}
