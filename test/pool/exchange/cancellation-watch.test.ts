/** When the store is queried for cancelled steps. */
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { CancellationWatch } from '../../../src/pool/exchange/cancellation-watch.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { CancelledStep } from '../../../src/store/contract.js';
import { gate } from '../support/rig.js';

let runtime: VirtualRuntime;
/** What is held, and what was asked. */
let held: readonly string[];
let asked: (readonly string[])[];
let answer: () => Promise<readonly CancelledStep[]>;
let reported: string[];
beforeEach(() => {
  runtime = new VirtualRuntime();
  held = ['s1', 's2'];
  asked = [];
  answer = () => Promise.resolve([]);
  reported = [];
});

async function started(): Promise<CancellationWatch> {
  const store = {
    cancelled: (stepIds: readonly string[]) => {
      asked.push(stepIds);
      return answer();
    },
  };
  const cancellationWatch = new CancellationWatch({
    ...{ store, runtime, log: createLog('pool') },
    stepIds: () => held,
    onCancelled: ({ stepId }) => void reported.push(stepId),
  });
  await cancellationWatch.start();
  onTestFinished(() => runtime.until(cancellationWatch.stop()));
  await runtime.settle();
  return cancellationWatch;
}

describe('a change of the store', () => {
  test('leads to one query about all steps that are held', async () => {
    const cancellationWatch = await started();
    answer = () => Promise.resolve([{ stepId: 's2', agoMs: 1 }]);
    cancellationWatch.check();
    await runtime.advance(1_000);
    expect(asked).toEqual([['s1', 's2']]);
    expect(reported).toEqual(['s2']);
  });

  test('leads to no query if nothing is held', async () => {
    const cancellationWatch = await started();
    held = [];
    cancellationWatch.check();
    await runtime.advance(1_000);
    expect(asked).toEqual([]);
  });

  test('during a query leads to the next one, after the gap', async () => {
    const cancellationWatch = await started();
    const slow = gate<readonly CancelledStep[]>();
    answer = () => slow.promise;
    cancellationWatch.check();
    await runtime.advance(5);
    cancellationWatch.check();
    await runtime.advance(5);
    expect(asked).toHaveLength(1); // one at a time
    answer = () => Promise.resolve([{ stepId: 's1', agoMs: 1 }]);
    slow.open([]);
    await runtime.advance(9);
    expect(asked).toHaveLength(1);
    await runtime.advance(1);
    expect(reported).toEqual(['s1']);
    await runtime.advance(1_000);
    expect(asked).toHaveLength(2);
  });
});

describe('a store that does not answer', () => {
  test('is given up after a second, and queried again after the next change', async () => {
    const cancellationWatch = await started();
    answer = () => new Promise(() => undefined);
    cancellationWatch.check();
    await runtime.advance(10);
    answer = () => Promise.resolve([{ stepId: 's1', agoMs: 1 }]);
    cancellationWatch.check();
    await runtime.advance(989);
    expect(reported).toEqual([]);
    await runtime.advance(2);
    expect(reported).toEqual(['s1']);
  });

  test('does not delay a stop', async () => {
    const cancellationWatch = await started();
    answer = () => new Promise(() => undefined);
    cancellationWatch.check();
    await runtime.settle();
    await runtime.until(cancellationWatch.stop());
    expect(runtime.monotonicMs()).toBe(0);
  });
});
