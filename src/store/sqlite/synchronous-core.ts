/**
 * The core: every operation of the store, synchronous, on one connection.
 *
 * Law: one operation is one transaction. Clock values and tokens are arguments; data in and out is plain. So it can be
 * called directly, from a thread of its own, or by a simulation, and does the same.
 */
import type { Database, Statement } from 'better-sqlite3';
import type {
  CancelledStep,
  CancelReceipt,
  ClaimRequest,
  ExchangeReply,
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
  StepRecord,
  SubmitReceipt,
} from '../contract.js';
import type { NewStep } from '../../step/submission.js';
import { CancelAndRetry } from './steps/cancel-and-retry.js';
import { Claims } from './claiming/claims.js';
import type { StoreClock, FileTimes, Instant } from './clock/store-clock.js';
import { Pods, type Member } from './pods/pods.js';
import type { ProcessMark } from './pods/process-table.js';
import { StepReader, type CountPiece, type EndedRow, type ListPiece } from './reading/step-reader.js';
import { RowRepair } from './steps/row-repair.js';
import { Retention } from './steps/retention.js';
import { SchemaVersionCheck } from './schema/schema-version-check.js';
import { Settlements } from './steps/settlements.js';
import { DATA_VERSION } from './connection/statements.js';
import { Submissions } from './steps/submissions.js';
import { RunAtSteps, type MovedPiece } from './clock/run-at-steps.js';
import { keepsTime, WallClockOffsets } from './clock/wall-clock-offsets.js';

/** What an exchange came to, but for the pace, which its caller knows. */
export interface Exchanged extends Omit<ExchangeReply, 'pace'> {
  /** There is due work that is claimed only once more of the backlog has been promoted: ask again at once. */
  readonly blocked: boolean;
}

/** What a heartbeat came to. Its caller finds out which processes have exited. */
export interface Beaten {
  readonly view: Omit<FleetView, 'pods'>;
  readonly members: readonly Member[];
  /** By how much it has set the file's wall clock forward, in ms. */
  readonly correctionMs: number;
  /** Whether timed steps are still to be moved to a corrected wall clock. */
  readonly moving: boolean;
}

export class SynchronousCore {
  /** Runs within a transaction that has the write lock from its first statement: a BUSY can only come before anything was done. */
  readonly #write: <T>(operation: () => T) => T;
  /** Runs within one snapshot. */
  readonly #read: <T>(operation: () => T) => T;
  readonly #wall: WallClockOffsets;
  readonly #timed: RunAtSteps;
  readonly #submissions: Submissions;
  readonly #claims: Claims;
  readonly #settlements: Settlements;
  readonly #byHand: CancelAndRetry;
  readonly #pods: Pods;
  readonly #readers: StepReader;
  readonly #retention: Retention;
  readonly #schema: SchemaVersionCheck;
  readonly #dataVersion: Statement<[], number>;
  #changes = 0;

  constructor(connection: Database) {
    const transaction = connection.transaction((operation: () => unknown) => operation());
    this.#write = <T>(operation: () => T) => transaction.immediate(operation) as T;
    this.#read = <T>(operation: () => T) => transaction.deferred(operation) as T;
    this.#wall = new WallClockOffsets(connection);
    this.#timed = new RunAtSteps(connection, this.#wall);
    this.#submissions = new Submissions(connection, this.#wall);
    const repairs = new RowRepair(connection);
    this.#claims = new Claims(connection, this.#wall, this.#timed, repairs);
    this.#settlements = new Settlements(connection, repairs);
    this.#byHand = new CancelAndRetry(connection, repairs);
    this.#pods = new Pods(connection);
    this.#readers = new StepReader(connection, this.#wall);
    this.#retention = new Retention(connection);
    this.#dataVersion = connection.prepare<[], number>(DATA_VERSION).pluck();
    this.#schema = new SchemaVersionCheck(connection);
  }

  // ---- steps ----

  submit(now: number, steps: readonly NewStep[]): SubmitReceipt[] {
    return this.#admitted(() => this.#submissions.add(now, steps));
  }

  /** @param most the most steps to claim, whatever the demand says */
  exchange(now: number, request: ExchangeRequest, most: number): Exchanged {
    const { pod, settlements, claim, readBack } = request;
    const idle = settlements.length === 0 && readBack === undefined;
    // Who finds nothing to do does not take the write lock from those who do.
    const anything = !idle || (claim !== undefined && this.#read(() => this.#claims.anythingFor(now, claim)));
    if (anything !== true) {
      const nextDueInMs = claim === undefined ? null : anything ? 0 : this.#claims.nextDueInMs(now, claim);
      return { receipts: [], claims: [], nextDueInMs, blocked: false };
    }
    return this.#change(() => {
      const receipts = this.#settlements.apply(now, pod.incarnation, settlements);
      // A claim under an incarnation that is no more would be an orphan at once; one in a newer schema may be wrong.
      if (!this.#pods.isAwake(pod) || this.#schema.outdated())
        return { receipts, claims: [], nextDueInMs: null, blocked: false };
      const found = readBack === undefined ? [] : this.#claims.under(readBack, pod.incarnation);
      if (claim === undefined) return { receipts, claims: found, nextDueInMs: null, blocked: false };
      const { claims, nextDueInMs, blocked } = this.#claim(now, pod, claim, most);
      return { receipts, claims: [...found, ...claims], nextDueInMs, blocked };
    });
  }

