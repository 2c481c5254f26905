/**
 * What a pod knows of the fleet's pace, and what follows from it. It joins the pure rules of this folder; it sends nothing.
 *
 * All times are in ms, and `now` is this process's monotonic clock.
 */
import type { Pace, PacingReport, ThrottleReason } from '../../contract.js';
import { asks } from './asking.js';
import { easeAfter, NO_EASE } from './ease.js';
import { Measurements } from './measurements.js';
import { exchangeIntervalMs, lookIntervalMs, type Load } from './pace.js';
import { pathOf, type Path } from './path.js';
import { throttleOf } from './throttle.js';

/** How long a measurement of the client's own time counts. */
const CLIENT_KNOWN_MS = 60_000;
/** How long refused INSERTs count after the last request was logged. */
const REFUSALS_COUNT_MS = 60_000;

/** What a look shows about the other pods. */
export interface FleetLoad extends Load {
  /** How long ago another pod has exchanged; `null` if never. */
  readonly otherMs: number | null;
  /** How many steps the pod could claim now. */
  readonly due: number;
}

/**
 * Whether pods log their requests. `false`: never, each exchanges directly, as often as it likes: for comparisons. `'always'`: also
 * a pod that is alone: for tests.
 */
export type Combining = boolean | 'always';

export interface PacerOptions {
  /** How many statements the warehouse runs at a time. */
  readonly statementSlots: number;
  readonly combines: Combining;
}

export class Pacer {
  readonly measurements = new Measurements();
  readonly #statementSlots: number;
  readonly #combines: Combining;
  #load: Load = { asked: 0, slotMs: null };
  /** When another pod has exchanged, and when an UPDATE of this pod was turned away. */
  #otherAt = -Infinity;
  #waitedAt = -Infinity;
  #readAt: number | undefined;
  #clientAt: number | undefined;
  #pods = 1;
  /** When this pod began to see work that it could claim. */
  #workAt = -Infinity;
  /** How many looks in a row have left overdue work to others. */
  #passes = 0;
  #ease = NO_EASE;
  #loggedAt = -Infinity;
  #throttled: ThrottleReason | undefined;

  constructor({ statementSlots, combines }: PacerOptions) {
    this.#statementSlots = statementSlots;
    this.#combines = combines;
  }

  looked({ asked, slotMs, otherMs, due }: FleetLoad, now: number): void {
    this.#load = { asked, slotMs };
    if (due === 0) this.#workAt = -Infinity;
    else if (this.#workAt === -Infinity) this.#workAt = now;
    this.#readAt = now;
    if (otherMs !== null) this.#otherAt = Math.max(this.#otherAt, now - Math.max(0, otherMs));
  }

  /** A statement that needs no warehouse took this long. */
  answered(tookMs: number, now: number): void {
    this.measurements.answered(tookMs);
    this.#clientAt = now;
  }

  /** Whether the client's own time was measured lately. */
  knowsClient(now: number): boolean {
    return this.#clientAt !== undefined && now - this.#clientAt < CLIENT_KNOWN_MS;
  }

  /** A heartbeat has shown so many pods that are awake. */
  counted(pods: number): void {
    this.#pods = Math.max(1, pods);
  }

  /** An UPDATE of this pod was turned away, because too many waited. */
  waited(now: number): void {
    this.#waitedAt = now;
  }

  /** A request was logged. @param refusals how often its INSERT was refused before */
  logged(refusals: number, now: number): void {
    this.#ease = easeAfter(this.#ease, refusals);
    this.#loggedAt = now;
  }

  /**
   * Whether a pod that hands in nothing asks for what its look has shown. Call it once for each look.
   *
   * @param random from 0 to below 1
   */
  asks(overdue: number, slots: number, random: number): boolean {
    const idle = { overdue, slots, pods: this.#pods, lookIntervalMs: this.lookIntervalMs, passes: this.#passes };
    const isAsking = overdue > 0 && (this.#combines === false || asks(idle, random));
    this.#passes = overdue === 0 || isAsking ? 0 : this.#passes + 1;
    return isAsking;
  }

  /** How the next exchange goes. */
  path(now: number): Path {
    if (this.#combines === false) return 'direct';
    if (this.#combines === 'always') return 'log';
    const since = (at: number, until: number) => (at === -Infinity ? null : until - at);
    // Since the last look others may have exchanged. A busy pod of a large fleet looks every ten seconds.
    const readAt = this.#readAt ?? now;
    const neighbours = { otherMs: since(this.#otherAt, readAt), waitedMs: since(this.#waitedAt, now) };
    return pathOf({ ...neighbours, workMs: since(this.#workAt, readAt), pods: this.#pods }, this.measurements.updateMs);
  }

  /** From the start of one exchange to the start of the next. */
  intervalMs(now: number): number {
    return this.path(now) === 'direct' ? 0 : this.#ease * exchangeIntervalMs(this.#load, this.#statementSlots);
  }

  /** From one look of an idle pod to the next. */
  get lookIntervalMs(): number {
    if (this.#combines === false) return 0;
    return lookIntervalMs(this.#pods, this.measurements.selectSlotMs, this.#statementSlots);
  }

  /** How old the last look is; `null` before the first. */
  readAgeMs(now: number): number | null {
    return this.#readAt === undefined ? null : now - this.#readAt;
  }

  /** The pace to keep after an exchange. @param jitter a factor of the intervals */
  paceAfter(startedAt: number, now: number, batch: number, jitter: number): Pace {
    this.#forgetRefusals(now);
    const intervalMs = this.intervalMs(now);
    this.#throttled = throttleOf(this.#throttled, { intervalMs, ease: this.#ease });
    return {
      waitMs: Math.max(0, startedAt + intervalMs * jitter - now),
      batch,
      intervalMs,
      idleMs: this.lookIntervalMs * jitter,
      ...(this.#throttled !== undefined && { throttled: this.#throttled }),
    };
  }

  /** A pod that logs no more requests has none that could show that refusals are over. */
  #forgetRefusals(now: number): void {
    if (now - this.#loggedAt > REFUSALS_COUNT_MS || this.path(now) === 'direct') this.#ease = NO_EASE;
  }

  report(now: number): PacingReport {
    return {
      path: this.path(now),
      intervalMs: Math.round(this.intervalMs(now)),
      idleIntervalMs: Math.round(this.lookIntervalMs),
      activePods: this.#load.asked,
      updateMs: Math.round(this.measurements.updateMs),
      slotMs: this.#load.slotMs,
      ease: this.#ease,
      throttled: this.#throttled ?? null,
    };
  }
}
