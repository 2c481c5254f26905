/** Reads from each view of the fleet who has joined and left, and whether this pod must yield to another. */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import type { FleetView, PodRef } from '../store/contract.js';
import { MembershipEvents } from './membership-events.js';
import { warnOfSharedPodId } from './pod-id-twice-in-process.js';
import type { Instant, SelfFence } from './self-fence.js';
import { Supersession } from './supersession.js';

export interface SuccessionDependencies {
  readonly runtime: Pick<Runtime, 'monotonicMs'>;
  readonly store: { readonly staleReadMs: number };
  readonly fence: Pick<SelfFence, 'drain'>;
  readonly events: Events;
  readonly log: Log;
}

export class Succession {
  readonly #deps: SuccessionDependencies;
  readonly #members: MembershipEvents;
  readonly #supersession = new Supersession();

  constructor(deps: SuccessionDependencies) {
    this.#deps = deps;
    this.#members = new MembershipEvents(deps.events, deps.log, deps.store.staleReadMs);
  }

  /** Emits who joined and left, and drains the pod if a younger incarnation or a newer version has taken over. */
  check(view: FleetView, pod: PodRef, sent: Instant): void {
    const { fence, log, runtime } = this.#deps;
    const successor = this.#supersession.successor(view.pods, pod);
    this.#members.update(view.pods, pod, { askedAt: sent.monotonicMs, now: runtime.monotonicMs() });
    warnOfSharedPodId(this.#supersession.newElders(), pod, log);
    if (successor !== undefined) fence.drain('superseded');
    else if (view.outdated) fence.drain('outdated');
  }

  /** This pod has left the fleet. */
  left(pod: PodRef): void {
    this.#members.left(pod);
  }
}
