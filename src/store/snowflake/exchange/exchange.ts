/**
 * One pod's exchange with the store: hands in settlements, claims due steps, and reads what became of both.
 *
 * Invariants:
 * - An exchange moves a whole batch. Directly it is two statements: one UPDATE, which carries this pod's request in its bind and
 *   serves the requests that other pods have logged, and one look. Through the log it is one INSERT and a few looks; one pod's UPDATE
 *   serves all. Which of the two, how often, and which idle pods ask at all is decided in the folder `combining`.
 * - If nothing is handed in and nothing is known to be due, a look comes first, and no UPDATE follows that could match nothing.
 *   Settlements beyond one bind go ahead in UPDATEs of their own.
 * - A void claim is never shown to the pool, and no claim is shown twice, unless its token is read back.
 * - A claim that shows was taken by an UPDATE that has written all rows of its step. So it shows whether it is void, whichever
 *   session took it. Claims that are read back after an exchange without an answer are read again after their rows were
 *   refreshed. If a look on a new connection shows no claim after an UPDATE, the exchange fails as if its reply had been lost, and the
 *   claims are read back.
 * - Steps that read as due, but were refused to an UPDATE that claimed nothing, are not reported as due. The pod then pauses
 *   like an idle one.
 */
import { StoreError } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type {
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  PacingReport,
  PodRef,
  Receipt,
  Settlement,
} from '../../contract.js';
import { MAX_BIND_BYTES, type BindChunk } from '../bind-chunks.js';
import type { Pacer } from '../combining/pacer.js';
import type { RecentTokens } from '../combining/recent-tokens.js';
import { mustLook } from '../combining/asking.js';
import type { LateReads } from '../late-read-wait.js';
import type { SignOfLifeSequence } from '../pods/sign-of-life-sequence.js';
import { refreshRows } from '../refresh-rows.js';
import type { SessionHandle } from '../session/session-interface.js';
import { CandidateSkip } from './candidate-skip.js';
import { DuplicateRowClaims } from './duplicate-row-claims.js';
import type { ExpectedSteps } from './expected-steps.js';
import type { LoggedExchange } from './logged-exchange.js';
import type { Looks } from './looks.js';
import { REQUEST_WINDOW_MS } from './request-bind.js';
import type { Seen } from './seen.js';
import type { OwnRequest, ServingUpdate } from './serving-update.js';
import { BATCH, collect, settlementChunks, type ReceiptStates, type Settlements } from './settlements.js';
import { MOST_TYPES_BYTES, TypeSelector } from './type-selection.js';

export interface ExchangeDependencies {
  /** {@link StepStatements.refresh} */
  readonly refresh: string;
  /** The session of the pool's exchange. It sends busy statements again. */
  readonly session: SessionHandle;
  /** The session of recovery's settlements. */
  readonly rest: SessionHandle;
  readonly runtime: Pick<Runtime, 'uuid' | 'random' | 'monotonicMs'>;
  readonly settlements: Settlements;
  readonly sequence: SignOfLifeSequence;
  readonly lateReads: LateReads;
  readonly pacer: Pacer;
  readonly tokens: RecentTokens;
  readonly expected: ExpectedSteps;
  readonly looks: Looks;
  readonly update: ServingUpdate;
  readonly logged: LoggedExchange;
  /** Measures a statement that needs no warehouse. */
  readonly measureClient: () => Promise<void>;
}

/** The interval between two exchanges is spread by this share, up and down. */
const SPREAD = 0.1;

export class Exchange {
  readonly #deps: ExchangeDependencies;
  readonly #voids = new DuplicateRowClaims();
  readonly #typeSelector = new TypeSelector();
  /** Without late reads, no UPDATE is refused steps that still read as due. */
  readonly #candidateSkip: CandidateSkip | undefined;
  /** Steps were submitted in this process since the last look. */
  #submitted = false;
  /** The last look has shown work for this pod. */
  #sawWork = false;
  /** When the last exchange began that was more than a look. */
  #exchangedAt = -Infinity;
  /** When the last request was answered that this pod has logged. */
  #loggedAt = -Infinity;

  constructor(deps: ExchangeDependencies) {
    this.#deps = deps;
    if (deps.lateReads.arePossible) this.#candidateSkip = new CandidateSkip(deps.runtime);
  }

  /** How the exchanges are paced, for people. */
  get pacing(): PacingReport {
    return this.#deps.pacer.report(this.#now());
  }

  /** A step was submitted in this process, or has become pending again: the next exchange asks at once. */
  expectWork(stepId: string): void {
    this.#submitted = true;
    this.#deps.expected.add(stepId, this.#now());
  }

