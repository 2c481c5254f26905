/**
 * Elects the leader: the oldest live eligible pod; if no pod is eligible, the oldest live one.
 *
 * Invariants:
 * - Each answer to a heartbeat decides; the elector sends no query of its own. The age is measured by the store's
 *   clock. If two pods have the same age, the smaller incarnation id wins. A pod whose process has provably exited is
 *   not live, even if it has not been evicted yet.
 * - Leadership ends by itself when the pod is fenced.
 * - Correctness does not depend on leadership: two leaders for a short time do no harm.
 */
import { EVENT_LINES, logEvent, type Events } from '../events.js';
import type { Log } from '../log.js';
import { isLive, type PodRef, type PodView } from '../store/contract.js';
import type { SelfFence } from './self-fence.js';

/**
 * One term of leadership. When it is over, `isLeader` stays false for this object, even if the same pod leads again.
 */
export interface Leadership {
  readonly isLeader: boolean;
}

/** The leader among these pods. */
export function electLeader(pods: readonly PodView[]): PodView | undefined {
  const live = pods.filter(isLive);
  const eligible = live.filter((view) => view.eligible);
  return (eligible.length > 0 ? eligible : live).toSorted(byAge)[0];
}

/** The oldest first. */
export function byAge(a: PodView, b: PodView): number {
  return b.ageMs - a.ageMs || (a.pod.incarnation < b.pod.incarnation ? -1 : 1);
}

export class Elector {
  readonly #fence: SelfFence;
  readonly #events: Events;
  readonly #log: Log;
  readonly #listeners: (() => void)[] = [];
  #pods: readonly PodView[] = [];
  #leader: PodView | undefined;
  #term: { readonly pod: PodRef } | undefined;

  constructor(fence: SelfFence, events: Events, log: Log) {
    this.#fence = fence;
    this.#events = events;
    this.#log = log;
    fence.onFence(() => this.lapse());
  }

  /** Every incarnation that has neither left nor been evicted, as of the last answered heartbeat. */
  get pods(): readonly PodView[] {
    return this.#pods;
  }

  /** The leader, as of the last answered heartbeat. */
  get leader(): PodView | undefined {
    return this.#leader;
  }

  /** Whether this pod leads now. */
  get isLeader(): boolean {
    return this.leadership().isLeader;
  }

  /** The present term of this pod. If it does not lead, a term that is over. */
  leadership(): Leadership {
    const term = this.#term;
    const holds = (): boolean => term !== undefined && term === this.#term && this.#fence.mayProceed();
    return {
      get isLeader() {
        return holds();
      },
    };
  }

  /** Calls `listener` each time this pod becomes the leader. */
  onElected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Called with each answer to a heartbeat. */
  update(pods: readonly PodView[], self: PodRef): void {
    this.#pods = pods;
    this.#leader = electLeader(pods);
    const leads = this.#leader?.pod.incarnation === self.incarnation && !this.#fence.final;
    if (!leads) return this.lapse();
    if (this.#term?.pod.incarnation === self.incarnation) return;
    this.#term = { pod: self };
    logEvent(this.#log, EVENT_LINES.leaderElected, self);
    this.#events.emit('leader:elected', { ...self });
    for (const listener of this.#listeners) listener();
  }

  /** This pod gets no more views of the fleet, so it must not answer with the last one. */
  reset(): void {
    this.#pods = [];
    this.#leader = undefined;
  }

  /** This pod stops leading, until an answer to a heartbeat elects it again. */
  lapse(): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    logEvent(this.#log, EVENT_LINES.leaderLost, term.pod);
    this.#events.emit('leader:lost', { ...term.pod });
  }
}
