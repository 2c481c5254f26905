/** The steps of the workers that the rolling update replaces. */
import { setTimeout as pause } from 'node:timers/promises';
import { defineStep } from 'fleet-q';

export const work = defineStep({
  type: 'work',
  async run({ ms }, { signal }) {
    await pause(ms, undefined, { signal });
    return { ms };
  },
});
