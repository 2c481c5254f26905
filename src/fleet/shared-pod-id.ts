/**
 * The pods of this process that are in a fleet, whichever queue, and whichever copy of the library, they belong to.
 *
 * Invariants: two queues of one process under one `podId` on one store are reported once, by the younger, with the name
 * and the value of the option; the elder looks at once, so that it stops claiming. Pods of other processes,
 * and of other stores, are no concern of this: they have other incarnations in the view.
 */
import type { Log } from '../log.js';
import type { PodRef } from '../store/contract.js';

const KEY = Symbol.for('fleet-q.pods');
const WARNING = { type: 'FleetQWarning', code: 'FLEET_Q_POD_ID_SHARED' };

/** By incarnation: what makes the pod look at its fleet. */
type Pods = Map<string, () => void>;

function podsOfProcess(): Pods {
  const shared = globalThis as { [KEY]?: Pods };
  return (shared[KEY] ??= new Map());
}

/** The pod has registered. */
export function enter(pod: PodRef, lookNow: () => void): void {
  podsOfProcess().set(pod.incarnation, lookNow);
}

export function leave(pod: PodRef): void {
  podsOfProcess().delete(pod.incarnation);
}

/** These were there before the pod, under its podId. Those of other processes are left alone. */
export function supersede(elders: Iterable<string>, pod: PodRef, log: Log): void {
  for (const incarnation of elders) {
    const lookNow = podsOfProcess().get(incarnation);
    if (lookNow === undefined) continue;
    lookNow();
    const text =
      `podId: ${JSON.stringify(pod.podId)} is the podId of another started queue of this process on the same store. ` +
      'That one now drains for good and claims nothing more. Stop it first, or give each queue a podId of its own';
    log.warn({ ...pod, elder: incarnation }, text);
    process.emitWarning(text, WARNING);
  }
}
