/**
 * One recovery cycle: finds dead pods and their orphans, decides, requeues or fails.
 *
 * Invariants:
 * - It evicts first, because silence alone makes no orphan. It looks for orphans among all claims, not only among those of
 *   pods that died just now.
 * - The settler of the pool decides here too. Every settlement carries the fence of the claim that it ends, so a second
 *   leader at the same work does no harm.
 * - Before each write it checks whether it may go on.
 * - An orphan is settled once in a cycle, also where a late read shows it again: its receipt would be reported twice.
 */
import { asError, StoppedError } from '../errors.js';
import type { Events } from '../events.js';
import type { Runtime } from '../runtime/runtime.js';
import { serializeError } from '../step/serialized-error.js';
import { claimTokenOf } from '../step/crash-suspect.js';
import {
  fenceKey,
  type Claim,
  type Orphan,
  type PodRef,
  type Settlement,
  type StepRecord,
  type Store,
} from '../store/contract.js';
import type { Settler } from '../settlement/settler.js';
import type { Leadership } from './elector.js';
import type { DeadPod, PeerWatch } from './peer-watch.js';
import { decided, type DecidedOrphan } from './orphan-outcomes.js';
import { recoveryRecord, summaryOf, type Decision, type RecoveryRecord } from './recovery-record.js';

export interface RecoveryCycleParts {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'evict' | 'orphans' | 'settle' | 'list'>;
  readonly settler: Settler;
  readonly looks: PeerWatch;
  readonly events: Events;
  /** The incarnation that settles. */
  readonly pod: PodRef;
  readonly leadership: Leadership;
  readonly dryRun: boolean;
  /** What was sent in an earlier cycle and not answered. */
  readonly unanswered: readonly DecidedOrphan[];
}

/** Orphans in one page: what a store settles in about two milliseconds. */
const PAGE = 250;
/** Orphans in the widest page: more than a store settles within the time that reads are late. */
const WIDEST_PAGE = 16 * PAGE;

export class RecoveryCycle {
  readonly #parts: RecoveryCycleParts;
  readonly #cycleId: string;
  readonly #startedAt: number;
  readonly #startedMs: number;
  readonly #decisions: Decision[] = [];
  #deadPods: readonly PodRef[] = [];
  #told = false;
  #error: Error | undefined;
  #unanswered: readonly DecidedOrphan[] = [];

  constructor(parts: RecoveryCycleParts) {
    this.#parts = parts;
    this.#cycleId = parts.runtime.uuid();
    this.#startedAt = parts.runtime.wallMs();
    this.#startedMs = parts.runtime.monotonicMs();
  }

  /** Whether it found anything to do, or failed: only then there is something to tell. */
  get told(): boolean {
    return this.#told;
  }

  /** Why it broke off, if it did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** What was sent and not answered: send it again, or its receipts are never known. */
  get unanswered(): readonly DecidedOrphan[] {
    return this.#unanswered;
  }

  /** Never rejects: what went wrong is in {@link RecoveryCycle.error}, and what was done until then in the record. */
  async run(): Promise<RecoveryRecord> {
    const { runtime, dryRun, pod } = this.#parts;
    try {
      await (dryRun ? this.#foresee() : this.#recover());
    } catch (error) {
      this.#error = asError(error);
      if (!(error instanceof StoppedError)) this.#begin();
    }
    return recoveryRecord({
      cycleId: this.#cycleId,
      dryRun,
      podId: pod.podId,
      startedAt: this.#startedAt,
      durationMs: runtime.monotonicMs() - this.#startedMs,
      deadPods: this.#deadPods,
      decisions: this.#decisions,
      error: this.#error === undefined ? undefined : serializeError(this.#error),
    });
  }

  /** Tells what it did. */
  tell(record: RecoveryRecord): void {
    this.#parts.events.emitLazily('recovery:completed', () =>
      structuredClone({ ...summaryOf(record), error: record.error }),
    );
  }

