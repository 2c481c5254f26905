/**
 * Every operation of the store, synchronous, on one connection.
 *
 * Invariants:
 * - One operation is one transaction.
 * - Clock values and tokens are arguments; data in and out is plain. So the operations do the same on the main thread, on
 *   the helper thread and in a simulation.
 * - If a newer version has migrated the file past this one, no new step or claim is written. Settling and leaving still work.
 */
import type { Database, Statement } from 'better-sqlite3';
import type {
  CancelledStep,
  CancelReceipt,
  ClaimRequest,
  ExchangeRequest,
  FleetView,
  Heartbeat,
  ListFilter,
  Orphan,
  PodRef,
  PodRegistration,
  PruneReply,
  Receipt,
  RetryReceipt,
  Settlement,
  StepAt,
  SubmitReceipt,
} from '../contract.js';
import type { NewStep } from '../../step/submission.js';
import { Claims } from './claiming/claims.js';
import { HeldSteps } from './claiming/held-steps.js';
import { Promotion } from './claiming/promotion.js';
import { RunAtSteps, type MovedPiece } from './clock/run-at-steps.js';
import type { StoreClock, FileTimes, Instant } from './clock/store-clock.js';
import { keepsTime, WallClockOffsets } from './clock/wall-clock-offsets.js';
import { DATA_VERSION } from './file/statements.js';
import { ExchangeTransaction, type Exchanged } from './exchange/exchange-transaction.js';
import { Pods, type Member } from './pods/pods.js';
import type { ProcessMark } from './pods/process-table.js';
import { StepReader, type CountPiece, type EndedRow, type FoundSteps, type ListPiece } from './reading/step-reader.js';
import { SchemaVersionGuard } from './schema/schema-version-guard.js';
import { CancelAndRetry } from './steps/cancel-and-retry.js';
import { Retention } from './steps/retention.js';
import { RowRepair } from './steps/row-repair.js';
import { Settlements } from './steps/settlements.js';
import { Submissions } from './steps/submissions.js';

/** The result of a heartbeat. Its caller finds out which processes have exited. */
export interface HeartbeatResult {
  readonly view: Omit<FleetView, 'pods'>;
  readonly members: readonly Member[];
  /** By how much this heartbeat has set the recorded wall clock forward, in ms. */
  readonly correctionMs: number;
  /** Whether steps with a `runAt` have still to follow a corrected wall clock. */
  readonly moving: boolean;
}

export class SynchronousCore {
  /** Runs in a transaction that takes the write lock first, so a BUSY comes before anything is done. */
  readonly #write: <T>(operation: () => T) => T;
  /** Runs in one snapshot. */
  readonly #read: <T>(operation: () => T) => T;
  readonly #wall: WallClockOffsets;
  readonly #runAtSteps: RunAtSteps;
  readonly #submissions: Submissions;
  readonly #promotion: Promotion;
  readonly #claims: Claims;
  readonly #heldSteps: HeldSteps;
  readonly #settlements: Settlements;
  readonly #exchange: ExchangeTransaction;
  readonly #cancelAndRetry: CancelAndRetry;
  readonly #pods: Pods;
  readonly #reader: StepReader;
  readonly #retention: Retention;
  readonly #schema: SchemaVersionGuard;
  readonly #dataVersion: Statement<[], number>;
  #changes = 0;

