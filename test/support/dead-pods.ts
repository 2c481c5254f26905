/** Pods that have died while they held steps, in a file of SQLite, and a leader that recovers only when it is asked. */
import { expect } from 'vitest';
import type { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { claimTokenOf } from '../../src/step/crash-suspect.js';
import { claimed, joined, newStore, rawConnection } from '../store/sqlite/support/files.js';
import { newStep } from '../conformance/harness.js';
import { newQueue, temporaryPath } from './queues.js';

/** The dead, and what each held: `killer` has killed so many pods that the next cycle makes it terminal. */
export const DEAD = [
  { podId: 'bob', incarnation: 'life-of-bob', steps: ['innocent-1', 'innocent-2'] },
  { podId: 'eve', incarnation: 'life-of-eve', steps: ['killer'] },
] as const;

/** A leader that has noticed the deaths, and has not recovered anything. */
export async function leaderOfTheDead(): Promise<FleetQ> {
  const path = temporaryPath();
  const queue = newQueue({
    store: sqlite({ path }),
    podId: 'leader',
    heartbeatIntervalMs: 30,
    deadAfterMs: 60_000,
    recoveryIntervalMs: 3_600_000,
  });
  await queue.start();
  await expect.poll(() => queue.health().isLeader).toBe(true); // and has found nothing to recover
  const store = await newStore({ path });
  await store.open();
  for (const { steps, ...pod } of DEAD) {
    await joined(store, pod, 150);
    await store.submit(steps.map((stepId) => newStep({ stepId })));
    const token = claimTokenOf(pod.podId, true);
    const claims = await claimed(store, { token }, pod);
    expect(claims.map(({ stepId }) => stepId).sort()).toEqual([...steps]);
  }
  const raw = rawConnection(path);
  raw.pragma('busy_timeout = 5000'); // the leader writes its heartbeats
  raw.prepare(`UPDATE STEP_TRACKER SET crashes = 3 WHERE step_id = 'killer'`).run();
  await expect
    .poll(async () => (await queue.runRecovery({ dryRun: true }).catch(() => undefined))?.deadPods.length)
    .toBe(DEAD.length);
  return queue;
}
