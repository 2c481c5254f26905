/**
 * The combiner: a pod's exchange with the fleet.
 *
 * Invariants:
 * - Two statements an exchange, whatever the batch: one UPDATE, which carries this pod's request inline and serves those
 *   that others have logged, and one look, which tells what became of it. Where nothing is handed in and nothing is known
 *   to be due, the look comes first, and no UPDATE follows that could match nothing. Settlements beyond one bind go ahead
 *   in UPDATEs of their own.
 * - A void claim is never shown. It is given back with the next exchange, and with each one after that until one has gone
 *   through.
 * - Claims that are read on another connection than the one that took them are looked at again, once their rows cannot be
 *   late: only then it is certain that they are not void. Where such a read shows none, the exchange fails as if its reply
 *   had been lost: they are to be read back.
 * - What reads as due, but was refused to an UPDATE that claimed nothing, is not said to be due: the pod pauses as an idle
 *   one does.
 */
import { createHash } from 'node:crypto';
import { StoreError } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import {
  fenceKey,
  type Claim,
  type ClaimRequest,
  type ExchangeReply,
  type ExchangeRequest,
  type Fence,
  type PodRef,
  type Receipt,
  type Settlement,
} from '../../contract.js';
import { MAX_BIND_BYTES, type BindChunk } from '../bind-chunks.js';
import { isRefused } from '../session/driver-error.js';
import { CandidateSkip } from './candidate-skip.js';
import {
  BATCH,
  boundFence,
  collect,
  settlementChunks,
  statesOf,
  type Settlements,
  type States,
} from './settlements.js';
import type { ExchangeStatements } from './statements.js';
import { MOST_TYPES_BYTES, TypeRotation } from './type-rotation.js';
import { claimOf, number, text } from '../rows.js';
import type { PodSequence } from '../pods/pod-sequence.js';
import type { Row, StatementRunner, SessionHandle } from '../session/session.js';
import { refreshRows } from '../refresh-rows.js';

export interface ExchangeParts {
  readonly statements: ExchangeStatements;
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
  readonly session: SessionHandle;
  readonly rest: StatementRunner;
  readonly runtime: Runtime;
  readonly settling: Settlements;
  readonly sequence: PodSequence;
  /** How late, at most, others' rows are read. */
  readonly staleReadMs: number;
}

/** Requests older than this are not served; it stays far below the time that terminal steps stay hot. */
export const REQUEST_WINDOW_MS = 60_000;

/** What a look tells. */
interface Seen {
  readonly claims: readonly Claim[];
  readonly voids: readonly Claim[];
  readonly states: ReadonlyMap<string, string>;
  readonly due: number;
  readonly nextMs: number | null;
}

