/** The checks of a queue that no store can make: this process, its pod, and the fleet as the store shows it. */
import type { Health } from '../fleet/health.js';
import type { PodView, StoreStats } from '../store/contract.js';
import { checks, failure, ok, warning } from '../store/diagnosis/check.js';
import { FLEET_CHECKS } from './fleet-checks.js';

export interface QueueState {
  /** The version of this library. */
  readonly version: string;
  readonly health: Health;
  /** Whether this process has a pod. */
  readonly hasPod: boolean;
  /** Handlers of this pod that still run after their claims were aborted. */
  readonly strays: number;
  /** The versions of the runtime: `process.versions`. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** `undefined` if the store could not be read. */
  readonly counts: StoreStats | undefined;
  readonly pods: readonly PodView[] | undefined;
  /** The types that live pods handle; `undefined` if they are not known. */
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
    look: ({ strays, health, hasPod }) => {
      if (!hasPod) return undefined;
      if (strays === 0) return ok('No handler runs on after its claim was aborted.');
      const message = `${strays} of ${health.maxCapacity} slots are held by handlers whose claims were aborted.`;
      const advice = 'Pass ctx.signal to what the handler awaits, or check ctx.signal.aborted in its loops.';
      return strays >= health.maxCapacity ? failure(message, advice) : warning(message, advice);
    },
  },
  ...FLEET_CHECKS,
]);
