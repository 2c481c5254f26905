/** What work costs: statements, counted by the warehouse's meter. */
import { FleetQ } from 'fleet-q';
import { expect, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const STEPS = 5_000;

describeOnTestBed('one pod with instant handlers and bulk submission', () => {
  const { bed, options, place } = useStores();

  test('takes at most ten statements for a thousand steps', { timeout: 180_000 }, async () => {
    const store = snowflake({ connection: options(), ...place() });
    const queue = new FleetQ({ store }).register('work', () => {});
    let done = 0;
    const finished = new Promise<void>((resolve) => {
      queue.on('step:completed', () => ++done === STEPS && resolve());
    });
    await queue.start();
    bed().meter.reset();
    await queue.submitMany(Array.from({ length: STEPS }, () => ({ type: 'work' as const })));
    await finished;
    const { statements, byKind } = bed().meter.report(({ kind }) => kind !== 'session');
    await queue.stop();
    expect((statements * 1_000) / STEPS, JSON.stringify(byKind)).toBeLessThanOrEqual(10);
  });
});
