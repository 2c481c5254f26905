/**
 * Finds other incarnations under this pod's podId: the younger one that replaces it, and the older ones that it replaces.
 *
 * Invariants: an incarnation that was once seen to be older stays so, also when this pod is missing from a view and its age
 * cannot be compared. Each older incarnation is reported once.
 */
import type { PodRef, PodView } from '../store/contract.js';
import { byAge } from './elector.js';

export class Supersession {
  readonly #elders = new Set<string>();
  readonly #reported = new Set<string>();

  /** The younger incarnation under our podId, if the view shows one. */
  successor(pods: readonly PodView[], self: PodRef): PodRef | undefined {
    const others = pods.filter(({ pod }) => pod.podId === self.podId && pod.incarnation !== self.incarnation);
    const own = pods.find(({ pod }) => pod.incarnation === self.incarnation);
    for (const view of others) if (own !== undefined && byAge(view, own) < 0) this.#elders.add(view.pod.incarnation);
    return others.find(({ pod }) => !this.#elders.has(pod.incarnation))?.pod;
  }

  /** The older incarnations that {@link Supersession.successor} has found since the last call. */
  newElders(): readonly string[] {
    const fresh = [...this.#elders].filter((incarnation) => !this.#reported.has(incarnation));
    for (const incarnation of fresh) this.#reported.add(incarnation);
    return fresh;
  }
}
