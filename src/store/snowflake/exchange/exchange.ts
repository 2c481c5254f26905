/**
 * One pod's exchange with the store: hands in settlements, claims due steps, and reads what became of both.
 *
 * Invariants:
 * - An exchange is two statements, whatever the batch: one UPDATE, which carries this pod's request in its bind and serves the
 *   requests that other pods have logged, and one SELECT that reads the result. If nothing is handed in and nothing is known
 *   to be due, that SELECT comes first, and no UPDATE follows that could match nothing. Settlements beyond one bind go ahead
 *   in UPDATEs of their own.
 * - A void claim is never shown to the pool.
 * - Claims that are read on another connection than the one that took them are read again after their rows were refreshed:
 *   only then it is certain that they are not void. If such a read shows no claim, the exchange fails as if its reply had been
 *   lost, and the claims are read back.
 * - Steps that read as due, but were refused to an UPDATE that claimed nothing, are not reported as due. The pod then pauses
 *   like an idle one.
 */
import { StoreError } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type {
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  PodRef,
  Receipt,
  Settlement,
} from '../../contract.js';
import { MAX_BIND_BYTES, type BindChunk } from '../bind-chunks.js';
import type { LateReads } from '../late-read-wait.js';
import type { SignOfLifeSequence } from '../pods/sign-of-life-sequence.js';
import { refreshRows } from '../refresh-rows.js';
import { isRefused } from '../session/driver-error.js';
import type { SessionHandle, StatementRunner } from '../session/session-interface.js';
import { CandidateSkip } from './candidate-skip.js';
import { claimsAndReceipts, type ClaimsAndReceipts } from './claims-and-receipts.js';
import { requestBind } from './request-bind.js';
import { BATCH, boundFence, collect, settlementChunks, type ReceiptStates, type Settlements } from './settlements.js';
import type { ExchangeStatements } from './statements.js';
import { MOST_TYPES_BYTES, TypeSelector } from './type-selection.js';
import { DuplicateRowClaims } from './duplicate-row-claims.js';

export interface ExchangeDependencies {
  readonly statements: ExchangeStatements;
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
  /** The session of the pool's exchange. */
  readonly session: SessionHandle;
  /** The session of recovery's settlements. */
  readonly rest: StatementRunner;
  readonly runtime: Pick<Runtime, 'uuid' | 'random'>;
  readonly settlements: Settlements;
  readonly sequence: SignOfLifeSequence;
  readonly lateReads: LateReads;
}

export class Exchange {
  readonly #statements: ExchangeStatements;
  readonly #refresh: string;
  readonly #session: SessionHandle;
  readonly #rest: StatementRunner;
  readonly #runtime: Pick<Runtime, 'uuid' | 'random'>;
  readonly #settlements: Settlements;
  readonly #sequence: SignOfLifeSequence;
  readonly #lateReads: LateReads;
  readonly #voids = new DuplicateRowClaims();
  readonly #typeSelector = new TypeSelector();
  /** Without late reads, no UPDATE is refused steps that still read as due. */
  readonly #candidateSkip: CandidateSkip | undefined;
  /** The connection of the last UPDATE. */
  #wroteOn: number | undefined;
  /** Steps are known to be due, so no SELECT is needed before the UPDATE. */
  #expectsWork = false;

  constructor(dependencies: ExchangeDependencies) {
    this.#statements = dependencies.statements;
    this.#refresh = dependencies.refresh;
    this.#session = dependencies.session;
    this.#rest = dependencies.rest;
    this.#runtime = dependencies.runtime;
    this.#settlements = dependencies.settlements;
    this.#sequence = dependencies.sequence;
    this.#lateReads = dependencies.lateReads;
    if (this.#lateReads.arePossible) this.#candidateSkip = new CandidateSkip(this.#runtime);
  }

  /** Steps were submitted in this process: the next exchange sends its UPDATE at once. */
  expectWork(): void {
    this.#expectsWork = true;
  }

  async run({ pod, settlements, claim, readBack }: ExchangeRequest): Promise<ExchangeReply> {
    // Only a claim takes a turn of the types: an exchange without one serves no types.
    const turn = claim && this.#typeSelector.next(claim.types);
    const claiming = claim && turn && { ...claim, types: turn.types };
    const token = claiming?.token ?? readBack ?? null;
    const wanted = claiming !== undefined && claiming.free + claiming.prefetch > 0 ? claiming : undefined;
    const voids = this.#voids.returning();
    const chunks = settlementChunks([...settlements, ...voids.map(([, settlement]) => settlement)]);
    const first = chunks.next().value;
    if (first === undefined) {
      // Nothing to hand in: read first, unless work is known to be there.
      if (token === null) return replyOf([], undefined);
      if (wanted === undefined || !this.#expectsWork) {
        const seen = await this.#readClaims(pod, token, claiming, []);
        if (wanted === undefined || seen.due === 0) return replyOf([], seen, turn?.complete);
      }
    }
    const states: ReceiptStates = new Map();
    const last = await this.#applyAllButLast(pod, first, chunks, states);
    await this.#serve(pod, wanted, last);
    const seen = await this.#readClaims(pod, token, claiming, last?.items ?? []);
    collect(states, seen.states);
    if (wanted !== undefined) this.#refuseUnseenClaims(seen);
    const receipts = await this.#settlements.receipts(this.#session, pod, settlements, states);
    this.#voids.returned(voids, states);
    return replyOf(receipts, seen, turn?.complete, wanted && this.#isStarved(wanted, seen));
  }

  /** Recovery's settlements: alone, and on a session of their own. */
  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    return this.#settlements.settle(this.#rest, pod, settlements);
  }

  /** Applies all chunks but the last, which travels with the exchange and is answered here. */
  async #applyAllButLast(
    pod: PodRef,
    first: BindChunk<Settlement> | undefined,
    chunks: Iterable<BindChunk<Settlement>>,
    states: ReceiptStates,
  ): Promise<BindChunk<Settlement> | undefined> {
    let last = first;
    for (const next of chunks) {
      if (last === undefined) break;
      await this.#settlements.apply(this.#session, pod, last);
      collect(states, await this.#settlements.states(this.#session, pod, last.items));
      last = next;
    }
    return last;
  }

  /** If the UPDATE is refused permanently, the culprit may be another pod's row or request: then our settlements go alone. */
  async #serve(pod: PodRef, claim: ClaimRequest | undefined, own: BindChunk<Settlement> | undefined): Promise<void> {
    const fits =
      own === undefined || Buffer.byteLength(own.json) + MOST_TYPES_BYTES < MAX_BIND_BYTES || claim === undefined;
    if (!fits) await this.#settlements.apply(this.#session, pod, own);
    try {
      await this.#update(pod, claim, fits ? (own?.json ?? '[]') : '[]');
    } catch (error) {
      if (own === undefined || !isRefused(error)) throw error;
      await this.#settlements.apply(this.#session, pod, own);
      this.#wroteOn = this.#session.logins;
    }
  }

