/** A step that kills its pod each time, among many that do not, on one pod that is restarted each time. */
import { expect, test } from 'vitest';
import { FleetQ, type Step } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { ended, startProgram } from '../support/child.js';
import { stopped, temporaryPath } from '../support/queues.js';

test.each([
  { maxCrashes: 0, steps: 60, dies: 3 },
  { maxCrashes: 1, steps: 60, dies: 3 },
  { maxCrashes: 3, steps: 1_001, dies: 4 },
])(
  'fails only the step that kills its pod, with maxCrashes $maxCrashes',
  { timeout: 60_000 },
  async ({ maxCrashes, steps: count, dies }) => {
    const path = temporaryPath();
    const client = stopped(
      new FleetQ<{ work: { args: { kills: boolean }; result: undefined } }>({ store: sqlite({ path }) }),
    );
    const ids = await client.submitMany(
      Array.from({ length: count }, (_, i) => ({ type: 'work', args: { kills: i === count >> 1 } })),
    );
    const killer = ids[count >> 1] ?? '';

    let deaths = 0;
    for (;;) {
      const pod = startProgram('victim', [path, `victim-${deaths}`, String(maxCrashes)]);
      const died = ended(pod).then(() => 'died' as const);
      const done = client.waitFor(killer).then(
        () => 'done' as const,
        () => 'done' as const,
      );
      if ((await Promise.race([died, done])) === 'died') {
        deaths++;
        continue;
      }
      await expect
        .poll(async () => (await client.stats()).pendingSteps + (await client.stats()).claimedSteps, {
          timeout: 20_000,
        })
        .toBe(0);
      pod.kill('SIGKILL');
      await died;
      break;
    }

    const steps: Step[] = [];
    for await (const step of client.listSteps({ pageSize: 1_000 })) steps.push(step);
    expect(steps.filter(({ status }) => status !== 'completed').map(({ stepId }) => stepId)).toEqual([killer]);
    expect(steps.find(({ stepId }) => stepId === killer)).toMatchObject({
      status: 'failed',
      crashes: dies,
      error: { code: 'STEP_CRASHED_POD' },
    });
    expect(
      Math.max(...steps.filter(({ stepId }) => stepId !== killer).map(({ crashes }) => crashes)),
    ).toBeLessThanOrEqual(2);
    expect(deaths).toBe(dies);
  },
);
