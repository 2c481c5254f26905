/**
 * Warns when two queues of one process use the same `podId` on the same store.
 *
 * Invariants:
 * - The younger queue warns, once, and names the option and its value. The elder sends a heartbeat at once, so that it
 *   stops claiming.
 * - All copies of the library in a process share one list of pods.
 * - Pods of other processes and of other stores are ignored: a heartbeat's answer shows them under other incarnations. A runtime
 *   other than the system's stands for a process of its own.
 */
import type { Log } from '../log.js';
import { systemRuntime, type Runtime } from '../runtime/runtime.js';
import type { PodRef } from '../store/contract.js';

const KEY = Symbol.for('fleet-q.pods');
const WARNING = { type: 'FleetQWarning', code: 'FLEET_Q_POD_ID_SHARED' };

/** By incarnation: what makes the pod send a heartbeat. */
type Pods = Map<string, () => void>;

function podsOfProcess(): Pods {
  const shared = globalThis as { [KEY]?: Pods };
  return (shared[KEY] ??= new Map());
}

/** The pod has registered. */
export function addPod(pod: PodRef, beatNow: () => void, runtime: Runtime): void {
  if (runtime !== systemRuntime) return;
  podsOfProcess().set(pod.incarnation, () => void runtime.after(0, beatNow, { ref: false }));
}

export function removePod(pod: PodRef): void {
  podsOfProcess().delete(pod.incarnation);
}

/** @param elders incarnations under the podId of `pod` that are older than it */
export function warnOfSharedPodId(elders: Iterable<string>, pod: PodRef, log: Log): void {
  for (const incarnation of elders) {
    const beatNow = podsOfProcess().get(incarnation);
    if (beatNow === undefined) continue;
    beatNow();
    const text =
      `podId: ${JSON.stringify(pod.podId)} is the podId of another started queue of this process on the same store. ` +
      'The older queue now drains permanently and claims nothing more. Stop it first, or give each queue its own podId';
    log.warn({ ...pod, peerIncarnation: incarnation }, text);
    process.emitWarning(text, WARNING);
  }
}