  async #update(pod: PodRef, claim: ClaimRequest | undefined, settlements: string): Promise<void> {
    const skip = (claim && this.#candidateSkip?.skipOf(claim)) ?? 0;
    const token = claim?.token ?? this.#runtime.uuid();
    const bind = requestBind({ pod, claim, token, seq: this.#sequence.next(), skip, settlements });
    await this.#session.run(this.#statements.exchange, bind);
    this.#wroteOn = this.#session.logins;
  }

  async #readClaims(
    pod: PodRef,
    token: string | null,
    claim: ClaimRequest | undefined,
    settled: readonly Fence[],
  ): Promise<ClaimsAndReceipts> {
    const bind = readBind(pod, token, claim, settled);
    let seen = await this.#readOnce(bind, token, claim);
    // Claims that are read back were taken by an earlier exchange, wherever this one has written.
    let takenOn = claim === undefined ? undefined : this.#wroteOn;
    while (seen.claims.length > 0 && takenOn !== this.#session.logins) {
      await refreshRows(this.#session, this.#refresh, seen.claims);
      takenOn = this.#session.logins;
      seen = await this.#readOnce(bind, token, claim);
    }
    this.#voids.add(seen.voids);
    return seen;
  }

  async #readOnce(bind: string, token: string | null, claim: ClaimRequest | undefined): Promise<ClaimsAndReceipts> {
    const seen = claimsAndReceipts(await this.#session.run(this.#statements.claimsAndReceipts, bind), token ?? '');
    if (claim !== undefined) this.#expectsWork = seen.due > 0;
    return seen;
  }

  /** The SELECT must show what the UPDATE claimed, unless it was late. @throws StoreError `STORE_UNAVAILABLE` */
  #refuseUnseenClaims({ claims, voids }: ClaimsAndReceipts): void {
    const isSure = !this.#lateReads.arePossible || this.#wroteOn === this.#session.logins;
    if (isSure || claims.length + voids.length > 0) return;
    const message =
      'the session ended after an exchange, and the new session may not show yet what was claimed; it is read back later';
    throw new StoreError('STORE_UNAVAILABLE', message, true);
  }

  /** Whether an UPDATE claimed nothing of what reads as due. */
  #isStarved(claim: ClaimRequest, { claims, voids, due }: ClaimsAndReceipts): boolean {
    return this.#candidateSkip?.learn(claim, claims.length + voids.length, due) ?? false;
  }
}

function readBind(
  { incarnation }: PodRef,
  token: string | null,
  claim: ClaimRequest | undefined,
  settled: readonly Fence[],
): string {
  const mostCrashes =
    claim === undefined || claim.free === 0 ? 0 : claim.quarantine === 1 ? Number.MAX_SAFE_INTEGER : 1;
  return JSON.stringify({
    incarnation,
    ...(token === null ? {} : { token }),
    types: [...(claim?.types.keys() ?? [])],
    mostCrashes,
    mine: settled.map(boundFence),
  });
}

/** @param complete whether all types had their turn, so that finding nothing means that there is nothing */
function replyOf(
  receipts: readonly Receipt[],
  seen: ClaimsAndReceipts | undefined,
  complete = true,
  starved = false,
): ExchangeReply {
  return {
    receipts,
    claims: seen?.claims ?? [],
    nextDueInMs: seen === undefined ? null : (seen.due > 0 && !starved) || !complete ? 0 : seen.nextMs,
    pace: { waitMs: 0, batch: BATCH },
  };
}
