/**
 * Who is of the fleet, as this pod has seen it: what `pod:joined` and `pod:left` tell.
 *
 * Law: every pod tells both, as its own heartbeats show it. `pod:joined`: an incarnation has registered; the pod itself
 * tells its own, those that were there before it are not told. `pod:left`: an incarnation is no longer of the fleet,
 * whether it left or was evicted (of which the leader tells `pod:dead` besides).
 */
import type { Events } from '../events.js';
import type { PodRef, PodView } from '../store/contract.js';
import { byAge } from './elector.js';

export class Roster {
  readonly #events: Events;
  #members: ReadonlyMap<string, PodRef> | undefined;
  /** Incarnations of our podId that were there before us. */
  readonly #elders = new Set<string>();

  constructor(events: Events) {
    this.#events = events;
  }

  /** A heartbeat's answer. */
  see(pods: readonly PodView[], self: PodRef): void {
    const members = new Map(pods.map(({ pod }) => [pod.incarnation, pod]));
    const before = this.#members ?? new Map([...members].filter(([incarnation]) => incarnation !== self.incarnation));
    this.#members = members;
    for (const [incarnation, pod] of before) if (!members.has(incarnation)) this.#events.emit('pod:left', { ...pod });
    for (const [incarnation, pod] of members) if (!before.has(incarnation)) this.#events.emit('pod:joined', { ...pod });
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

  /** Incarnations of our podId in the view that were there before us. Known once {@link Roster.successor} has looked. */
  get elders(): ReadonlySet<string> {
    return this.#elders;
  }

  /** We have left. */
  left(self: PodRef): void {
    const members = new Map(this.#members);
    if (!members.delete(self.incarnation)) return;
    this.#members = members;
    this.#events.emit('pod:left', { ...self });
  }
}
