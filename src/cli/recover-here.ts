/**
 * Runs recovery cycles from this process, which joins the fleet for that time.
 *
 * Invariants:
 * - The pod handles no step type, so it claims nothing. Its id is its own, so it supersedes no other pod.
 * - It leaves the fleet at the end, whatever happens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetQError, type AnyFleetQ } from '../index.js';
import { FailedError } from './exit-codes.js';
import type { Io } from './io.js';
import { cycleOf, type Cycle } from './output/cycle-view.js';
import type { Format } from './output/records.js';
import type { PodFlags } from './pod-api.js';
import { withQueue, type StoreFlags } from './store-option.js';

export interface RecoverFlags extends StoreFlags, PodFlags {
  readonly dryRun?: true;
  readonly force?: true;
  readonly wait?: number;
  readonly output: Format;
}

const AGAIN_AFTER_MS = 1_000;

export function recoverHere(io: Io, flags: RecoverFlags): Promise<readonly Cycle[]> {
  return withQueue(io, flags, 'existing', async (queue, signal) => {
    const cycles = new Map<string, Cycle>();
    // As the leader, the pod runs cycles of its own, too.
    queue.on('recovery:completed', (summary) => void cycles.set(summary.cycleId, cycleOf(summary)));
    await queue.start();
    const endsAt = Date.now() + (flags.wait ?? 0);
    for (;;) {
      const summary = await queue.runRecovery({ force: flags.force === true }).catch(naming(queue));
      cycles.set(summary.cycleId, cycleOf(summary));
      const silent = await silentPods(queue);
      if (silent.length === 0) break;
      if (Date.now() >= endsAt) {
        const hint = 'not yet watched for long enough to be declared dead; use --wait 1m';
        await io.complain(`still silent: ${silent.join(', ')}: ${hint}`);
        break;
      }
      await sleep(AGAIN_AFTER_MS, undefined, { signal });
    }
    const done = [...cycles.values()];
    const telling = done.filter((cycle) => cycle.dead_pods.length > 0 || cycle.orphan_count > 0);
    return telling.length > 0 ? telling : done.slice(-1);
  });
}

async function silentPods(queue: AnyFleetQ): Promise<readonly string[]> {
  const pods = await queue.pods();
  return pods.filter(({ live, asleep }) => !live && !asleep).map(({ podId }) => podId);
}

/** Names the leader, to which the user can turn. */
function naming(queue: AnyFleetQ): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!(error instanceof FleetQError) || error.code !== 'NOT_LEADER') throw error;
    const { currentLeader } = await queue.leader();
    const leader = currentLeader === null ? 'no pod leads the fleet now' : `the pod ${currentLeader} leads the fleet`;
    throw new FailedError(`${leader}; ask it with --url, or pass --force (${error.code})`);
  };
}