  async #recover(): Promise<void> {
    const { runtime, leadership, looks } = this.#parts;
    await this.#evict(looks.dead());
    const seen = new Set<string>();
    let page = this.#parts.unanswered.length > 0 ? fresh(this.#parts.unanswered, seen) : await this.#next(seen);
    while (page.length > 0 && leadership.isLeader) {
      await this.#settle(page);
      await runtime.yield();
      page = await this.#next(seen);
    }
  }

  /** The next orphans. Where a late read fills the page with those that were settled, it looks past them. */
  async #next(seen: Set<string>): Promise<readonly DecidedOrphan[]> {
    const { store, leadership } = this.#parts;
    for (let limit = PAGE; ; limit *= 2) {
      const orphans = await store.orphans({ limit });
      const page = fresh(decided(orphans), seen);
      if (page.length > 0 || orphans.length < limit || limit >= WIDEST_PAGE || !leadership.isLeader) return page;
    }
  }

  async #evict(dead: readonly DeadPod[]): Promise<void> {
    const { store, looks, events, leadership } = this.#parts;
    if (dead.length === 0 || !leadership.isLeader) return;
    this.#begin();
    const evicted = new Set((await store.evict(dead.map(({ pod }) => pod))).map(({ incarnation }) => incarnation));
    const gone = dead.filter(({ pod }) => evicted.has(pod.incarnation));
    this.#deadPods = gone.map(({ pod }) => pod);
    looks.bury(this.#deadPods);
    for (const { pod, silentForMs, reason } of gone) events.emit('pod:dead', { ...pod, silentForMs, reason });
  }

  async #settle(page: readonly DecidedOrphan[]): Promise<void> {
    const { store, settler, pod } = this.#parts;
    this.#begin();
    const wanted = page.map(({ orphan, outcome }) => settler.settlement(orphan, outcome));
    this.#unanswered = page;
    const { settlements, receipts } = await settler.send(wanted, (batch) => store.settle(pod, batch));
    this.#unanswered = [];
    page.forEach(({ orphan, outcome }, index) => {
      const settlement = settlements[index];
      if (settlement === undefined) return;
      const receipt = receipts[index] ?? 'lost';
      this.#decide(orphan, receipt === 'settled' ? settlement : undefined);
      // Of what somebody else has settled, somebody else has told.
      if (receipt !== 'settled') return;
      settler.announce({ claim: orphan, outcome, durationMs: 0, podId: orphan.holder.podId }, settlement, receipt);
    });
  }

  /** What a cycle would do: the orphans that there are, and the claims of pods that it would evict. */
  async #foresee(): Promise<void> {
    const { store, looks } = this.#parts;
    const dead = looks.dead().map(({ pod }) => pod);
    this.#deadPods = dead;
    if (dead.length > 0) this.#begin();
    this.#foretell(await store.orphans({ limit: PAGE }));
    for (const pod of dead) {
      const claims: Orphan[] = [];
      for await (const claim of this.#claimsOf(pod)) claims.push({ ...claim, holder: pod, reason: 'evicted' });
      this.#foretell(claims);
    }
  }

  #foretell(orphans: readonly Orphan[]): void {
    if (orphans.length > 0) this.#begin();
    for (const { orphan, outcome } of decided(orphans)) {
      this.#decide(orphan, this.#parts.settler.settlement(orphan, outcome));
    }
  }

  async *#claimsOf(pod: PodRef): AsyncGenerator<Claim> {
    let after: string | null | undefined;
    while (after !== null) {
      const filter = { statuses: ['claimed'], claimedBy: pod.podId, order: 'oldest', limit: PAGE } as const;
      const { steps, next } = await this.#parts.store.list(after === undefined ? filter : { ...filter, after });
      for (const step of steps) if (step.claimedIncarnation === pod.incarnation) yield claimOf(step);
      after = next;
    }
  }

  #begin(): void {
    if (this.#told) return;
    this.#told = true;
    this.#parts.events.emit('recovery:started', { cycleId: this.#cycleId, dryRun: this.#parts.dryRun });
  }

  #decide({ stepId, type, holder, reason }: Orphan, settlement: Settlement | undefined): void {
    const decision = settlement === undefined ? 'lost' : settlement.status === 'failed' ? 'failed' : 'requeued';
    this.#decisions.push({ stepId, type, holder, reason, decision });
  }
}

/** Those of the page that this cycle has not settled yet. A late read may show the others once more. */
function fresh(page: readonly DecidedOrphan[], seen: Set<string>): readonly DecidedOrphan[] {
  return page.filter(({ orphan }) => {
    const before = seen.size;
    return seen.add(fenceKey(orphan)).size > before;
  });
}

/**
 * A record read as a claim, to decide about; it is never settled. A record does not tell its claim's token, so it counts
 * as taken by an empty pod: whether it is its pod's only claim decides.
 */
function claimOf(step: StepRecord): Claim {
  return { ...step, claimToken: claimTokenOf('', true) };
}