  async run({ pod, settlements, claim, readBack }: ExchangeRequest): Promise<ExchangeReply> {
    // Only a claim takes a turn of the types: an exchange without one serves no types.
    const turn = claim && this.#typeSelector.next(claim.types);
    const asked = claim && turn && { ...claim, types: turn.types };
    const complete = turn?.complete ?? true;
    const voids = this.#voids.returning();
    const chunks = settlementChunks([...settlements, ...voids.map(([, settlement]) => settlement)]);
    const first = chunks.next().value;
    if (readBack !== undefined) this.#deps.tokens.use(readBack, this.#now());
    if (first === undefined) {
      if (asked === undefined && readBack === undefined) return this.#reply({ receipts: [] });
      if (asked === undefined || !this.#knowsWork(asked)) {
        const seen = await this.#look(pod, asked, readBack);
        if (asked === undefined || !this.#mayAsk(asked, seen)) {
          this.#sawWork = false; // what is left to others is not asked for at the next exchange, without another draw
          return this.#reply({ receipts: [], seen, complete, asked, readBack });
        }
      }
    }
    this.#exchangedAt = this.#now();
    const states: ReceiptStates = new Map();
    const last = await this.#applyAllButLast(pod, first, chunks, states);
    const { seen, served } = await this.#exchange(pod, asked, last, readBack);
    collect(states, seen.states);
    const wanted = asked !== undefined && wants(asked) ? asked : undefined;
    if (served && wanted !== undefined) this.#refuseUnseenClaims(wanted, seen);
    const receipts = await this.#deps.settlements.receipts(this.#deps.session, pod, settlements, states);
    this.#voids.returned(voids, states);
    this.#deps.tokens.had(settlements, this.#now());
    const starved = served && wanted !== undefined && this.#isStarved(wanted, seen);
    return this.#reply({ receipts, seen, complete, starved, asked, readBack });
  }

