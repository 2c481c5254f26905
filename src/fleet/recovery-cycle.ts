/**
 * Runs one recovery cycle: evicts dead pods, finds their orphans, and requeues or fails each.
 *
 * Invariants:
 * - It evicts first: silence alone makes no orphan. It looks for orphans among all claims, not only among those of pods that
 *   died just now.
 * - The settler of the pool decides here too. Every settlement carries the fence of the claim that it ends, so a second
 *   leader that does the same does no harm.
 * - Before each write it checks whether it may continue.
 * - It leaves the claims of its own incarnation alone. If they show as orphans, the pod was evicted and has not heard of it: its pool may
 *   still settle them, and the store could not tell that settlement from one made here. The pod finds them under its next incarnation.
 * - It settles an orphan once, also if a late read shows the orphan again: its receipt would be reported twice.
 */
import { asError, StoppedError } from '../errors.js';
import { EVENT_LINES, logEvent, type Events } from '../events.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Settler } from '../settlement/settler.js';
import { claimTokenOf } from '../step/crash-suspect.js';
import { serializeError } from '../step/serialized-error.js';
import {
  fenceKey,
  type Claim,
  type Orphan,
  type PodRef,
  type Settlement,
  type StepRecord,
  type Store,
} from '../store/contract.js';
import type { Leadership } from './elector.js';
import { decideOrphans, type DecidedOrphan } from './decide-orphans.js';
import type { DeadPod, PeerWatch } from './peer-watch.js';
import { recoveryRecord, summaryOf, type Decision, type RecoveryRecord } from './recovery-record.js';

export interface RecoveryCycleDependencies {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'evict' | 'orphans' | 'settle' | 'list'>;
  readonly settler: Settler;
  readonly peers: PeerWatch;
  readonly events: Events;
  readonly log: Log;
  /** The incarnation that settles. */
  readonly pod: PodRef;
  readonly leadership: Leadership;
  readonly dryRun: boolean;
  /** What an earlier cycle sent without getting an answer. */
  readonly unanswered: readonly DecidedOrphan[];
}

/** Orphans in one page: what a store settles in about two milliseconds. */
const PAGE = 250;
/** Orphans in the widest page: more than a store settles within the time that reads are late. */
const WIDEST_PAGE = 16 * PAGE;

export class RecoveryCycle {
  readonly #deps: RecoveryCycleDependencies;
  readonly #cycleId: string;
  readonly #startedAt: number;
  readonly #startedMs: number;
  readonly #decisions: Decision[] = [];
  #deadPods: readonly PodRef[] = [];
  #reported = false;
  #error: Error | undefined;
  #unanswered: readonly DecidedOrphan[] = [];

  constructor(deps: RecoveryCycleDependencies) {
    this.#deps = deps;
    this.#cycleId = deps.runtime.uuid();
    this.#startedAt = deps.runtime.wallMs();
    this.#startedMs = deps.runtime.monotonicMs();
  }

  /** Whether it has emitted `recovery:started`: it found something to do, or failed. Otherwise there is nothing to report. */
  get reported(): boolean {
    return this.#reported;
  }

  /** Why it ended early, if it did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * The settlements that were sent and not answered. The next cycle sends them again; otherwise their receipts would
   * stay unknown.
   */
  get unanswered(): readonly DecidedOrphan[] {
    return this.#unanswered;
  }

