/** The demo on Snowflake: it starts the test bed, plays the same scenario on it, and removes everything afterwards. */
import { expect, test } from 'vitest';
import { startDemo, summaryOf } from '../support/demo.js';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';

const FILES = 700;

describeOnTestBed('the demo on Snowflake', () => {
  test(
    'loses nothing and settles nothing twice when a leader is killed and a pod is frozen',
    { timeout: BED_MS },
    async () => {
      const demo = await startDemo(['--store', 'snowflake', '--json', '--files', String(FILES)]).ended;
      expect(demo.code, demo.stderr).toBe(0);
      const summary = summaryOf(demo);
      expect(summary).toMatchObject({ submitted: FILES, completed: FILES, lost: 0, wrong: 0, settledTwice: 0 });
      expect(summary.recovered).toBeGreaterThanOrEqual(1);
      expect(summary.staleRefused).toBeGreaterThanOrEqual(1);
      expect(summary.ranTwice).toBeGreaterThanOrEqual(1);
      expect(summary.recoveryMs).toBeGreaterThan(0);
      expect(demo.left).toEqual([]);
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
