/** Steps on a fleet of three pods: how they end, and the events about them. */
import { describe, expect, test } from 'vitest';
import { PermanentFailureError, RetryLaterError, type Step, type StepContext } from 'fleet-q';
import { aborted, gate, POD_IDS, raise, type Ground } from './ground.js';

/** The clocks of the client and the store are the same here, except for parts of a millisecond. */
const TICK_MS = 2;

export function working(ground: () => Ground): void {
  describe('steps', () => {
    test('run on every pod and return their results, with one event for each settlement', async () => {
      const at = new Set<string>();
      const all = gate();
      const square = async (n: number, { podId }: StepContext) => {
        if (at.add(podId).size === 3) all.open();
        await all.opened; // no handler continues before every pod runs one
        return n * n;
      };
      const { client, emitted } = await raise(ground(), { register: (queue) => queue.register('square', square) });
      const numbers = Array.from({ length: 60 }, (_, n) => n);
      const ids = await client.submitMany(numbers.map((args) => ({ type: 'square', args })));
      expect(await Promise.all(ids.map((id) => client.waitFor(id)))).toEqual(numbers.map((n) => n * n));
      await expect.poll(() => emitted('step:completed')).toHaveLength(60);
      expect(new Set(emitted('step:completed').map(({ payload }) => payload['stepId']))).toEqual(new Set(ids));
      expect(new Set(emitted('step:completed').map(({ on }) => on))).toEqual(new Set(POD_IDS));
      expect((await client.getStep(ids[7]!)).status).toBe('completed');
    });

    test('are retried after the requested delay, at most `maxRetries` times, and never after a permanent failure', async () => {
      const ran: { type: string; attempt: number; at: number }[] = [];
      const note = ({ type, attempt }: StepContext) => void ran.push({ type, attempt, at: performance.now() });
      const { client, emitted } = await raise(ground(), {
        register: (queue) =>
          queue
            .register('later', (_: undefined, ctx) => {
              note(ctx);
              if (ctx.attempt === 1) throw new RetryLaterError(400);
            })
            .register('broken', (_: undefined, ctx) => {
              note(ctx);
              throw new Error('no luck');
            })
            .register('never', (_: undefined, ctx) => {
              note(ctx);
              throw new PermanentFailureError('give up');
            }),
      });
      const [later, broken, never] = await Promise.all([
        client.submit({ type: 'later' }),
        client.submit({ type: 'broken', maxRetries: 2 }),
        client.submit({ type: 'never' }),
      ]);
      await client.waitFor(later);
      await expect(client.waitFor(broken)).rejects.toMatchObject({
        code: 'STEP_FAILED',
        cause: { message: 'no luck' },
      });
      await expect(client.waitFor(never)).rejects.toMatchObject({ code: 'STEP_FAILED', cause: { message: 'give up' } });
      const attempts = (type: string) => ran.filter((run) => run.type === type).map(({ attempt }) => attempt);
      expect([attempts('later'), attempts('broken'), attempts('never')]).toEqual([[1, 2], [1, 2, 3], [1]]);
      const [first, second] = ran.filter(({ type }) => type === 'later');
      expect(second!.at - first!.at).toBeGreaterThanOrEqual(400 - TICK_MS);
      await expect.poll(() => emitted('step:failed')).toHaveLength(2);
      expect(emitted('step:retrying', later)).toMatchObject([{ payload: { attempt: 1, delayMs: 400 } }]);
      expect(emitted('step:retrying', broken)).toHaveLength(2);
      expect(await client.getStep(broken)).toMatchObject({ status: 'failed', retryCount: 2 });
    });

    test('end at once when they are cancelled, and the holder aborts the handler', async () => {
      const running = gate();
      let reason: unknown;
      const hold = async (_: undefined, { signal }: StepContext) => {
        running.open();
        reason = await aborted(signal);
      };
      const { client, emitted } = await raise(ground(), { register: (queue) => queue.register('hold', hold) });
      const [held, pending] = await Promise.all([
        client.submit({ type: 'hold' }),
        client.submit({ type: 'hold', delayMs: 600_000 }),
      ]);
      await running.opened;
      expect(await client.cancel(held)).toBe('cancelled');
      expect(await client.cancel(pending)).toBe('cancelled');
      await expect(client.waitFor(held)).rejects.toMatchObject({ code: 'STEP_CANCELLED' });
      await expect.poll(() => reason, { timeout: 5_000 }).toMatchObject({ code: 'STEP_CANCELLED' });
      await expect.poll(() => emitted('step:cancelled')).toMatchObject([{ payload: { stepId: held, by: 'holder' } }]);
      expect(await client.cancel(held)).toBe('alreadyTerminal');
      expect(await client.cancel('nobody')).toBe('notFound');
      expect((await client.getStep(pending)).status).toBe('cancelled');
      expect(emitted('step:completed')).toEqual([]);
    });

    test('start with fresh counts when they are retried by hand', async () => {
      let isBroken = true;
      const fix = () => {
        if (isBroken) throw new Error('broken');
        return 'fixed';
      };
      const { client } = await raise(ground(), { register: (queue) => queue.register('fix', fix) });
      const id = await client.submit({ type: 'fix', maxRetries: 1 });
      await expect(client.waitFor(id)).rejects.toMatchObject({ code: 'STEP_FAILED' });
      isBroken = false;
      expect(await client.retry(id)).toBe('retried');
      expect(await client.waitFor(id)).toBe('fixed');
      expect(await client.getStep(id)).toMatchObject({ status: 'completed', retryCount: 0 });
      expect(await client.retry(id)).toBe('notRetryable');
      expect(await client.retry('nobody')).toBe('notFound');
    });

    test('are one step for one idempotency key, also when several pods submit at once', async () => {
      let runs = 0;
      const { pods, client } = await raise(ground(), {
        register: (queue) => queue.register('pay', ({ amount }: { amount: number }) => (runs++, amount)),
      });
      const pay = (queue: typeof client, amount: number) =>
        queue.submitWithReceipt({ type: 'pay', args: { amount }, idempotencyKey: 'order-1' });
      const given = await Promise.all(POD_IDS.map((podId) => pay(pods[podId], 1)));
      const stepId = given[0]!.stepId;
      expect(new Set(given.map((each) => each.stepId)).size).toBe(1);
      expect(given.map(({ receipt }) => receipt)).toContain('created');
      expect(await client.waitFor(stepId)).toBe(1);
      expect(await pay(client, 1)).toEqual({ stepId, receipt: 'duplicate' });
      expect(await pay(client, 2)).toEqual({ stepId, receipt: 'mismatch' });
      expect((await client.listSteps().page()).steps.map((step) => step.stepId)).toEqual([stepId]);
      expect(runs).toBe(1);
    });

    test('wait until their runAt or for their delay', async () => {
      const ranAt = new Map<string, number>();
      const { client } = await raise(ground(), {
        register: (queue) => queue.register('note', (name: string) => void ranAt.set(name, Date.now())),
      });
      const delayMs = 4_000; // by then the steps that are due now have run, even on a busy machine
      const runAt = Date.now() + delayMs;
      const ids = await client.submitMany([
        { type: 'note', args: 'runAt', runAt: new Date(runAt) },
        { type: 'note', args: 'delayMs', delayMs },
        { type: 'note', args: 'now' },
      ]);
      await Promise.all(ids.map((id) => client.waitFor(id)));
      expect(ranAt.get('runAt')).toBeGreaterThanOrEqual(runAt - TICK_MS);
      expect(ranAt.get('delayMs')).toBeGreaterThanOrEqual(runAt - TICK_MS);
      expect([...ranAt.keys()][0]).toBe('now');
    });

    test('are listed and counted by status, and every pod is healthy', async () => {
      const { pods, client } = await raise(ground(), {
        register: (queue) =>
          queue
            .register('done', (n: number) => n)
            .register('broken', () => {
              throw new PermanentFailureError('broken');
            }),
      });
      const done = await client.submitMany(Array.from({ length: 5 }, (_, args) => ({ type: 'done', args })));
      const broken = await client.submit({ type: 'broken' });
      const waiting = await client.submit({ type: 'done', args: 9, delayMs: 600_000, priority: 3 });
      await Promise.allSettled([...done, broken].map((id) => client.waitFor(id)));
      const listed: Step[] = [];
      for await (const step of client.listSteps({ pageSize: 2 })) listed.push(step);
      expect(listed.map(({ stepId }) => stepId)).toEqual([...done, broken, waiting]);
      const idsOf = async (filter: Parameters<typeof client.listSteps>[0]) =>
        (await client.listSteps(filter).page()).steps.map(({ stepId }) => stepId);
      expect(await idsOf({ status: 'failed' })).toEqual([broken]);
      expect(await idsOf({ type: 'done', status: ['pending', 'failed'] })).toEqual([waiting]);
      const stats = { pendingSteps: 1, claimedSteps: 0, completedSteps: 5, failedSteps: 1 };
      const whole = { ...stats, activePods: 3, currentLeader: 'ada' };
      await expect.poll(() => client.stats(), { timeout: 5 * ground().timing.deadAfterMs }).toMatchObject(whole);
      for (const podId of POD_IDS) {
        // A pod that reads late may lead for a moment, until it sees the oldest.
        await expect
          .poll(() => pods[podId].health(), { timeout: 5 * ground().timing.deadAfterMs })
          .toMatchObject({ podId, status: 'healthy', isLeader: podId === 'ada', problems: [] });
      }
    });
  });
}