  #claim(now: number, pod: PodRef, demand: ClaimRequest, most: number): Omit<Exchanged, 'receipts'> {
    const more = this.#claims.promote(now);
    const { claims, left, blocked } = this.#claims.take(now, pod, demand, most, more);
    const nextDueInMs = more || left || blocked ? 0 : this.#claims.nextDueInMs(now, demand);
    return { claims, nextDueInMs, blocked };
  }

  settle(now: number, pod: PodRef, settlements: readonly Settlement[]): Receipt[] {
    return this.#change(() => this.#settlements.apply(now, pod.incarnation, settlements));
  }

  cancel(now: number, token: string, steps: readonly StepAt[]): CancelReceipt[] {
    return this.#admitted(() => steps.map((step) => this.#byHand.cancel(now, token, step)));
  }

  retry(now: number, steps: readonly StepAt[]): RetryReceipt[] {
    return this.#admitted(() => steps.map((step) => this.#byHand.retry(now, step)));
  }

  prune(now: number, keepMs: number, elapsedMs: () => number): PruneReply {
    return this.#admitted(() => this.#retention.prune(now, keepMs, elapsedMs));
  }

  // ---- readers ----

  /** The steps of these ids, as far as `enough` lets it come. Answers how many ids it has looked for. */
  find(
    stepIds: readonly string[],
    from: number,
    enough: () => boolean,
  ): { readonly steps: StepRecord[]; readonly next: number } {
    return this.#read(() => {
      const times = this.#readers.times();
      const steps: StepRecord[] = [];
      let next = from;
      for (const stepId of stepIds.slice(from)) {
        const step = this.#readers.find(stepId, times);
        if (step !== undefined) steps.push(step);
        next++;
        if (enough()) break;
      }
      return { steps, next };
    });
  }

  endedFrom(at: number, rowid: number, limit: number): EndedRow[] {
    return this.#read(() => this.#readers.endedFrom(at, rowid, limit));
  }

  newestEnding(): number {
    return this.#readers.newestEnding();
  }

  cancelled(now: number, stepIds: readonly string[]): CancelledStep[] {
    return this.#read(() => this.#readers.cancelled(now, stepIds));
  }

  listPiece(filter: ListFilter, after: number | null, limit: number, rows: number): ListPiece {
    return this.#read(() => this.#readers.list(filter, after, limit, rows));
  }

  countPiece(now: number, after: number, rows: number): CountPiece {
    return this.#read(() => this.#readers.count(now, after, rows));
  }

  /** Moves with every change of the steps, whoever made it. */
  pulse(): string {
    return `${this.dataVersion()}.${this.#changes}`;
  }

  /** Moves with every commit of other connections. */
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

  heartbeat(instant: Instant, pod: PodRef, beat: Heartbeat): Beaten {
    return this.#write(() => {
      this.#pods.beat(instant, pod, beat);
      const members = this.#pods.members(instant.now);
      const keeps = keepsTime(
        members.map((member) => member.view),
        pod,
      );
      const correctionMs = keeps ? this.#wall.follow(instant, pod.incarnation) : 0;
      const view = {
        claims: this.#claims.heldBy(pod.incarnation),
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
    const orphans = this.#claims.orphans(limit);
    if (orphans !== undefined) return orphans;
    return this.#change(() => {
      this.#claims.repairOrphans(limit);
      return this.#claims.orphans(limit) ?? [];
    });
  }

  /** @param exited the processes that have provably exited, by incarnation; of the others silence decides */
  evict(now: number, pods: readonly PodRef[], exited: ReadonlyMap<string, ProcessMark>): PodRef[] {
    return this.#write(() => pods.filter((pod) => this.#pods.evict(now, pod, exited.get(pod.incarnation))));
  }

  // ---- the clocks ----

  /** Sets a clock by what the file knows. Where no pod lives, this process says what the wall clock is. */
  setClock(clock: StoreClock): void {
    if (clock.set(this.#read(() => this.#times())) || !this.#wall.wouldFollow(clock.instant())) return;
    this.#write(() => {
      if (!clock.set(this.#times())) this.#wall.follow(clock.instant(), 'opening');
    });
  }

  #times(): FileTimes {
    const offset = this.#wall.recorded();
    const newest = Math.max(this.#pods.newestInstant(), offset?.since ?? 0);
    return { newest, signs: this.#pods.signs(), offset };
  }

  /** Moves one piece of the timed steps to a corrected wall clock. */
  moveTimed(now: number): MovedPiece {
    return this.#admitted(() => this.#timed.move(now));
  }

  newestHeartbeat(): number {
    return this.#pods.newestHeartbeat();
  }

  /** A change that only a version may make that knows the schema. What has begun may still be settled. */
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