  constructor(connection: Database) {
    const transaction = connection.transaction((operation: () => unknown) => operation());
    this.#write = <T>(operation: () => T) => transaction.immediate(operation) as T;
    this.#read = <T>(operation: () => T) => transaction.deferred(operation) as T;
    this.#dataVersion = connection.prepare<[], number>(DATA_VERSION).pluck();
    const repair = new RowRepair(connection);
    this.#wall = new WallClockOffsets(connection);
    this.#runAtSteps = new RunAtSteps(connection, this.#wall);
    this.#submissions = new Submissions(connection, this.#wall);
    this.#promotion = new Promotion(connection);
    this.#claims = new Claims(connection, this.#wall, this.#runAtSteps, repair);
    this.#heldSteps = new HeldSteps(connection, this.#wall, repair);
    this.#settlements = new Settlements(connection, repair);
    this.#cancelAndRetry = new CancelAndRetry(connection, repair);
    this.#pods = new Pods(connection);
    this.#reader = new StepReader(connection, this.#wall);
    this.#retention = new Retention(connection);
    this.#schema = new SchemaVersionGuard(connection);
    this.#exchange = new ExchangeTransaction({
      settlements: this.#settlements,
      claims: this.#claims,
      promotion: this.#promotion,
      heldSteps: this.#heldSteps,
      pods: this.#pods,
      schema: this.#schema,
    });
  }

  // ---- steps ----

  submit(now: number, steps: readonly NewStep[]): SubmitReceipt[] {
    return this.#admitted(() => this.#submissions.add(now, steps));
  }

  /** @param most the most steps to claim, whatever the request says */
  exchange(now: number, request: ExchangeRequest, most: number): Exchanged {
    const { settlements, claim, readBack } = request;
    const idle = settlements.length === 0 && readBack === undefined;
    // A pod that finds nothing to do does not take the write lock from those that do.
    const anything = !idle || (claim !== undefined && this.#read(() => this.#anythingFor(now, claim)));
    if (anything !== true) {
      const nextDueInMs = claim === undefined ? null : anything ? 0 : this.#promotion.nextDueInMs(now, claim);
      return { receipts: [], claims: [], nextDueInMs, blocked: false };
    }
    return this.#change(() => this.#exchange.run(now, request, most));
  }

  /** `perhaps`: not all of the requested types have been looked at. */
  #anythingFor(now: number, claim: ClaimRequest): boolean | 'perhaps' {
    return this.#promotion.isDue(now) || this.#claims.anythingReady(claim);
  }

  settle(now: number, pod: PodRef, settlements: readonly Settlement[]): Receipt[] {
    return this.#change(() => this.#settlements.apply(now, pod.incarnation, settlements));
  }

  cancel(now: number, token: string, steps: readonly StepAt[]): CancelReceipt[] {
    return this.#admitted(() => steps.map((step) => this.#cancelAndRetry.cancel(now, token, step)));
  }

  retry(now: number, steps: readonly StepAt[]): RetryReceipt[] {
    return this.#admitted(() => steps.map((step) => this.#cancelAndRetry.retry(now, step)));
  }

  prune(now: number, keepMs: number, elapsedMs: () => number): PruneReply {
    return this.#admitted(() => this.#retention.prune(now, keepMs, elapsedMs));
  }

  // ---- readers ----

  /** Looks up these steps from the index `from` on, until `enough`. */
  find(stepIds: readonly string[], from: number, enough: () => boolean): FoundSteps {
    return this.#read(() => this.#reader.find(stepIds, from, enough));
  }

  endedFrom(at: number, rowid: number, limit: number): EndedRow[] {
    return this.#read(() => this.#reader.endedFrom(at, rowid, limit));
  }

  newestEnding(): number {
    return this.#reader.newestEnding();
  }

  cancelled(now: number, stepIds: readonly string[]): CancelledStep[] {
    return this.#read(() => this.#reader.cancelled(now, stepIds));
  }

  listPiece(filter: ListFilter, after: number | null, limit: number, rows: number): ListPiece {
    return this.#read(() => this.#reader.list(filter, after, limit, rows));
  }

  countPiece(now: number, after: number, rows: number): CountPiece {
    return this.#read(() => this.#reader.count(now, after, rows));
  }

  /** Changes with every commit, of this connection or another. */
  pulse(): string {
    return `${this.dataVersion()}.${this.#changes}`;
  }

  /** Changes with every commit of another connection. */
  dataVersion(): number {
    return this.#dataVersion.get() ?? 0;
  }

  // ---- fleet ----

  register(instant: Instant, pod: PodRegistration, mark: ProcessMark | undefined): void {
    this.#write(() => {
      this.#schema.check();
      this.#pods.register(instant, pod, mark);
    });
  }

  heartbeat(instant: Instant, pod: PodRef, beat: Heartbeat): HeartbeatResult {
    return this.#write(() => {
      this.#pods.beat(instant, pod, beat);
      const members = this.#pods.members(instant.now);
      const keeps = keepsTime(
        members.map((member) => member.view),
        pod,
      );
      const correctionMs = keeps ? this.#wall.follow(instant, pod.incarnation) : 0;
      const view = {
        claims: this.#heldSteps.heldBy(pod.incarnation),
        outdated: this.#schema.outdated(),
        wallAheadMs: this.#wall.aheadMs(instant),
      };
      return { view, members, correctionMs, moving: this.#wall.moved() !== undefined };
    });
  }

  members(now: number): Member[] {
    return this.#pods.members(now);
  }

  processOf(pod: PodRef): ProcessMark | undefined {
    return this.#pods.processOf(pod);
  }

  leave(pod: PodRef): void {
    this.#write(() => this.#pods.leave(pod));
  }

  orphans(limit: number): Orphan[] {
    const orphans = this.#heldSteps.orphans(limit);
    if (orphans !== undefined) return orphans;
    return this.#change(() => {
      this.#heldSteps.repairOrphans(limit);
      return this.#heldSteps.orphans(limit) ?? [];
    });
  }

  /** @param exited the processes that have provably exited, by incarnation; the others are judged by their silence */
  evict(now: number, pods: readonly PodRef[], exited: ReadonlyMap<string, ProcessMark>): PodRef[] {
    return this.#write(() => pods.filter((pod) => this.#pods.evict(now, pod, exited.get(pod.incarnation))));
  }

  // ---- the clocks ----

  /** Sets a clock by the times in the file, and writes nothing. Returns whether a pod lives. */
  readClock(clock: StoreClock): boolean {
    return clock.set(this.#read(() => this.#times()));
  }

  /** Sets a clock by the times in the file. If no pod lives, this process records its wall clock. */
  setClock(clock: StoreClock): void {
    if (this.readClock(clock) || !this.#wall.wouldFollow(clock.instant())) return;
    this.#write(() => {
      if (!clock.set(this.#times())) this.#wall.follow(clock.instant(), 'opening');
    });
  }

  #times(): FileTimes {
    const offset = this.#wall.recorded();
    const newest = Math.max(this.#pods.newestInstant(), offset?.since ?? 0);
    return { newest, heartbeats: this.#pods.heartbeats(), offset };
  }

  /** Moves one piece of the steps with a `runAt` to a corrected wall clock. */
  moveRunAtSteps(now: number): MovedPiece {
    return this.#admitted(() => this.#runAtSteps.move(now));
  }

  newestHeartbeat(): number {
    return this.#pods.newestHeartbeat();
  }

  /** Makes a change that this version may make only if it knows the file's schema. */
  #admitted<T>(operation: () => T): T {
    return this.#change(() => {
      this.#schema.check();
      return operation();
    });
  }

  #change<T>(operation: () => T): T {
    const result = this.#write(operation);
    this.#changes++;
    return result;
  }
}
