/** End-to-end tests for every store: three pods and a client, through the public API only. */
import { describe } from 'vitest';
import type { Ground } from './ground.js';
import { living } from './life.js';
import { working } from './work.js';

export { type Ground, type Line } from './ground.js';

/** Runs the tests on the ground that `ground` returns. */
export function describeFleet(name: string, ground: () => Ground): void {
  describe(name, () => {
    working(ground);
    living(ground);
  });
}
