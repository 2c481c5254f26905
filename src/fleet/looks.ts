/**
 * Who has been seen unchanged, and for how long: this pod's own evidence that a peer is dead.
 *
 * Law: a pod is dead when it has been silent on the store's clock for longer than it registered, *and* this pod has seen
 * its `beat` unchanged in two looks at least one of that pod's heartbeat intervals apart on its own monotonic clock. Only
 * an unbroken row of looks counts. Where this pod itself got no answer for more than two of its intervals, or was fenced,
 * nobody else need have been able to give a sign of life either: the row begins anew, and from its first look on every
 * peer has its whole dead-after to be heard again, since its calls may hang for longer than ours. So an outage of the
 * store evicts nobody. A pod whose own looks are too rare to see such an outage counts only the looks that already found
 * the peer silent for too long.
 */
import type { Runtime } from '../runtime/runtime.js';
import type { PodRef, PodView } from '../store/contract.js';

/** A pod that is dead by the law above. */
export interface DeadPod {
  readonly pod: PodRef;
  /** On the store's clock, when it was looked at last. */
  readonly silentForMs: number;
  /** `silent`: for longer than it registered, by the law above. `exited`: its process has provably exited. */
  readonly reason: 'silent' | 'exited';
}

interface Sight {
  readonly view: PodView;
  /** When this beat was first seen in the present row of looks. */
  readonly since: number;
  /** When it was first seen silent for too long in it. */
  readonly silentSince: number | undefined;
}

/** A row of looks is broken by a gap of more than so many of this pod's heartbeat intervals. */
const LONGEST_GAP = 2;

export class Looks {
  readonly #runtime: Runtime;
  readonly #intervalMs: number;
  #sights = new Map<string, Sight>();
  readonly #buried = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  #lastLook: number | undefined;
  /** Whether the present row of looks is not the first. */
  #broken = false;

  constructor(runtime: Runtime, settings: { readonly heartbeatIntervalMs: number }) {
    this.#runtime = runtime;
    this.#intervalMs = settings.heartbeatIntervalMs;
  }

  /** Calls back after each look that shows a pod whose process has exited. */
  onExited(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A look at the fleet: a heartbeat's answer. @param self is never dead in its own eyes */
  see(pods: readonly PodView[], self: PodRef): void {
    const now = this.#runtime.monotonicMs();
    if (this.#lastLook !== undefined && now - this.#lastLook > LONGEST_GAP * this.#intervalMs) this.forget();
    this.#lastLook = now;
    const sights = new Map<string, Sight>();
    for (const view of pods) {
      const { incarnation } = view.pod;
      if (incarnation === self.incarnation || this.#buried.has(incarnation)) continue;
      sights.set(incarnation, sight(view, this.#sights.get(incarnation), now));
    }
    this.#sights = sights;
    for (const incarnation of this.#buried) {
      if (!pods.some((view) => view.pod.incarnation === incarnation)) this.#buried.delete(incarnation);
    }
    if ([...sights.values()].some(({ view }) => hasExited(view))) for (const listener of this.#listeners) listener();
  }

  /** The row is broken: the looks begin anew. */
  forget(): void {
    this.#sights.clear();
    this.#broken = true;
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

  #reasonOf(seen: Sight): DeadPod['reason'] | undefined {
    if (hasExited(seen.view)) return 'exited';
    return isSilent(seen.view) && this.#unchangedForMs(seen) >= this.#patienceMs(seen.view) ? 'silent' : undefined;
  }

  #unchangedForMs({ view, since, silentSince }: Sight): number {
    const now = this.#lastLook ?? 0;
    return now - (this.#seesOutages(view) ? since : (silentSince ?? now));
  }

  #patienceMs(view: PodView): number {
    return this.#broken ? view.deadAfterMs : view.heartbeatMs;
  }

  /** Whether no outage that made this peer seem dead could fall between two of our looks. */
  #seesOutages(view: PodView): boolean {
    return (LONGEST_GAP + 1) * this.#intervalMs <= view.deadAfterMs;
  }
}

function sight(view: PodView, before: Sight | undefined, now: number): Sight {
  const silent = isSilent(view);
  if (before?.view.beat !== view.beat) return { view, since: now, silentSince: silent ? now : undefined };
  return { view, since: before.since, silentSince: silent ? (before.silentSince ?? now) : undefined };
}

/** Whether its process has exited: a fact, which needs no row of looks. A sleeper holds nothing, and is never evicted. */
function hasExited(view: PodView): boolean {
  return view.exited && !view.asleep;
}

/** Whether it has been silent for longer than it registered. Who is asleep said so. */
export function isSilent(view: PodView): boolean {
  return !view.asleep && view.silentForMs > view.deadAfterMs;
}
