/**
 * The checks of the fleet, from what the store shows of its pods and steps.
 *
 * Invariants: if the store could not be read, none of them applies. A finding of the store says why.
 */
import { isLive, isSilent, type PodView, type StoreStats } from '../store/contract.js';
import { checks, failure, ok, warning } from '../store/diagnosis/check.js';

export interface FleetState {
  /** The version of this library. */
  readonly version: string;
  readonly counts: StoreStats | undefined;
  readonly pods: readonly PodView[] | undefined;
  readonly handled: ReadonlySet<unknown> | undefined;
}

/** A step that has been due for longer waits too long, unless the fleet is busy. */
const LONG_DUE_MS = 60_000;
/** As many names as a message shows. */
const MOST_SHOWN = 5;

export const FLEET_CHECKS = checks<FleetState>([
  {
    check: 'pods',
    why: 'Steps run only if a pod is live.',
    look: ({ pods, counts }) => {
      if (pods === undefined) return undefined;
      const live = pods.filter(isLive);
      const asleep = pods.filter((pod) => pod.asleep);
      const gone = pods.filter((pod) => pod.exited || isSilent(pod));
      const due = counts?.due ?? 0;
      if (live.length + asleep.length === 0 && due > 0)
        return failure(`No pod is live, and ${stepsAreDue(due)}.`, 'Start a pod: fleet-q worker, or queue.start().');
      if (live.length + asleep.length === 0) return warning('No pod is live.', 'Start a pod before you submit steps.');
      const counted = `${live.length} live, ${asleep.length} asleep`;
      if (gone.length === 0) return ok(`${counted}.`);
      const ids = shown(gone.map(({ pod }) => pod.podId));
      const advice = 'The leader evicts them within two recovery intervals. If they stay, look at the leader.';
      return warning(`${counted}, ${gone.length} silent or exited and not evicted yet: ${ids}.`, advice);
    },
  },
  {
    check: 'leader',
    why: 'The leader recovers the steps of dead pods, and removes old ones.',
    look: ({ pods }) => {
      const live = pods?.filter(isLive) ?? [];
      if (live.length === 0) return undefined;
      const eligible = live.filter((pod) => pod.eligible);
      if (eligible.length > 0) return ok(`${eligible.length} of ${live.length} live pods may lead.`);
      const advice = 'Look at the logs of the oldest pod: its recovery cycles fail, or it is draining.';
      return warning('No live pod may lead; the oldest one leads nevertheless.', advice);
    },
  },
  {
    check: 'pod-versions',
    why: 'Pods of two versions work together during a deployment, and a feature works once all have it.',
    look: ({ pods, version }) => {
      const versions = new Set(pods?.filter(isLive).flatMap(({ meta }) => versionOf(meta['version'])) ?? []);
      versions.add(version);
      const all = [...versions].sort();
      if (all.length === 1) return ok(`fleet-q ${version}, here and on every live pod that the store shows.`);
      return warning(`fleet-q ${all.join(', ')}; this process has ${version}.`, 'Finish the deployment.');
    },
  },
  {
    check: 'pod-clocks',
    why: 'A pod whose wall clock is wrong submits steps with a wrong runAt, and its log lines mislead.',
    look: ({ pods }) => {
      const live = pods?.filter(isLive) ?? [];
      const odd = live.flatMap(({ pod, meta }) => {
        const ahead = meta['wallAheadMs'];
        return typeof ahead === 'number' && ahead !== 0 ? [`${pod.podId} (${seconds(ahead)})`] : [];
      });
      if (odd.length === 0)
        return live.length === 0 ? undefined : ok('No live pod reports a wall clock that differs by over a second.');
      const advice = 'Set the clocks of these hosts, by NTP or chrony.';
      return warning(`Wall clocks differ from the store's by over a second: ${shown(odd)}.`, advice);
    },
  },
  {
    check: 'unhandled-types',
    why: 'A step whose type no pod handles, awake or asleep, waits until one does.',
    look: ({ counts, handled, pods }) => {
      if (counts === undefined || pods === undefined) return undefined;
      if (handled === undefined) return ok('Not known: a pod has too many types to report them.');
      const waiting = Object.entries(counts.byType).filter(([type, { pending }]) => pending > 0 && !handled.has(type));
      if (waiting.length === 0) return ok('Every type that has pending steps is handled by a pod, awake or asleep.');
      const types = shown(waiting.map(([type, { pending }]) => `${JSON.stringify(type)} (${pending} pending)`));
      return warning(`No pod handles ${types}.`, 'Deploy a pod that registers these types, or cancel the steps.');
    },
  },
  {
    check: 'oldest-due-step',
    why: 'A step that is due and is not claimed waits for a free slot, or for a pod that handles its type.',
    look: ({ counts }) => {
      if (counts === undefined) return undefined;
      const { due, oldestDueMs } = counts;
      if (oldestDueMs === null) return ok('No step is due.');
      const message = `${stepsAreDue(due)}, the oldest for ${seconds(oldestDueMs)}.`;
      if (oldestDueMs <= LONG_DUE_MS) return ok(message);
      return warning(message, 'Add pods or slots, or look at unhandled-types and at how long handlers run.');
    },
  },
]);

function versionOf(value: unknown): string[] {
  return typeof value === 'string' && /^[\w.+-]{1,64}$/.test(value) ? [value] : [];
}

function stepsAreDue(count: number): string {
  return count === 1 ? '1 step is due' : `${count} steps are due`;
}

/** As seconds, with a sign only if negative. */
function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** The first names, and how many more there are. */
export function shown(names: readonly string[]): string {
  const more = names.length - MOST_SHOWN;
  const first = names.slice(0, MOST_SHOWN).map((name) => (name.length > 80 ? `${name.slice(0, 79)}…` : name));
  return more > 0 ? `${first.join(', ')} and ${more} more` : first.join(', ');
}
