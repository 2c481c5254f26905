/**
 * Who is of the fleet, as this pod has seen it: what `pod:joined` and `pod:left` report.
 *
 * Invariants:
 * - Every pod reports both, as its own heartbeats show it. `pod:joined`: an incarnation has registered. The pod reports
 *   itself; those that were there before it are not reported. `pod:left`: an incarnation is no longer of the fleet, whether
 *   it left or was evicted (of which the leader reports `pod:dead` besides).
 * - A late read reports nothing. An incarnation that the view does not show has left only if the heartbeat was sent at least
 *   `staleReadMs` after it was first shown. One that has left does not join again.
 */
import type { Events } from '../events.js';
import type { PodRef, PodView } from '../store/contract.js';
import { byAge } from './elector.js';

interface Member {
  readonly pod: PodRef;
  /** When a view that showed it was here first. */
  readonly since: number;
}

export class MembershipEvents {
  readonly #events: Events;
  readonly #staleReadMs: number;
  #members: ReadonlyMap<string, Member> | undefined;
  /** Incarnations that have left, and when: a late read may still show them. */
  readonly #departed = new Map<string, number>();
  /** Incarnations of our podId that were there before us. */
  readonly #elders = new Set<string>();
  readonly #reported = new Set<string>();

  constructor(events: Events, staleReadMs = 0) {
    this.#events = events;
    this.#staleReadMs = staleReadMs;
  }

  /** A heartbeat's answer. @param times when it was sent, and when its answer was here */
  see(
    pods: readonly PodView[],
    self: PodRef,
    { askedAt, now }: { readonly askedAt: number; readonly now: number },
  ): void {
    const shown = new Map(pods.map(({ pod }) => [pod.incarnation, pod]));
    const isFirst = this.#members === undefined;
    const before = this.#members ?? new Map<string, Member>();
    const members = new Map<string, Member>();
    for (const [incarnation, at] of this.#departed) {
      if (askedAt - at >= this.#staleReadMs) this.#departed.delete(incarnation);
    }
    for (const [incarnation, member] of before) {
      if (shown.has(incarnation) || askedAt - member.since < this.#staleReadMs) members.set(incarnation, member);
      else this.#depart(member.pod, now);
    }
    for (const [incarnation, pod] of shown) {
      if (before.has(incarnation) || this.#departed.has(incarnation)) continue;
      members.set(incarnation, { pod, since: now });
      if (!isFirst || incarnation === self.incarnation) this.#events.emit('pod:joined', { ...pod });
    }
    this.#members = members;
  }

  #depart(pod: PodRef, now: number): void {
    this.#departed.set(pod.incarnation, now);
    this.#events.emit('pod:left', { ...pod });
  }

  /**
   * The younger incarnation under our podId, if there is one: it has taken our place. Where we are no longer in the
   * view our age cannot be compared, but those that were there before us are known.
   */
  successor(pods: readonly PodView[], self: PodRef): PodRef | undefined {
    const namesakes = pods.filter(({ pod }) => pod.podId === self.podId && pod.incarnation !== self.incarnation);
    const own = pods.find(({ pod }) => pod.incarnation === self.incarnation);
    for (const view of namesakes) if (own !== undefined && byAge(view, own) < 0) this.#elders.add(view.pod.incarnation);
    return namesakes.find(({ pod }) => !this.#elders.has(pod.incarnation))?.pod;
  }

  /** Incarnations of our podId that were there before us, each once. Known once {@link MembershipEvents.successor} has looked. */
  newElders(): readonly string[] {
    const fresh = [...this.#elders].filter((incarnation) => !this.#reported.has(incarnation));
    for (const incarnation of fresh) this.#reported.add(incarnation);
    return fresh;
  }

  /** We have left. */
  left(self: PodRef): void {
    const members = new Map(this.#members);
    if (!members.delete(self.incarnation)) return;
    this.#members = members;
    this.#events.emit('pod:left', { ...self });
  }
}
