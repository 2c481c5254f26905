/**
 * Decides how often this pod sends heartbeats, and how long it may be silent, by the number of live pods.
 *
 * Invariants:
 * - The settings are the least. The interval grows with the fleet, and dead-after is then at least four intervals.
 * - It grows when the fleet needs more, with room for a quarter more pods, and shrinks only when the fleet needs much less. So single
 *   pods that come and go change nothing.
 * - Peers judge a pod by the newest heartbeat that they see. Which one that is, the pod knows only from an answer. So it holds
 *   itself to the least of the answered heartbeat and all that were sent after it.
 * - A store whose heartbeats are cheap has no need of this: then the settings hold, and heartbeats do not state them.
 */
import { fenceAfterMs, marginMs, resendAfterMs } from './heartbeat-limits.js';

/** What a pod states: between two of its heartbeats, and how long it may be silent before peers may evict it. */
export interface HeartbeatLimits {
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
}

interface Sent {
  /** Of the newest heartbeat that stated these limits. */
  order: number;
  readonly limits: HeartbeatLimits;
}

/** A longer interval suffices for so many times the present fleet. */
const HEADROOM = 1.25;
/** It shrinks if what the fleet needs, with room, is at most this share of it. */
const SHRINKS_AT = 0.75;
/** Heartbeats that fit into dead-after. */
const HEARTBEATS_TO_DEATH = 4;

export class HeartbeatPace {
  /** Between two heartbeats of this pod. */
  intervalMs = 0;
  /** How long a freeze may last unnoticed. */
  marginMs = 0;
  /** How long the pod may proceed without an answered heartbeat. */
  fenceAfterMs = 0;
  /** After which time a heartbeat that hangs is sent again. */
  resendAfterMs = 0;
  /** How long the pod may be silent before peers may evict it. */
  deadAfterMs = 0;
  readonly #floor: HeartbeatLimits;
  readonly #perPodMs: number;
  #wanted: HeartbeatLimits;
  #answered: HeartbeatLimits;
  /** Those after the answered one, the oldest first; one entry for each change. */
  #sent: Sent[] = [];
  #order = 0;

  /** @param perPodMs how long the interval is at least for each live pod; 0 if it does not depend on the fleet */
  constructor(
    {
      heartbeatIntervalMs: heartbeatMs,
      deadAfterMs,
    }: { readonly heartbeatIntervalMs: number; readonly deadAfterMs: number },
    perPodMs = 0,
  ) {
    this.#floor = this.#wanted = this.#answered = { heartbeatMs, deadAfterMs };
    this.#perPodMs = perPodMs;
    this.#hold();
  }

  /** Whether heartbeats state the limits. */
  get scales(): boolean {
    return this.#perPodMs > 0;
  }

  /** What the next registration or heartbeat states. */
  get wanted(): HeartbeatLimits {
    return this.#wanted;
  }

  /** The present incarnation was registered with what is wanted. */
  registered(): void {
    this.#answered = this.#wanted;
    this.#sent = [];
    this.#hold();
  }

  /** A heartbeat is sent that states what is wanted. @returns its number, for {@link HeartbeatPace.answered} */
  sent(): number {
    const order = ++this.#order;
    const last = this.#sent.at(-1);
    if (last?.limits === this.#wanted) last.order = order;
    else {
      this.#sent.push({ order, limits: this.#wanted });
      this.#hold();
    }
    return order;
  }

  /** A heartbeat was answered: it holds, and nothing that was sent before it. */
  answered(order: number, limits: HeartbeatLimits): void {
    this.#answered = limits;
    this.#sent = this.#sent.filter((each) => each.order > order);
    this.#hold();
  }

  /** @param live how many pods of the fleet are live, this one included */
  counted(live: number): void {
    const neededMs = live * this.#perPodMs;
    const roomyMs = Math.ceil(HEADROOM * neededMs);
    const { heartbeatMs: nowMs } = this.#wanted;
    if (neededMs <= nowMs && roomyMs > SHRINKS_AT * nowMs) return;
    const heartbeatMs = Math.max(this.#floor.heartbeatMs, roomyMs);
    if (heartbeatMs === nowMs) return;
    const { deadAfterMs } = this.#floor;
    const isFloor = heartbeatMs === this.#floor.heartbeatMs;
    this.#wanted = isFloor
      ? this.#floor
      : { heartbeatMs, deadAfterMs: Math.max(deadAfterMs, HEARTBEATS_TO_DEATH * heartbeatMs) };
    this.#hold();
  }

  /** Works out the least of what peers may hold this pod to. */
  #hold(): void {
    let { heartbeatMs, deadAfterMs } = this.#answered;
    for (const { limits } of this.#sent) {
      heartbeatMs = Math.min(heartbeatMs, limits.heartbeatMs);
      deadAfterMs = Math.min(deadAfterMs, limits.deadAfterMs);
    }
    this.intervalMs = Math.min(heartbeatMs, this.#wanted.heartbeatMs);
    this.deadAfterMs = deadAfterMs;
    this.marginMs = marginMs(heartbeatMs, deadAfterMs);
    this.fenceAfterMs = fenceAfterMs(heartbeatMs, deadAfterMs);
    this.resendAfterMs = resendAfterMs(heartbeatMs, deadAfterMs);
  }
}