  /** Recovery's settlements: alone, and on a session of their own. */
  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    return this.#deps.settlements.settle(this.#deps.rest, pod, settlements);
  }

  /** Whether a pod that hands in nothing may ask without a look. */
  #knowsWork(claim: ClaimRequest): boolean {
    if (!wants(claim)) return false;
    return this.#submitted || (this.#sawWork && !mustLook(this.#deps.pacer.readAgeMs(this.#now())));
  }

  /** Whether a pod that hands in nothing asks for what it sees. */
  #mayAsk(claim: ClaimRequest, { overdue }: Seen): boolean {
    const { pacer, runtime } = this.#deps;
    return wants(claim) && pacer.asks(overdue, claim.free, runtime.random());
  }

  /** Sends the request, directly or through the log. @returns the look after it, and whether this pod's own UPDATE served it */
  async #exchange(
    pod: PodRef,
    claim: ClaimRequest | undefined,
    last: BindChunk<Settlement> | undefined,
    readBack: string | undefined,
  ): Promise<{ readonly seen: Seen; readonly served: boolean }> {
    const { pacer, logged, update, session } = this.#deps;
    const request = await this.#request(pod, claim !== undefined && wants(claim) ? claim : undefined, last);
    // What is read back must be refreshed, so that exchange goes directly.
    if (readBack === undefined && pacer.path(this.#now()) === 'log') {
      if (!pacer.knowsClient(this.#now())) await this.#deps.measureClient();
      let answer;
      try {
        answer = await logged.run(request, claim);
      } finally {
        this.#loggedAt = this.#now();
      }
      this.#saw(claim, answer.seen);
      return answer;
    }
    await update.run(request, session);
    return { seen: await this.#look(pod, claim, readBack, request.settled), served: true };
  }

  /** If the last settlements leave no room for the types, they go ahead. */
  async #request(
    pod: PodRef,
    claim: ClaimRequest | undefined,
    last: BindChunk<Settlement> | undefined,
  ): Promise<OwnRequest> {
    const { runtime, sequence, settlements, session, tokens } = this.#deps;
    const fits =
      last === undefined || claim === undefined || Buffer.byteLength(last.json) + MOST_TYPES_BYTES < MAX_BIND_BYTES;
    if (!fits) await settlements.apply(session, pod, last);
    const token = claim?.token ?? runtime.uuid();
    if (claim !== undefined) tokens.use(token, this.#now());
    const skip = (claim && this.#candidateSkip?.skipOf(claim)) ?? 0;
    const own = fits ? last : undefined;
    const seq = sequence.next();
    return { pod, claim, token, seq, skip, settlements: own?.json ?? '[]', own, settled: last?.items ?? [] };
  }

  /** Applies all chunks but the last, which travels with the exchange and is answered there. */
  async #applyAllButLast(
    pod: PodRef,
    first: BindChunk<Settlement> | undefined,
    chunks: Iterable<BindChunk<Settlement>>,
    states: ReceiptStates,
  ): Promise<BindChunk<Settlement> | undefined> {
    const { settlements, session } = this.#deps;
    if (first === undefined) return undefined;
    let last = first;
    for (const next of chunks) {
      await settlements.apply(session, pod, last);
      collect(states, await settlements.states(session, pod, last.items));
      last = next;
    }
    return last;
  }

  async #look(
    pod: PodRef,
    claim: ClaimRequest | undefined,
    readBack: string | undefined,
    settled: readonly Settlement[] = [],
  ): Promise<Seen> {
    const { looks, session, refresh } = this.#deps;
    let seen = await looks.look({ pod, claim, settled });
    const back = seen.claims.filter(({ claimToken }) => claimToken === readBack);
    if (back.length > 0) {
      await refreshRows(session, refresh, back);
      seen = await looks.look({ pod, claim, settled });
    }
    this.#saw(claim, seen, readBack);
    return seen;
  }

  #saw(claim: ClaimRequest | undefined, { voids, overdue }: Seen, readBack?: string): void {
    const { tokens } = this.#deps;
    const fresh = tokens.fresh(voids, readBack);
    this.#voids.add(fresh);
    tokens.had(fresh, this.#now());
    if (claim === undefined) return;
    this.#submitted = false;
    this.#sawWork = overdue > 0;
  }

  /** The look must show what the UPDATE claimed, unless it was late. @throws StoreError `STORE_UNAVAILABLE` */
  #refuseUnseenClaims(claim: ClaimRequest, seen: Seen): void {
    const { lateReads, update, session } = this.#deps;
    const isSure = !lateReads.arePossible || update.wroteOn === session.logins;
    if (isSure || claimedUnder(claim, seen) > 0) return;
    const message =
      'the session ended after an exchange, and the new session may not show yet what was claimed; it is read back later';
    throw new StoreError('STORE_UNAVAILABLE', message, true);
  }

  /** Whether an UPDATE claimed nothing of what reads as due. */
  #isStarved(claim: ClaimRequest, seen: Seen): boolean {
    return this.#candidateSkip?.learn(claim, claimedUnder(claim, seen), seen.due) ?? false;
  }

  #reply({ receipts, seen, complete = true, starved = false, asked, readBack }: Outcome): ExchangeReply {
    const { tokens, pacer, runtime, expected } = this.#deps;
    const now = this.#now();
    // A pool that neither claims nor reads back expects none: what shows now is left for its next claim.
    const claims = (asked ?? readBack) === undefined ? [] : tokens.fresh(seen?.claims ?? [], readBack);
    tokens.had(claims, now);
    // Until its last request has left the log's window, another pod could still hand out a step to it: never while it sleeps.
    const isInLog = now - this.#loggedAt <= REQUEST_WINDOW_MS;
    const sawNothing = asked !== undefined && complete && seen?.claimed === 0 && seen.due === 0;
    const isQuiet = sawNothing && expected.empty && !isInLog;
    return {
      receipts,
      claims,
      nextDueInMs: seen === undefined ? null : (seen.due > 0 && !starved) || !complete ? 0 : seen.nextMs,
      ...(isQuiet && { quiet: { census: String(seen.rows) } }),
      pace: pacer.paceAfter(this.#exchangedAt, now, BATCH, 1 + SPREAD * (2 * runtime.random() - 1)),
    };
  }

  #now(): number {
    return this.#deps.runtime.monotonicMs();
  }
}

interface Outcome {
  readonly receipts: readonly Receipt[];
  readonly seen?: Seen;
  /** Whether all types had their turn, so that finding nothing means that there is nothing. */
  readonly complete?: boolean;
  readonly starved?: boolean;
  /** What the pod could claim. */
  readonly asked?: ClaimRequest | undefined;
  /** The token whose claims are read back. */
  readonly readBack?: string | undefined;
}

function wants({ free, prefetch }: ClaimRequest): boolean {
  return free + prefetch > 0;
}

/** How many claims a look shows under the token of this request. */
function claimedUnder({ token }: ClaimRequest, { claims, voids }: Seen): number {
  return [...claims, ...voids].filter(({ claimToken }) => claimToken === token).length;
}