  /** Never rejects: {@link RecoveryCycle.error} says why it ended early, and the record what was done until then. */
  async run(): Promise<RecoveryRecord> {
    const { runtime, dryRun, pod } = this.#deps;
    try {
      await (dryRun ? this.#preview() : this.#recover());
    } catch (error) {
      this.#error = asError(error);
      if (!(error instanceof StoppedError)) this.#emitStarted();
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

  emitCompleted(record: RecoveryRecord): void {
    const make = () => structuredClone({ ...summaryOf(record), error: record.error });
    this.#deps.events.emitLazily('recovery:completed', make, make);
  }

  async #recover(): Promise<void> {
    const { runtime, leadership, peers, unanswered } = this.#deps;
    await this.#evict(peers.dead());
    const seen = new Set<string>();
    let page = unanswered.length > 0 ? unseen(unanswered, seen) : await this.#next(seen);
    while (page.length > 0 && leadership.isLeader) {
      await this.#settle(page);
      await runtime.yield();
      page = await this.#next(seen);
    }
  }

  /** The next orphans. If a late read fills the page with orphans that were settled, it reads a wider page. */
  async #next(seen: Set<string>): Promise<readonly DecidedOrphan[]> {
    const { store, leadership } = this.#deps;
    for (let limit = PAGE; ; limit *= 2) {
      const orphans = await store.orphans({ limit });
      const page = unseen(decideOrphans(this.#ofOthers(orphans)), seen);
      if (page.length > 0 || orphans.length < limit || limit >= WIDEST_PAGE || !leadership.isLeader) return page;
    }
  }

  async #evict(dead: readonly DeadPod[]): Promise<void> {
    const { store, peers, events, log, leadership } = this.#deps;
    if (dead.length === 0 || !leadership.isLeader) return;
    this.#emitStarted();
    const evicted = new Set((await store.evict(dead.map(({ pod }) => pod))).map(({ incarnation }) => incarnation));
    const gone = dead.filter(({ pod }) => evicted.has(pod.incarnation));
    this.#deadPods = gone.map(({ pod }) => pod);
    peers.evicted(this.#deadPods);
    for (const { pod, silentForMs, reason } of gone) {
      const peer = { peerId: pod.podId, peerIncarnation: pod.incarnation };
      logEvent(log, EVENT_LINES.podDead, { ...peer, silentForMs, reason });
      events.emit('pod:dead', { ...pod, silentForMs, reason });
    }
  }

  async #settle(page: readonly DecidedOrphan[]): Promise<void> {
    const { store, settler, pod } = this.#deps;
    this.#emitStarted();
    const wanted = page.map(({ orphan, outcome }) => settler.settlement(orphan, outcome));
    this.#unanswered = page;
    const { settlements, receipts } = await settler.send(wanted, (batch) => store.settle(pod, batch));
    this.#unanswered = [];
    page.forEach(({ orphan, outcome }, index) => {
      const settlement = settlements[index];
      if (settlement === undefined) return;
      const receipt = receipts[index] ?? 'lost';
      this.#decide(orphan, receipt === 'settled' ? settlement : undefined);
      if (receipt !== 'settled') return; // the pod that settled it has emitted its events
      settler.announce({ claim: orphan, outcome, durationMs: 0, podId: orphan.holder.podId }, settlement, receipt);
    });
  }

  /** What a cycle would do: with the orphans that there are, and with the claims of pods that it would evict. */
  async #preview(): Promise<void> {
    const { store, peers } = this.#deps;
    const dead = peers.dead().map(({ pod }) => pod);
    this.#deadPods = dead;
    if (dead.length > 0) this.#emitStarted();
    this.#previewOrphans(this.#ofOthers(await store.orphans({ limit: PAGE })));
    for (const pod of dead) {
      const claims: Orphan[] = [];
      for await (const claim of this.#claimsOf(pod)) claims.push({ ...claim, holder: pod, reason: 'evicted' });
      this.#previewOrphans(claims);
    }
  }

  #ofOthers(orphans: readonly Orphan[]): readonly Orphan[] {
    return orphans.filter(({ holder }) => holder.incarnation !== this.#deps.pod.incarnation);
  }

  #previewOrphans(orphans: readonly Orphan[]): void {
    if (orphans.length > 0) this.#emitStarted();
    for (const { orphan, outcome } of decideOrphans(orphans)) {
      this.#decide(orphan, this.#deps.settler.settlement(orphan, outcome));
    }
  }

  async *#claimsOf(pod: PodRef): AsyncGenerator<Claim> {
    let after: string | null | undefined;
    while (after !== null) {
      const filter = { statuses: ['claimed'], claimedBy: pod.podId, order: 'oldest', limit: PAGE } as const;
      const { steps, next } = await this.#deps.store.list(after === undefined ? filter : { ...filter, after });
      for (const step of steps) if (step.claimedIncarnation === pod.incarnation) yield claimOf(step);
      after = next;
    }
  }

  #emitStarted(): void {
    if (this.#reported) return;
    this.#reported = true;
    const { events, log, dryRun } = this.#deps;
    const started = { cycleId: this.#cycleId, dryRun };
    logEvent(log, EVENT_LINES.recoveryStarted, started);
    events.emit('recovery:started', started);
  }

  #decide({ stepId, type, holder, reason }: Orphan, settlement: Settlement | undefined): void {
    this.#decisions.push({ stepId, type, holder, reason, decision: decisionOf(settlement) });
  }
}

/** @param settlement the one that the store took; `undefined` if another pod had settled the orphan */
function decisionOf(settlement: Settlement | undefined): Decision['decision'] {
  if (settlement === undefined) return 'alreadySettled';
  return settlement.status === 'failed' ? 'failed' : 'requeued';
}

/** The orphans of the page that are not in `seen`, and adds them. A late read may show the others once more. */
function unseen(page: readonly DecidedOrphan[], seen: Set<string>): readonly DecidedOrphan[] {
  return page.filter(({ orphan }) => {
    const before = seen.size;
    return seen.add(fenceKey(orphan)).size > before;
  });
}

/**
 * A step's record as a claim, for a preview; it is never settled. A record does not show its claim's token, so the claim
 * counts as taken by an empty pod: whether it is that pod's only claim decides.
 */
function claimOf(step: StepRecord): Claim {
  return { ...step, claimToken: claimTokenOf('', true) };
}
