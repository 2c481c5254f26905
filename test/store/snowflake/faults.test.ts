/** Everything that can go wrong on the way, at random, under three pods at work: nothing is lost, nothing settled twice. */
import { FleetQ } from 'fleet-q';
import { expect, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import type { Fault } from '../../support/warehouse/faults.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals } from '../../support/warehouse/wire.js';
import { useStores } from './support/stores.js';

const STEPS = Number(process.env['STEPS'] ?? 1_000);
/** Of all requests; batches are large, so requests are few. */
const RATE = 0.3;
const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 429 },
  { kind: 'cut' },
  { kind: 'lost' },
  { kind: 'twice' },
  { kind: 'rerun' },
  { kind: 'slow', ms: 50 },
  { kind: 'late', afterMs: 300 },
  { kind: 'expired' },
  { kind: 'gone' },
  { kind: 'invalid' },
  { kind: 'refused', refusal: refusals.tooManyWaiters('T', 20) },
];

describeOnTestBed('three pods under faults', () => {
  const { bed, options, place } = useStores();

  test(`complete ${STEPS} steps, each once`, { timeout: 400_000 }, async () => {
    const make = (podId: string) =>
      new FleetQ({ podId, store: snowflake({ connection: options(), ...place() }) }).register(
        'work',
        (n: number) => n * 2,
      );
    const queues = ['a', 'b', 'c'].map(make);
    const completed = new Map<string, number>();
    let finish = () => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    for (const queue of queues) {
      queue.on('step:completed', ({ stepId }) => {
        completed.set(stepId, (completed.get(stepId) ?? 0) + 1);
        if (completed.size === STEPS) finish();
      });
    }
    for (const queue of queues) await queue.start();
    for (const fault of FAULTS) bed().proxy.faults.inject(fault, { rate: RATE / FAULTS.length });
    const made: string[] = [];
    for (let from = 0; from < STEPS; from += 25) {
      const steps = Array.from({ length: 25 }, (_, i) => ({
        type: 'work' as const,
        args: from + i,
        stepId: `s${from + i}`,
      }));
      made.push(...(await queues[(from / 25) % 3]!.submitMany(steps)));
    }
    await finished;
    const happened = new Map(bed().proxy.faults.happened);
    bed().proxy.faults.clear();
    const stats = await queues[0]!.stats();
    for (const queue of queues) await queue.stop();
    expect(made).toHaveLength(STEPS);
    expect([...completed.values()].filter((times) => times !== 1)).toEqual([]);
    expect(stats).toMatchObject({ pendingSteps: 0, claimedSteps: 0, completedSteps: STEPS, failedSteps: 0 });
    expect(happened.size).toBeGreaterThan(3);
  });
});
