/** Finding which of many awaited steps have ended, whatever the clocks of the processes that ended them. */
import { describe, expect, it } from 'vitest';
import type { StepRecord } from '../../../../src/store/contract.js';
import { EndedSteps } from '../../../../src/store/sqlite/reading/ended-steps.js';
import { SlicedOperations } from '../../../../src/store/sqlite/sliced-operations.js';
import { ids, newSteps } from '../../../conformance/harness.js';
import { newCore } from '../support/files.js';

const NOW = 1_000_000;
const FAR = NOW + 1e9;
/** More than are looked up one by one. */
const MANY = 100;

/** Awaited steps, and how they end. @param count how many */
function waited(count: number) {
  const { core, connection } = newCore();
  const steps = newSteps(count);
  core.submit(1, steps);
  const end = connection.prepare(
    `UPDATE STEP_TRACKER SET status = 'completed', due = 0, last_update_ts = ? WHERE step_id = ?`,
  );
  const attempt = async <T>(operation: () => T): Promise<T> => operation();
  const parts = { core, attempt, pause: async () => undefined, monotonicMs: () => 0 };
  const scans = new SlicedOperations(parts);
  const awaited = new Set(ids(steps));
  return { parts, scans, awaited, all: ids(steps), end: (at: number, stepId: string) => void end.run(at, stepId) };
}

function polling(
  { parts, scans, awaited }: ReturnType<typeof waited>,
  find = (ids: readonly string[]) => scans.find(ids),
) {
  const endings = new EndedSteps(parts, { find });
  return async (since: string | null, now = NOW) => {
    const reply = await endings.since({ awaited, since }, now);
    return { ...reply, steps: ids(reply.steps) };
  };
}

describe('a poll of many awaited steps', () => {
  it('finds a step that another process ends with a clock slightly behind', async () => {
    const scene = waited(MANY);
    const poll = polling(scene);
    scene.end(NOW, scene.all[0]!);
    const { cursor } = await poll(null);
    scene.end(NOW - 15, scene.all[1]!);
    expect((await poll(cursor)).steps).toContain(scene.all[1]);
  });

  it.each(['the first', 'a later'])(
    'finds a step that ends now after one that ended in the future, at %s poll',
    async (which) => {
      const scene = waited(MANY);
      const poll = polling(scene);
      const far = (): void => scene.end(FAR, scene.all[0]!);
      if (which === 'the first') far();
      let { cursor } = await poll(null);
      far();
      if (which === 'a later') ({ cursor } = await poll(cursor));
      scene.end(NOW + 5, scene.all[1]!);
      expect((await poll(cursor, NOW + 10)).steps).toContain(scene.all[1]);
    },
  );

  it('continues after a poll of few steps, which may have seen one that ended in the future', async () => {
    const few = waited(MANY);
    const others = new EndedSteps(few.parts, few.scans);
    few.end(FAR, few.all[0]!);
    const { cursor } = await others.since({ awaited: new Set(few.all.slice(0, 3)), since: null }, NOW);
    few.end(NOW + 5, few.all[1]!);
    expect((await polling(few)(cursor, NOW + 10)).steps).toContain(few.all[1]);
  });

  it('misses nothing that ends while a few steps are looked up', async () => {
    const scene = waited(MANY);
    const find = async (stepIds: readonly string[]): Promise<readonly StepRecord[]> => {
      const found = await scene.scans.find(stepIds);
      scene.end(NOW + 5, scene.all[0]!);
      scene.end(NOW + 500, scene.all[1]!);
      return found;
    };
    const endings = new EndedSteps(scene.parts, { find: find as SlicedOperations['find'] });
    const few = await endings.since({ awaited: new Set(scene.all.slice(0, 3)), since: null }, NOW + 1_000);
    expect(few.steps).toEqual([]);
    expect((await polling(scene)(few.cursor, NOW + 1_000)).steps.sort()).toEqual(scene.all.slice(0, 2));
  });

  it('reads to the end of the index, even if all steps end at one instant', async () => {
    const scene = waited(2_500);
    const poll = polling(scene);
    const { cursor } = await poll(null);
    for (const stepId of scene.all) scene.end(NOW, stepId);
    expect((await poll(cursor)).steps.sort()).toEqual(scene.all);
  });

  it('omits a step that was retried before its row was read', async () => {
    const scene = waited(MANY);
    const { cursor } = await polling(scene)(null);
    for (const stepId of scene.all.slice(0, 2)) scene.end(NOW, stepId);
    const retried = async (stepIds: readonly string[]): Promise<StepRecord[]> =>
      (await scene.scans.find(stepIds)).map((step) =>
        step.stepId === scene.all[0] ? { ...step, status: 'pending' } : step,
      );
    expect((await polling(scene, retried)(cursor)).steps).toEqual([scene.all[1]]);
  });
});
