/** A list of steps with long values does not keep the event loop. */
import { expect, test, vi } from 'vitest';
import type { Step } from 'fleet-q';
import { isLongerThan } from '../../src/http/answers/bounded.js';
import { listedSteps } from '../../src/http/answers/step.js';

test('others get their turn while many steps are prepared', async () => {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 6)); // each step takes longer than a slice
  try {
    let turns = 0;
    const others = setInterval(() => turns++);
    const listed = await listedSteps(
      Array.from({ length: 20 }, (_, n) => ({ stepId: `s${n}`, args: n }) as unknown as Step),
      { hides: () => false },
    );
    clearInterval(others);
    expect(turns).toBeGreaterThan(5);
    expect(listed.map(({ step_id }) => step_id)).toEqual(Array.from({ length: 20 }, (_, n) => `s${n}`));
  } finally {
    clock.mockRestore();
  }
});

test('a long list is measured no further than its limit', () => {
  let read = 0;
  const list = new Proxy(Array<number>(100_000).fill(1), {
    get: (target, key, self) => {
      if (typeof key === 'string' && key !== 'length') read++;
      return Reflect.get(target, key, self) as unknown;
    },
  });
  expect(isLongerThan(list, 2_048)).toBe(true);
  expect(read).toBeLessThan(1_000);
});
