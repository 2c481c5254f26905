/**
 * Who has been seen unchanged, and for how long: this pod's own evidence that a peer is dead.
 *
 * Invariants:
 * - A pod is dead when it has been silent on the store's clock for longer than it registered, *and* this pod has watched
 *   its `beat` unchanged for long enough. The watched time is the time between looks that follow each other, each counted
 *   as one of this pod's heartbeat intervals at most.
 * - Long enough is the time within which a pod that lives is heard once the store answers it (`heardWithinMs`), and shown
 *   by a read that may be late. After the first interruption it is the whole dead-after of that pod.
 * - Where a heartbeat of this pod failed or hung, the calls of others may hang for longer: nothing counts until a pod that
 *   lives has had time to be heard. Where this pod was fenced as silent, what it watched before is void. So an outage of
 *   the store evicts nobody, whatever its pattern.
 * - Where this pod itself stood still, the store may have been away meanwhile: that time does not count, but what was
 *   watched before stands. So a pod that stalls again and again still finds the dead: with looks that are up to `gap` apart
 *   within (deadAfterMs / heartbeatIntervalMs + 2) × gap.
 * - A pod whose own looks are too rare to see an outage counts only the looks that already found the peer silent for too
 *   long.
 * - A pod whose process has exited is dead at the first look.
 */
import type { Runtime } from '../runtime/runtime.js';
import { isSilent, type PodRef, type PodView } from '../store/contract.js';
import { heardWithinMs } from './heartbeat-limits.js';

/** A pod that is dead by the rules above. */
export interface DeadPod {
  readonly pod: PodRef;
  /** On the store's clock, when it was looked at last. */
  readonly silentForMs: number;
  /** `silent`: for longer than it registered, by the law above. `exited`: its process has provably exited. */
  readonly reason: 'silent' | 'exited';
}

interface Sight {
  readonly view: PodView;
  /** For how long it has been watched with this beat. */
  readonly watchedMs: number;
}

/** What lies between a look and the one before. */
interface Watched {
  readonly countedMs: number;
  /** For how long all calls of this pod had been answered by then. */
  readonly calmMs: number;
}

/** Heartbeats that are further apart than so many of this pod's heartbeat intervals: it has stood still. */
const LONGEST_GAP = 2;

export class PeerWatch {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  readonly #staleReadMs: number;
  #sights = new Map<string, Sight>();
  readonly #buried = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  #lastLook: number | undefined;
  /** Whether the looks have ever been interrupted, by an outage of the store or by this pod's own standstill. */
  #interrupted = false;
  /** A call of this pod was not answered in time since the last look. */
  #unanswered = false;
  /** The first look after the last such call. */
  #answeredSince = -Infinity;

  constructor(runtime: Runtime, settings: { readonly heartbeatIntervalMs: number }, staleReadMs = 0) {
    this.#runtime = runtime;
    this.#staleReadMs = staleReadMs;
    this.#intervalMs = settings.heartbeatIntervalMs;
  }

  /** Calls back after each look that shows a pod whose process has exited. */
  onExited(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A look at the fleet: a heartbeat's answer. @param self is never dead in its own eyes */
  see(pods: readonly PodView[], self: PodRef): void {
    const now = this.#runtime.monotonicMs();
    const before = this.#lastLook ?? now;
    if (now - before > LONGEST_GAP * this.#intervalMs) this.interrupt();
    if (this.#unanswered) this.#answeredSince = now;
    this.#unanswered = false;
    this.#lastLook = now;
    const watched = { countedMs: Math.min(now - before, this.#intervalMs), calmMs: before - this.#answeredSince };
    const sights = new Map<string, Sight>();
    for (const view of pods) {
      const { incarnation } = view.pod;
      if (incarnation === self.incarnation || this.#buried.has(incarnation)) continue;
      sights.set(incarnation, this.#sight(view, this.#sights.get(incarnation), watched));
    }
    this.#sights = sights;
    for (const incarnation of this.#buried) {
      if (!pods.some((view) => view.pod.incarnation === incarnation)) this.#buried.delete(incarnation);
    }
    if ([...sights.values()].some(({ view }) => hasExited(view))) for (const listener of this.#listeners) listener();
  }

  /** The store has not answered this pod for long: what it has watched is void. */
  forget(): void {
    this.#sights.clear();
    this.unanswered();
  }

  /** A call of this pod failed, or hung. */
  unanswered(): void {
    this.#unanswered = true;
    this.interrupt();
  }

  /** This pod has stood still. */
  interrupt(): void {
    this.#interrupted = true;
  }

  /** The dead, as of the last look. */
  dead(): readonly DeadPod[] {
    const dead: DeadPod[] = [];
    for (const seen of this.#sights.values()) {
      const { pod, silentForMs } = seen.view;
      const reason = this.#reasonOf(seen);
      if (reason !== undefined) dead.push({ pod, silentForMs, reason });
    }
    return dead;
  }

  /** These have been evicted: they are not told as dead again while the last look still shows them. */
  bury(pods: readonly PodRef[]): void {
    for (const { incarnation } of pods) {
      this.#sights.delete(incarnation);
      this.#buried.add(incarnation);
    }
  }

  #reasonOf({ view, watchedMs }: Sight): DeadPod['reason'] | undefined {
    if (hasExited(view)) return 'exited';
    return isSilent(view) && watchedMs >= this.#longEnoughMs(view) ? 'silent' : undefined;
  }

  #longEnoughMs(view: PodView): number {
    return this.#interrupted ? view.deadAfterMs : this.#heardWithinMs(view);
  }

  #heardWithinMs({ heartbeatMs, deadAfterMs }: PodView): number {
    return Math.min(deadAfterMs, heardWithinMs(heartbeatMs, deadAfterMs) + this.#staleReadMs);
  }

  #sight(view: PodView, before: Sight | undefined, { countedMs, calmMs }: Watched): Sight {
    if (before?.view.beat !== view.beat) return { view, watchedMs: 0 };
    const isCalm = calmMs >= this.#heardWithinMs(view);
    const counts = isCalm && (this.#seesOutages(view) || isSilent(before.view));
    return { view, watchedMs: before.watchedMs + (counts ? countedMs : 0) };
  }

  /** Whether no outage that made this peer seem dead could fall between two of our looks. */
  #seesOutages(view: PodView): boolean {
    return (LONGEST_GAP + 1) * this.#intervalMs <= view.deadAfterMs;
  }
}

/** Whether its process has exited: a fact, which needs no row of looks. A sleeper holds nothing, and is never evicted. */
function hasExited(view: PodView): boolean {
  return view.exited && !view.asleep;
}
