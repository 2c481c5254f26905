/** The checks of a queue that no store can make: this process, its pod, and the fleet as the store shows it. */
import type { Health } from '../fleet/health.js';
import { isLive, type PodView, type StoreStats } from '../store/contract.js';
import { checks, failure, ok, warning } from '../store/diagnosis/check.js';
import { FLEET_CHECKS, shown } from './fleet-checks.js';

export interface QueueState {
  /** The version of this library. */
  readonly version: string;
  readonly health: Health;
  /** Whether this process has a pod. */
  readonly hasPod: boolean;
  /** The versions of the runtime: `process.versions`. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** `undefined` if the store could not be read. */
  readonly counts: StoreStats | undefined;
  readonly pods: readonly PodView[] | undefined;
  /** The types that pods handle, awake or asleep; `undefined` if they are not known. */
  readonly handled: ReadonlySet<unknown> | undefined;
}

/** The oldest Node.js that `package.json` allows. */
export const OLDEST_NODE = [20, 19] as const;

export const QUEUE_CHECKS = checks<QueueState>([
  {
    check: 'node-version',
    why: 'Older versions of Node.js lack what fleet-q and its drivers need.',
    look: ({ versions }) => {
      const { node = '' } = versions;
      const [major = 0, minor = 0] = node.split('.').map(Number);
      const [oldest, least] = OLDEST_NODE;
      if (major > oldest || (major === oldest && minor >= least)) return ok(`Node.js ${node}.`);
      return failure(`Node.js ${node}; fleet-q needs ${oldest}.${least} or later.`, 'Update Node.js.');
    },
  },
  {
    check: 'this-pod',
    why: 'A pod whose loops are stuck, or that is fenced, runs no steps.',
    look: ({ health, hasPod }) => {
      if (!hasPod) return ok('This process has not started a pod.');
      const { problems, warnings, podId } = health;
      if (problems.length > 0)
        return failure(`${podId} is unhealthy: ${problems.join('; ')}.`, 'Restart the pod if this lasts.');
      if (warnings.length > 0)
        return warning(`${podId} works, with warnings: ${warnings.join('; ')}.`, 'See the page Monitoring.');
      return ok(`${podId} is healthy, and runs ${health.currentCapacity} of ${health.maxCapacity} steps.`);
    },
  },
  {
    check: 'strays',
    why: 'A handler that ignores its signal keeps its slot after its claim has ended.',
    look: (state) => {
      const pods = straysOf(state);
      if (pods.length === 0) return undefined;
      const most = pods.filter(({ strays }) => strays > 0).sort((a, b) => b.strays / b.slots - a.strays / a.slots);
      const [worst] = most;
      if (worst === undefined) return ok('No handler runs on after its claim was aborted.');
      const names = most.map(({ podId, strays, slots }) => `${podId} (${strays} of ${slots} slots)`);
      const message = `Handlers run on after their claims were aborted: ${shown(names)}.`;
      const advice = 'Pass ctx.signal to what the handler awaits, or check ctx.signal.aborted in its loops.';
      return worst.strays >= worst.slots
        ? failure(message, `${advice} Restart a pod whose slots are all held.`)
        : warning(message, advice);
    },
  },
  ...FLEET_CHECKS,
]);

interface PodStrays {
  readonly podId: string;
  readonly strays: number;
  readonly slots: number;
}

/** The pod of this process as it is now, and the other live pods as of their last heartbeats, unless they do not report it. */
function straysOf({ health, hasPod, pods = [] }: QueueState): PodStrays[] {
  const own = { podId: health.podId, strays: health.strays, slots: health.maxCapacity };
  const others = pods.filter((view) => isLive(view) && !(hasPod && view.pod.podId === own.podId));
  const reported = others.flatMap(({ pod: { podId }, meta: { strays, slots } }) =>
    typeof strays === 'number' && typeof slots === 'number' ? [{ podId, strays, slots }] : [],
  );
  return hasPod ? [own, ...reported] : reported;
}