export class Exchange {
  readonly #parts: ExchangeParts;
  /** Void claims, on their way back. */
  readonly #voids = new Map<string, Settlement>();
  readonly #rotation = new TypeRotation();
  /** The connection of the last UPDATE. */
  #wroteOn = -1;
  /** There is something to claim: no look is needed first. */
  #expectsWork = false;
  /** Where reads are never late, nobody is refused for long. */
  readonly #candidateSkip: CandidateSkip | undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    if (parts.staleReadMs > 0) this.#candidateSkip = new CandidateSkip(parts.runtime);
  }

  /** Steps were submitted here. */
  expectWork(): void {
    this.#expectsWork = true;
  }

  async run(request: ExchangeRequest): Promise<ExchangeReply> {
    const { session, settling } = this.#parts;
    const { pod, settlements, readBack } = request;
    // Only a claim takes a turn: an exchange without one serves no types.
    const turn = request.claim && this.#rotation.next(request.claim.types);
    const claim = request.claim && turn && { ...request.claim, types: turn.types };
    const token = claim?.token ?? readBack ?? null;
    const voids = [...this.#voids];
    const parts = settlementChunks([...settlements, ...voids.map(([, settlement]) => settlement)]);
    const wants = claim !== undefined && claim.free + claim.prefetch > 0 ? claim : undefined;
    let last = parts.next().value;
    if (last === undefined) {
      // Nothing to hand in: look first, unless something is known to be there.
      if (token === null) return this.#reply([], undefined);
      if (wants === undefined || !this.#expectsWork) {
        const seen = await this.#look(pod, token, claim, []);
        if (wants === undefined || seen.due === 0) return this.#reply([], seen, turn?.complete);
      }
    }
    const states: States = new Map();
    for (const next of parts) {
      if (last === undefined) break;
      await settling.apply(session, pod, last);
      collect(states, await settling.states(session, pod, last.items));
      last = next;
    }
    await this.#serve(pod, wants, last);
    const seen = await this.#look(pod, token, claim, last?.items ?? []);
    collect(states, seen.states);
    if (wants !== undefined) this.#sure(seen);
    const receipts = await settling.receipts(session, pod, settlements, states);
    for (const [key] of voids) if (states.get(key) !== 'claimed') this.#voids.delete(key);
    return this.#reply(receipts, seen, turn?.complete, wants && this.#isStarved(wants, seen));
  }

  /** Recovery's: directly, and for itself alone. */
  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    return this.#parts.settling.settle(this.#parts.rest, pod, settlements);
  }

  /** What is refused for good may be somebody else's row or request: then what is ours goes alone. */
  async #serve(pod: PodRef, claim: ClaimRequest | undefined, own: BindChunk<Settlement> | undefined): Promise<void> {
    const { session, settling } = this.#parts;
    const fits =
      own === undefined || Buffer.byteLength(own.json) + MOST_TYPES_BYTES < MAX_BIND_BYTES || claim === undefined;
    if (!fits) await settling.apply(session, pod, own);
    try {
      await this.#update(pod, claim, fits ? (own?.json ?? '[]') : '[]');
    } catch (error) {
      if (own === undefined || !isRefused(error)) throw error;
      await settling.apply(session, pod, own);
      this.#wroteOn = session.logins;
    }
  }

  async #update(pod: PodRef, claim: ClaimRequest | undefined, settlements: string): Promise<void> {
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
    const skip = (claim && this.#candidateSkip?.skipOf(claim)) ?? 0;
    const bind = `{"windowMs":${REQUEST_WINDOW_MS},"group":"${group}","skip":${skip},"own":${request}}`;
    await session.run(statements.exchange, bind);
    this.#wroteOn = session.logins;
  }

  async #look(
    pod: PodRef,
    token: string | null,
    claim: ClaimRequest | undefined,
    settled: readonly Fence[],
  ): Promise<Seen> {
    const { statements, session, refresh: statement } = this.#parts;
    const types = [...(claim?.types.keys() ?? [])];
    const mostCrashes = claim === undefined || claim.free === 0 ? 0 : claim.quarantine === 1 ? Number.MAX_SAFE_INTEGER : 1;
    const mine = settled.map(boundFence);
    const bind = JSON.stringify({
      incarnation: pod.incarnation,
      ...(token === null ? {} : { token }),
      types,
      mostCrashes,
      mine,
    });
    const look = async () =>
      this.#understood(await session.run(statements.look, bind), token ?? '', claim !== undefined);
    let seen = await look();
    // What is read back was taken by an earlier exchange, wherever this one has written.
    let takenOn = claim === undefined ? -1 : this.#wroteOn;
    while (seen.claims.length > 0 && takenOn !== session.logins) {
      await refreshRows(session, statement, seen.claims);
      takenOn = session.logins;
      seen = await look();
    }
    for (const fence of seen.voids) this.#voids.set(fenceKey(fence), givenBack(fence));
    return seen;
  }

  /** What the UPDATE took the look must show, unless it was late. @throws StoreError `STORE_UNAVAILABLE` */
  #sure({ claims, voids }: Seen): void {
    const { session, staleReadMs } = this.#parts;
    if (claims.length + voids.length > 0 || staleReadMs === 0 || this.#wroteOn === session.logins) return;
    const what = 'the session ended after an exchange, and the next one may not show yet what it claimed';
    throw new StoreError('STORE_UNAVAILABLE', what, true);
  }

  #understood(rows: readonly Row[], token: string, asked: boolean): Seen {
    const of = (kind: string) => rows.filter((row) => text(row, 'KIND') === kind);
    const claims = of('claim').sort((a, b) => number(a, 'RANK_NO') - number(b, 'RANK_NO'));
    const those = (state: string) =>
      claims.filter((row) => text(row, 'STATE') === state).map((row) => claimOf(row, token));
    const [work] = of('work');
    const due = number(work, 'SEEN');
    const nextMs =
      work?.['RANK_NO'] === null || work?.['RANK_NO'] === undefined ? null : Math.max(1, number(work, 'RANK_NO'));
    if (asked) this.#expectsWork = due > 0;
    return { claims: those('first'), voids: those('void'), states: statesOf(of('receipt')), due, nextMs };
  }

  /** Whether an UPDATE claimed nothing of what reads as due. */
  #isStarved(claim: ClaimRequest, { claims, voids, due }: Seen): boolean {
    return this.#candidateSkip?.learn(claim, claims.length + voids.length, due) ?? false;
  }

  /** @param complete whether all types had their turn, so that finding nothing means that there is nothing */
  #reply(receipts: readonly Receipt[], seen: Seen | undefined, complete = true, starved = false): ExchangeReply {
    return {
      receipts,
      claims: seen?.claims ?? [],
      nextDueInMs: seen === undefined ? null : (seen.due > 0 && !starved) || !complete ? 0 : seen.nextMs,
      pace: { waitMs: 0, batch: BATCH },
    };
  }
}

const GIVEN_BACK = { status: 'pending', delayMs: null, charge: 0, crash: 0, result: null, error: null } as const;

/** Gives a claim back, uncharged. */
export function givenBack({ stepId, claimToken, version }: Fence): Settlement {
  return { stepId, claimToken, version, ...GIVEN_BACK };
}

/** Pods that want the same types are of one group, whatever the order. */
function groupOf(types: readonly string[]): string {
  return createHash('sha1')
    .update(JSON.stringify([...types].sort()))
    .digest('hex');
}
