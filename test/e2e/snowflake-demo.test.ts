/** The demo on Snowflake: it starts the test bed, plays the same scenario on it, and removes everything afterwards. */
import { expect, test } from 'vitest';
import { expectPromisesKept, startDemo } from '../support/demo.js';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';

const FILES = 700;

describeOnTestBed('the demo on Snowflake', () => {
  test(
    'loses nothing and settles nothing twice when a leader is killed and a pod is frozen',
    { timeout: BED_MS },
    async () => {
      const demo = await startDemo(['--store', 'snowflake', '--json', '--files', String(FILES)]).ended;
      expectPromisesKept(demo, FILES);
    },
  );

  test(
    'Ctrl-C, while one pod is dead and another frozen, leaves nothing running or behind',
    { timeout: BED_MS },
    async () => {
      const demo = startDemo(['--store', 'snowflake', '--files', String(FILES)]);
      demo.child.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.includes('was frozen with SIGSTOP')) demo.interrupt();
      });
      const ended = await demo.ended;
      expect(ended.stderr).toContain('interrupted by SIGINT');
      expect(ended).toMatchObject({ code: 130, left: [] });
    },
  );
});
