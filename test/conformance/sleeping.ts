/**
 * What a store says so that idle pods can sleep: when nothing is left to do, and how many steps there are.
 *
 * A store without `sleep` says neither. Each test holds it to that.
 */
import { expect, it } from 'vitest';
import type { ExchangeReply, PodRef } from '../../src/store/contract.js';
import { claimRequest, newStep, newSteps, settlement, type ClaimRequestOver, type Harness } from './harness.js';

const DAY_MS = 86_400_000;

export function sleeping(harness: Harness): void {
  /** An exchange that hands nothing in. */
  const look = async (pod: PodRef, over: ClaimRequestOver = {}): Promise<ExchangeReply> => {
    await harness.seen();
    return harness.exchange({ pod, settlements: [], claim: claimRequest(over) });
  };
  const sleeps = (): boolean => harness.store.sleep !== undefined;
  /** Holds the reply to what a pod may conclude from it. */
  const expectQuiet = async (reply: ExchangeReply, isQuiet: boolean): Promise<void> => {
    await harness.seen();
    const census = await harness.store.census?.();
    expect(reply.quiet).toEqual(isQuiet && sleeps() ? { census } : undefined);
  };
  const NOTHING = { free: 0, prefetch: 0, types: {} } as const;

  it('has a rhythm and a census together, with a quiet time that no read is late by, or neither', () => {
    const { sleep, census, staleReadMs } = harness.store;
    expect(census !== undefined).toBe(sleep !== undefined);
    if (sleep === undefined) return;
    expect(sleep.quietForMs).toBeGreaterThan(staleReadMs);
    expect(sleep.pollIntervalMs).toBeLessThan(sleep.checkIntervalMs);
    expect(sleep.checkIntervalMs).toBeLessThan(sleep.lookIntervalMs);
  });

  it('changes its census with each step that any handle inserts, and with nothing else', async () => {
    const pod = await harness.join();
    const other = await harness.another();
    const census = async () => {
      await harness.seen();
      return harness.store.census?.();
    };
    const seen = [await census()];
    await harness.submit();
    seen.push(await census());
    await other.submit(newSteps(2));
    seen.push(await census());
    expect(new Set(seen).size).toBe(sleeps() ? 3 : 1);
    const [claim] = await harness.claim(pod, { free: 1 });
    await harness.settle(pod, settlement(claim!));
    await harness.beat(pod);
    expect(await census()).toBe(seen[2]);
  });

  it('is quiet for a pod that finds nothing, and says when the next step of its types is due', async () => {
    const pod = await harness.join();
    await expectQuiet(await look(pod), true);
    await harness.submit({ delayMs: DAY_MS });
    await harness.submit({ delayMs: 1_000, type: 'another' });
    const reply = await look(pod);
    expect(reply.nextDueInMs).toBeGreaterThan(DAY_MS / 2);
    await expectQuiet(reply, true);
  });

  it('is not quiet while a step of these types is due', async () => {
    const pod = await harness.join();
    await harness.submit();
    const reply = await look(pod, { free: 0 });
    expect(reply).toMatchObject({ claims: [], nextDueInMs: 0 });
    await expectQuiet(reply, false);
    await expectQuiet(await look(pod, { types: { another: 1 } }), true);
  });

  it('is not quiet while any pod holds a claim of any type, whatever is asked for', async () => {
    const pod = await harness.join();
    const holder = await harness.join();
    const claim = await harness.held(holder);
    for (const asked of [{}, NOTHING]) await expectQuiet(await look(pod, asked), false);
    await harness.settle(holder, settlement(claim));
    for (const asked of [{}, NOTHING]) await expectQuiet(await look(pod, asked), true);
  });

  it('claims nothing for a pod that asks for nothing, and is quiet for it although steps are due', async () => {
    const pod = await harness.join();
    const step = await harness.submit();
    const reply = await look(pod, NOTHING);
    expect(reply).toMatchObject({ receipts: [], claims: [], nextDueInMs: null });
    await expectQuiet(reply, true);
    expect((await harness.step(step)).status).toBe('pending');
    expect(await harness.claim(pod, { free: 1 })).toHaveLength(1);
  });

  it('is not quiet in the reply to a pod that does not ask what there is to do', async () => {
    const pod = await harness.join();
    await expectQuiet(await harness.exchange({ pod, settlements: [] }), false);
    await expectQuiet(await harness.exchange({ pod, settlements: [], readBack: 'no-such-token' }), false);
  });

  it('is not quiet before it has seen what this process has submitted', async () => {
    const pod = await harness.join();
    await harness.seen();
    await harness.store.submit([newStep({ delayMs: DAY_MS })]);
    const { quiet } = await harness.exchange({ pod, settlements: [], claim: claimRequest(NOTHING) });
    await harness.seen();
    if (quiet !== undefined) expect(quiet.census).toBe(await harness.store.census?.());
    await expectQuiet(await look(pod, NOTHING), true);
  });
}
