/** Submitting: durable, idempotent by `stepId`, and due when it should be. */
import { expect, it } from 'vitest';
import type { NewStep } from '../../src/step/submission.js';
import { claimRequest, ids, newStep, newSteps, type Harness } from './harness.js';

export function submitting(harness: Harness): void {
  it('returns one receipt for each step, in their order', async () => {
    const [first, second, third] = newSteps(3) as [
      ReturnType<typeof newStep>,
      ReturnType<typeof newStep>,
      ReturnType<typeof newStep>,
    ];
    expect(await harness.store.submit([second])).toEqual(['created']);
    expect(await harness.store.submit([first, second, third])).toEqual(['created', 'duplicate', 'created']);
    expect(await harness.store.submit([])).toEqual([]);
  });

  it('stores a step as it was submitted: pending, unclaimed, uncharged', async () => {
    const step = await harness.submit({ priority: 7, maxRetries: 2, args: { n: 1 } });
    const found = await harness.step(step);
    expect(found).toMatchObject({
      stepId: step.stepId,
      type: 'work',
      payload: step.payload,
      status: 'pending',
      priority: 7,
      retryCount: 0,
      maxRetries: 2,
      crashes: 0,
      claimedBy: null,
      claimedIncarnation: null,
      result: null,
      error: null,
    });
    expect(found.runAt).toBe(found.createdAt);
    expect(found.updatedAt).toBe(found.createdAt);
  });

  it('shows a submitted step to another handle once reads are no longer late', async () => {
    const step = await harness.submit();
    const other = await harness.another();
    await harness.seen();
    expect(ids(await other.find([step.stepId]))).toEqual([step.stepId]);
  });

  it('makes no second step of a repeated submission', async () => {
    const steps = newSteps(3);
    await harness.store.submit(steps);
    expect(await harness.store.submit(steps)).toEqual(['duplicate', 'duplicate', 'duplicate']);
    const pod = await harness.join();
    expect(ids(await harness.claim(pod))).toEqual(ids(steps));
  });

  it('returns duplicate for the second of two equal steps in one call', async () => {
    const step = newStep();
    expect(await harness.store.submit([step, step])).toEqual(['created', 'duplicate']);
    expect(await harness.claim(await harness.join())).toHaveLength(1);
  });

  it('leaves a step as it is when it is submitted again with another payload, and returns mismatch', async () => {
    const step = await harness.submit({ args: { n: 1 } });
    const other = newStep({ stepId: step.stepId, args: { n: 2 } });
    expect(await harness.store.submit([other, other])).toEqual(['mismatch', 'mismatch']);
    expect((await harness.step(step)).payload).toBe(step.payload);
  });

  it('keeps the trace context of the first submission, and does not compare it', async () => {
    const plain = newStep({ args: { n: 1 } });
    const traced = (trace: string, args: unknown = { n: 1 }): NewStep => ({
      ...plain,
      payload: `${JSON.stringify({ type: 'work', args }).slice(0, -1)},"trace":${JSON.stringify({ traceparent: trace, 'a "key"': '}}' })}}`,
    });
    expect(await harness.store.submit([traced('a'), traced('b'), plain, traced('a', { n: 2 })])).toEqual([
      'created',
      'duplicate',
      'duplicate',
      'mismatch',
    ]);
    expect(await harness.store.submit([traced('b')])).toEqual(['duplicate']);
    expect(await harness.store.submit([plain])).toEqual(['duplicate']);
    expect(await harness.store.submit([traced('a', { n: 2 })])).toEqual(['mismatch']);
    expect((await harness.claimOne(await harness.join())).payload).toBe(traced('a').payload);
  });

  it('takes a trace context for what it is in a step that was submitted without one', async () => {
    const plain = await harness.submit({ args: { n: 1 } });
    const traced = { ...plain, payload: `${plain.payload.slice(0, -1)},"trace":{"traceparent":"a"}}` };
    const inArgs = newStep({ stepId: plain.stepId, args: { n: 1, trace: { traceparent: 'a' } } });
    expect(await harness.store.submit([traced, inArgs])).toEqual(['duplicate', 'mismatch']);
  });

  it('compares only payloads: a step with another priority is a duplicate', async () => {
    const step = await harness.submit({ priority: 1 });
    expect(await harness.store.submit([{ ...step, priority: 9, maxRetries: 9, delayMs: 9 }])).toEqual(['duplicate']);
    expect(await harness.step(step)).toMatchObject({ priority: 1, maxRetries: 3 });
  });

  it('does not start a step over that is claimed or has ended', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    const resend = newStep({ stepId: claim.stepId, type: claim.type });
    expect(await harness.store.submit([resend])).toEqual(['duplicate']);
    expect((await harness.step(claim)).status).toBe('claimed');
    await harness.settle(pod, {
      ...claim,
      status: 'completed',
      delayMs: null,
      charge: 0,
      crash: 0,
      result: '1',
      error: null,
    });
    expect(await harness.store.submit([resend])).toEqual(['duplicate']);
    expect(await harness.step(claim)).toMatchObject({ status: 'completed', result: '1' });
  });

  it('makes a step due after delayMs by the clock of the store, and not before', async () => {
    const pod = await harness.join();
    const step = await harness.submit({ delayMs: 2 * harness.tickMs });
    expect(await harness.claim(pod)).toEqual([]);
    await harness.pass(1);
    expect(await harness.claim(pod)).toEqual([]);
    await harness.pass(1);
    expect(ids(await harness.claim(pod))).toEqual([step.stepId]);
  });

  it('keeps the instant of submission, however long the step waits', async () => {
    const step = await harness.submit({ delayMs: harness.tickMs });
    const { createdAt } = await harness.step(step);
    await harness.pass(1);
    expect((await harness.claimOne(await harness.join())).createdAt).toBe(createdAt);
    expect(await harness.step(step)).toMatchObject({ createdAt });
  });

  it('accepts a delay of a fraction of a millisecond', async () => {
    const step = await harness.submit({ delayMs: 0.25 });
    await harness.pass(1);
    expect(ids(await harness.claim(await harness.join()))).toEqual([step.stepId]);
  });

  it('makes a step due at runAt, whatever delayMs is', async () => {
    const pod = await harness.join();
    const { createdAt } = await harness.step(await harness.submit({ type: 'clock' }));
    const runAt = createdAt + 2 * harness.tickMs;
    const step = await harness.submit({ runAt, delayMs: 60 * 60_000 });
    expect((await harness.step(step)).runAt).toBe(runAt);
    expect(await harness.claim(pod)).toEqual([]);
    await harness.pass(2);
    expect(ids(await harness.claim(pod))).toEqual([step.stepId]);
  });

  it('makes a step due at once if runAt is in the past, and ranks it by runAt', async () => {
    const now = await harness.submit();
    const past = await harness.submit({ runAt: 0 });
    expect((await harness.step(past)).runAt).toBe(0);
    expect(ids(await harness.claim(await harness.join()))).toEqual([past.stepId, now.stepId]);
  });

  it('keeps the smallest and largest value of every number', async () => {
    const lastInstant = 8_640_000_000_000_000;
    const far = await harness.submit({ runAt: lastInstant, priority: -1_000_000_000, maxRetries: 1_000_000 });
    const late = await harness.submit({ delayMs: 3_155_760_000_000, priority: 1_000_000_000, maxRetries: 0 });
    expect(await harness.step(far)).toMatchObject({
      runAt: lastInstant,
      priority: -1_000_000_000,
      maxRetries: 1_000_000,
    });
    expect(await harness.step(late)).toMatchObject({ priority: 1_000_000_000, maxRetries: 0 });
    expect(
      (await harness.exchange({ pod: await harness.join(), settlements: [], claim: claimRequest() })).claims,
    ).toEqual([]);
  });

  it('finds all the ids that exist, each once', async () => {
    const steps = newSteps(harness.store.rhythm.submitBatch);
    await harness.store.submit(steps);
    const unknown = newSteps(3_000);
    const found = await harness.store.find(ids([...unknown, ...steps, ...steps]));
    expect(ids(found).sort()).toEqual(ids(steps));
    expect(await harness.store.find([])).toEqual([]);
  });
}
