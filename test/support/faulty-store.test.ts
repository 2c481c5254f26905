import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt, Settlement, Store } from '../../src/store/contract.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { FaultyStore, firstOf, refusing, scripted, seeded, type FaultPlan } from './faulty-store.js';

const POD = { podId: 'pod', incarnation: 'life' };
const SETTLED = {
  stepId: 's',
  claimToken: 't',
  version: 1,
  status: 'completed',
  delayMs: null,
  charge: 0,
  crash: 0,
  result: '1',
  error: null,
} as const;

describe('a store with faults', () => {
  let runtime: VirtualRuntime;
  let happened: readonly Settlement[][];
  let store: FaultyStore;

  const faulty = (plan?: FaultPlan): FaultyStore => {
    const calls: Settlement[][] = [];
    happened = calls;
    const inner = {
      settle: async (_pod: unknown, settlements: readonly Settlement[]): Promise<Receipt[]> => {
        calls.push([...settlements]);
        return settlements.map(() => 'settled');
      },
      close: async () => {},
    };
    return (store = new FaultyStore(inner as unknown as Store, runtime, plan));
  };
  const settle = () => store.settle(POD, [SETTLED]);

  beforeEach(() => {
    runtime = new VirtualRuntime();
  });
  afterEach(async () => {
    await store.close();
    expect(runtime.pending).toBe(0);
  });

  it('passes calls without a fault through', async () => {
    faulty();
    expect(await settle()).toEqual(['settled']);
    expect([store.count('settle'), store.count('exchange'), store.calls.length]).toEqual([1, 0, 1]);
  });

  it('fails a call before it reaches the store', async () => {
    faulty(scripted({ settle: [undefined, { fails: 'before' }] }));
    await settle();
    await expect(settle()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', transient: true });
    expect(await settle()).toEqual(['settled']);
    expect(happened).toHaveLength(2);
  });

  it('fails a call after it has reached the store', async () => {
    faulty(scripted({ settle: [{ fails: 'after' }] }));
    await expect(settle()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(happened).toHaveLength(1);
  });

  it('delays a call, and its reply', async () => {
    faulty(scripted({ settle: [{ delayMs: 10, replyDelayMs: 20 }] }));
    const reply = settle();
    await runtime.advance(9);
    expect(happened).toHaveLength(0);
    await runtime.advance(1);
    expect(happened).toHaveLength(1);
    expect(await runtime.until(reply)).toEqual(['settled']);
    expect(runtime.monotonicMs()).toBe(30);
  });

  it('makes a call land after its caller has given up, and a second time after its reply', async () => {
    faulty(scripted({ settle: [{ fails: 'before', landsLateMs: 50 }, { landsLateMs: 70 }] }));
    await expect(settle()).rejects.toThrow();
    await settle();
    expect(happened).toHaveLength(1);
    await runtime.advance(50);
    expect(happened).toHaveLength(2);
    await runtime.advance(20);
    expect(happened).toHaveLength(3);
  });

  it('permanently refuses batches with a value that it cannot hold', async () => {
    faulty(
      firstOf(
        refusing((settlement) => settlement.result === '1'),
        scripted({ settle: [{ fails: 'after' }] }),
      ),
    );
    await expect(settle()).rejects.toMatchObject({ code: 'STORE_REFUSED', transient: false });
    expect(await store.settle(POD, [{ ...SETTLED, result: '2' }])).toEqual(['settled']);
    expect(happened).toHaveLength(1);
  });

  it('draws the same faults from the same seed', async () => {
    const run = async (): Promise<string> => {
      runtime = new VirtualRuntime({ seed: 9 });
      faulty(
        seeded(() => runtime.random(), {
          failBefore: 0.2,
          failAfter: 0.2,
          delay: 0.3,
          landsLate: 0.1,
          verbs: ['settle'],
        }),
      );
      const outcomes: string[] = [];
      for (let i = 0; i < 40; i++)
        outcomes.push(await runtime.until(settle().then(String, () => `failed@${runtime.monotonicMs()}`)));
      await store.close();
      return `${outcomes.join()}/${happened.length}`;
    };
    const first = await run();
    expect(first).toContain('failed');
    expect(await run()).toBe(first);
  });
});
