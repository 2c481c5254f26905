/** What every store must bear, end to end: three pods and a client, through the public API alone. */
import { describe } from 'vitest';
import type { Ground } from './ground.js';
import { living } from './life.js';
import { working } from './work.js';

export { type Ground, type Line } from './ground.js';

/** Tests on whatever `ground` stands for when they run. */
export function describeFleet(name: string, ground: () => Ground): void {
  describe(name, () => {
    working(ground);
    living(ground);
  });
}
