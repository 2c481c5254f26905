/**
 * Watches how long each peer has shown no sign of life: this pod's own evidence that a peer is dead.
 *
 * Invariants:
 * - A pod is dead if it has been silent on the store's clock for longer than the dead-after that it has stated last, *and* this
 *   pod has watched its `beat` unchanged for long enough. The watched time is the time between consecutive views; each gap
 *   counts as one of this pod's heartbeat intervals at most.
 * - Long enough is the time within which a live pod is heard once the store answers it (`heardWithinMs`), plus the time
 *   by which a read may be late. After the first interruption it is the whole dead-after of that pod.
 * - If a heartbeat of this pod failed or hung, the calls of others may hang for longer. Nothing counts until a live pod
 *   has had time to be heard. If this pod was fenced as silent, everything watched before is void. So an outage of the store
 *   evicts no live pod, whatever its pattern.
 * - If this pod itself stood still, the store may have been away meanwhile. That time does not count, but what was watched
 *   before stands. So a pod that stalls again and again still finds the dead: with views up to `gap` apart, within
 *   (deadAfterMs / heartbeatIntervalMs + 2) × gap.
 * - A pod whose own views are too rare to notice an outage counts only the views that already found the peer silent for too
 *   long.
 * - A pod whose process has exited is dead at the first view.
 */
import type { Runtime } from '../runtime/runtime.js';
import { isSilent, type PodRef, type PodView } from '../store/contract.js';
import { heardWithinMs } from './heartbeat-limits.js';

/** A pod that is dead by the rules above. */
export interface DeadPod {
  readonly pod: PodRef;
  /** On the store's clock, in the last view. */
  readonly silentForMs: number;
  /** `silent`: for longer than it has stated, by the rules above. `exited`: its process has provably exited. */
  readonly reason: 'silent' | 'exited';
}

interface Peer {
  readonly view: PodView;
  /** How long it has been watched with this beat. */
  readonly watchedMs: number;
}

/** The time between a view and the one before. */
interface Gap {
  readonly countedMs: number;
  /** How long all calls of this pod had been answered when the gap began. */
  readonly answeredForMs: number;
}

/** If views are further apart than this many heartbeat intervals, this pod has stood still. */
const LONGEST_GAP = 2;

export class PeerWatch {
  readonly #runtime: Runtime;
  #intervalMs: number;
  readonly #staleReadMs: number;
  #peers = new Map<string, Peer>();
  readonly #evicted = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  #lastViewAt: number | undefined;
  /** Whether the watch has ever been interrupted: the store did not answer, or this pod stood still. */
  #interrupted = false;
  /** A call of this pod was not answered in time since the last view. */
  #unanswered = false;
  /** The first view after the last such call. */
  #answeredSince = -Infinity;

  constructor(runtime: Runtime, settings: { readonly heartbeatIntervalMs: number }, staleReadMs = 0) {
    this.#runtime = runtime;
    this.#staleReadMs = staleReadMs;
    this.#intervalMs = settings.heartbeatIntervalMs;
  }

  /** Calls back after each view that shows a pod whose process has exited. */
  onExited(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Called with each answer to a heartbeat. @param self is never dead in its own view */
  update(pods: readonly PodView[], self: PodRef): void {
    const gap = this.#gapUntil(this.#runtime.monotonicMs());
    const peers = new Map<string, Peer>();
    for (const view of pods) {
      const { incarnation } = view.pod;
      if (incarnation === self.incarnation || this.#evicted.has(incarnation)) continue;
      peers.set(incarnation, this.#watched(view, this.#peers.get(incarnation), gap));
    }
    this.#peers = peers;
    for (const incarnation of this.#evicted) {
      if (!pods.some((view) => view.pod.incarnation === incarnation)) this.#evicted.delete(incarnation);
    }
    if ([...peers.values()].some(({ view }) => hasExited(view))) for (const listener of this.#listeners) listener();
  }

  /** @param intervalMs how often this pod sends heartbeats from the last view on */
  pace(intervalMs: number): void {
    this.#intervalMs = intervalMs;
  }

  /** The store has not answered this pod for a long time: the time that the pod has counted is discarded. */
  reset(): void {
    this.#peers.clear();
    this.unanswered();
  }

  /** This pod sleeps. It was not interrupted: it begins anew with its next view, as a pod does that has just started. */
  rest(): void {
    this.#peers.clear();
    this.#lastViewAt = undefined;
  }

  /** A call of this pod failed or hung. */
  unanswered(): void {
    this.#unanswered = true;
    this.interrupt();
  }

  /** This pod has stood still. */
  interrupt(): void {
    this.#interrupted = true;
  }

  /** Whether a peer has been silent for longer than it has stated, as of the last view. Once it has been watched for long enough, it is dead. */
  get anySilent(): boolean {
    return [...this.#peers.values()].some(({ view }) => isSilent(view));
  }

  /** The dead, as of the last view. */
  dead(): readonly DeadPod[] {
    const dead: DeadPod[] = [];
    for (const peer of this.#peers.values()) {
      const { pod, silentForMs } = peer.view;
      const reason = this.#reasonOf(peer);
      if (reason !== undefined) dead.push({ pod, silentForMs, reason });
    }
    return dead;
  }

  /** These have been evicted. They are not reported as dead again while the last view still shows them. */
  evicted(pods: readonly PodRef[]): void {
    for (const { incarnation } of pods) {
      this.#peers.delete(incarnation);
      this.#evicted.add(incarnation);
    }
  }

  #gapUntil(now: number): Gap {
    const before = this.#lastViewAt ?? now;
    if (now - before > LONGEST_GAP * this.#intervalMs) this.interrupt();
    if (this.#unanswered) this.#answeredSince = now;
    this.#unanswered = false;
    this.#lastViewAt = now;
    return { countedMs: Math.min(now - before, this.#intervalMs), answeredForMs: before - this.#answeredSince };
  }

  #reasonOf({ view, watchedMs }: Peer): DeadPod['reason'] | undefined {
    if (hasExited(view)) return 'exited';
    return isSilent(view) && watchedMs >= this.#longEnoughMs(view) ? 'silent' : undefined;
  }

  #longEnoughMs(view: PodView): number {
    return this.#interrupted ? view.deadAfterMs : this.#heardWithinMs(view);
  }

  #heardWithinMs({ heartbeatMs, deadAfterMs }: PodView): number {
    return Math.min(deadAfterMs, heardWithinMs(heartbeatMs, deadAfterMs) + this.#staleReadMs);
  }

  #watched(view: PodView, before: Peer | undefined, { countedMs, answeredForMs }: Gap): Peer {
    if (before?.view.beat !== view.beat) return { view, watchedMs: 0 };
    const hadTime = answeredForMs >= this.#heardWithinMs(view);
    const counts = hadTime && (this.#noticesOutages(view) || isSilent(before.view));
    return { view, watchedMs: before.watchedMs + (counts ? countedMs : 0) };
  }

  /** Whether no outage that made this peer seem dead could fall between two of our views. */
  #noticesOutages(view: PodView): boolean {
    return (LONGEST_GAP + 1) * this.#intervalMs <= view.deadAfterMs;
  }
}

/** A fact, which needs no watching. A pod that is asleep holds nothing, and is never evicted. */
function hasExited(view: PodView): boolean {
  return view.exited && !view.asleep;
}
