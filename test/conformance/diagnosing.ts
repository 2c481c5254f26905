/** `diagnose`: every store examines itself, and changes nothing. */
import { expect, it } from 'vitest';
import { fresh, newSteps, type Harness } from './harness.js';

export function diagnosing(harness: Harness): void {
  it('returns findings that are complete, and names each check once', async () => {
    const { findings } = await harness.store.diagnose();
    expect(findings.length).toBeGreaterThan(0);
    for (const { check, level, message, why, advice } of findings) {
      expect(check).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(['ok', 'warning', 'failure']).toContain(level);
      expect(message).toMatch(/\S/);
      expect(message).not.toMatch(/undefined|NaN|\[object/);
      expect(why).toMatch(/\.$/);
      if (level === 'ok') expect(advice).toBeNull();
      else expect(advice).toMatch(/\S/);
    }
    const names = findings.map(({ check }) => check);
    expect(new Set(names).size).toBe(names.length);
  });

  it('finds no failure in a store that works', async () => {
    await harness.store.submit(newSteps(1));
    await harness.seen();
    const { findings } = await harness.store.diagnose();
    expect(findings.filter(({ level }) => level === 'failure')).toEqual([]);
  });

  it('returns the counts of the steps, and the fleet', async () => {
    const type = fresh('diagnosed');
    await harness.store.submit(newSteps(3, { type }));
    const pod = await harness.join();
    await harness.seen();
    const { counts, pods } = await harness.store.diagnose();
    expect(counts?.byType[type]?.pending).toBe(3);
    expect(pods?.map((view) => view.pod.incarnation)).toContain(pod.incarnation);
  });

  it('changes no step', async () => {
    const [step] = newSteps(1);
    await harness.store.submit([step!]);
    await harness.seen();
    const before = await harness.store.find([step!.stepId]);
    await harness.store.diagnose();
    expect(await harness.store.find([step!.stepId])).toEqual(before);
  });
}
