/**
 * Who leads: the eldest live eligible pod; where nobody is eligible, the eldest live one.
 *
 * Law: judged from each heartbeat's answer, without a question of its own; age is by the store's clock, ties by the
 * incarnation. A pod whose process has provably exited is not live, though it is not evicted yet. Leadership lapses by itself when the pod is fenced. It is an optimisation, never the safety: two leaders
 * for a moment do no harm.
 */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import { isLive, type PodRef, type PodView } from '../store/contract.js';
import type { SelfFence } from './self-fence.js';

/** One term of leadership: once over, it never holds again, whoever leads then. */
export interface Leadership {
  readonly isLeader: boolean;
}

export interface ElectorParts {
  readonly fence: SelfFence;
  readonly events: Events;
  readonly log: Log;
}

/** The leader among these. */
export function electLeader(pods: readonly PodView[]): PodView | undefined {
  const live = pods.filter(isLive);
  const eligible = live.filter((view) => view.eligible);
  return (eligible.length > 0 ? eligible : live).toSorted(byAge)[0];
}

/** The eldest first. */
export function byAge(a: PodView, b: PodView): number {
  return b.ageMs - a.ageMs || (a.pod.incarnation < b.pod.incarnation ? -1 : 1);
}

export class Elector {
  readonly #parts: ElectorParts;
  readonly #listeners: (() => void)[] = [];
  #pods: readonly PodView[] = [];
  #leader: PodView | undefined;
  #term: { readonly pod: PodRef } | undefined;

  constructor(parts: ElectorParts) {
    this.#parts = parts;
    parts.fence.onFence(() => this.lapse());
  }

  /** Every incarnation that is not final, as of the last answered heartbeat. */
  get pods(): readonly PodView[] {
    return this.#pods;
  }

  /** Who leads, as of the last answered heartbeat. */
  get leader(): PodView | undefined {
    return this.#leader;
  }

  /** Whether this pod leads now. */
  get isLeader(): boolean {
    return this.leadership().isLeader;
  }

  /** The present term of this pod; where it does not lead, one that is over. */
  leadership(): Leadership {
    const term = this.#term;
    const holds = (): boolean => term !== undefined && term === this.#term && this.#parts.fence.mayProceed();
    return {
      get isLeader() {
        return holds();
      },
    };
  }

  /** Calls back whenever this pod becomes the leader. */
  onElected(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A heartbeat's answer. */
  judge(pods: readonly PodView[], self: PodRef): void {
    this.#pods = pods;
    this.#leader = electLeader(pods);
    const leads = this.#leader?.pod.incarnation === self.incarnation && !this.#parts.fence.final;
    if (!leads) return this.lapse();
    if (this.#term?.pod.incarnation === self.incarnation) return;
    this.#term = { pod: self };
    this.#parts.log.info({ ...self }, 'elected leader');
    this.#parts.events.emit('leader:elected', { ...self });
    for (const listener of this.#listeners) listener();
  }

  /** This pod looks at the fleet no longer: what it saw last is no answer to give. */
  forget(): void {
    this.#pods = [];
    this.#leader = undefined;
  }

  /** This pod leads no longer, until a heartbeat's answer says so again. */
  lapse(): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    this.#parts.log.info({ ...term.pod }, 'no longer leader');
    this.#parts.events.emit('leader:lost', { ...term.pod });
  }
}
