/** The demo on Snowflake: it starts the test bed, plays its scenario on it, and removes everything afterwards. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { expectPromisesKept, startDemo } from '../support/demo.js';
import { temporaryFolder } from '../support/temp.js';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';

const FILES = 700;

/** What the test bed reads from the tables, by SQL of its own, when the demo has ended. */
interface Counts {
  readonly claims: number;
  readonly crashes: number;
  readonly evicted: readonly string[];
}

describeOnTestBed('the demo on Snowflake', () => {
  test(
    'ten pods lose nothing and settle nothing twice when the head of the log and the leader are killed and a pod is frozen',
    { timeout: 3 * BED_MS },
    async () => {
      const file = path.join(temporaryFolder(), 'counts.json');
      const args = ['--store', 'snowflake', '--json', '--files', String(FILES)];
      const demo = await startDemo(args, { FLEET_Q_TEST_COUNTS: file }).ended;
      const { kills } = expectPromisesKept(demo, FILES);
      expect(kills.map(({ reason }) => reason)).toEqual(['head of the log', 'leader']);
      expect(demo.stderr).toMatch(
        /, the head of the exchange log, was killed with SIGKILL while it served [1-9] other pods/,
      );

      const counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
      expect(counts).toMatchObject({ rows: FILES, ids: FILES, completed: FILES, claimed: 0 });
      // Each row was claimed and settled in turn, and its last settlement is that of its last claim.
      expect(counts).toMatchObject({ settledByTheirClaim: FILES, podsThatAsked: 10 });
      // What the killed and the frozen pods held was claimed again.
      expect(counts.crashes).toBeGreaterThan(0);
      expect(counts.claims).toBeGreaterThanOrEqual(FILES + counts.crashes);
      expect(counts.evicted.length).toBeGreaterThanOrEqual(3);
      expect(counts.evicted).toEqual(expect.arrayContaining(kills.map(({ podId }) => podId)));
    },
  );

  test(
    'Ctrl-C, while two pods are dead and another is frozen, leaves nothing running or behind',
    { timeout: 3 * BED_MS },
    async () => {
      const demo = startDemo(['--store', 'snowflake', '--pods', '4', '--files', String(FILES)]);
      demo.child.stdout!.on('data', (chunk: Buffer) => {
        if (chunk.includes('was frozen with SIGSTOP')) demo.interrupt();
      });
      const ended = await demo.ended;
      expect(ended.stderr).toContain('interrupted by SIGINT');
      expect(ended).toMatchObject({ code: 130, left: [] });
    },
  );
});
