/** The outcome of a step whose handler returns or throws within the grace after its abort. */
import { describe, expect, test } from 'vitest';
import { PermanentFailureError, RetryLaterError, StoppedError } from '../../../src/errors.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import { Rig, running } from '../support/rig.js';

const aborted = ({ signal }: StepContext) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));

/** Runs a handler that goes on as `then` says once it has timed out. */
async function timedOut(then: (ctx: StepContext) => unknown, maxRetries = 3) {
  const run = async (_: unknown, ctx: StepContext) => {
    await aborted(ctx);
    return then(ctx);
  };
  const rig = await running({ slow: { timeoutMs: 50, run } }, {}, ({ store }) =>
    store.add('s1', 'slow', { maxRetries }),
  );
  await rig.runtime.advance(60);
  return { rig, row: rig.store.row('s1'), error: recorded(rig) };
}

function recorded(rig: Rig): Record<string, unknown> | null {
  return JSON.parse(rig.store.row('s1').error ?? 'null') as Record<string, unknown> | null;
}

const fail = (error: unknown) => () => {
  throw error;
};
const abortError = () => Object.assign(new Error('gone'), { name: 'AbortError', code: 'ABORT_ERR' });

describe('after a time-out', () => {
  test.each([
    ['a value', () => 'late', '"late"'],
    ['nothing', () => undefined, null],
  ])('%s completes the step: the work is done', async (_, then, result) => {
    const { rig, row } = await timedOut(then);
    expect(row).toMatchObject({ status: 'completed', retryCount: 0, result });
    expect(rig.events('step:completed')).toHaveLength(1);
    expect(rig.events('step:timedOut')).toEqual([]);
  });

  test('a genuine error is charged, and recorded with the time-out', async () => {
    const { rig, row, error } = await timedOut(fail(Object.assign(new TypeError('broken'), { status: 503 })));
    expect(row).toMatchObject({ status: 'pending', retryCount: 1, runAt: 50 + 500 });
    const expected = {
      code: 'STEP_TIMED_OUT',
      cause: { name: 'TypeError', message: 'broken', fields: { status: 503 } },
    };
    expect(error).toMatchObject(expected);
    expect(rig.events('step:retrying')).toMatchObject([{ error: expected }]);
    expect(rig.events('step:timedOut')).toHaveLength(1);
  });

  test('the last attempt fails the step with both errors', async () => {
    const { rig, row, error } = await timedOut(fail(new Error('broken')), 0);
    expect(row.status).toBe('failed');
    expect(error).toMatchObject({ code: 'STEP_TIMED_OUT', cause: { message: 'broken' } });
    expect(rig.events('step:failed')).toMatchObject([{ error: { cause: { message: 'broken' } } }]);
  });

  test.each([
    ['the signal’s reason', (ctx: StepContext) => Promise.reject(ctx.signal.reason as Error)],
    [
      'an error that it caused',
      (ctx: StepContext) => Promise.reject(new Error('wrapped', { cause: ctx.signal.reason })),
    ],
    ['an AbortError', fail(abortError())],
    [
      'an error that an AbortError caused',
      fail(new Error('outer', { cause: new Error('inner', { cause: abortError() }) })),
    ],
    ['what an HTTP client cancels with', fail(Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' }))],
    ['a StoppedError', fail(new StoppedError('submit'))],
  ])('%s counts as the abort, and no other error is recorded', async (_, then) => {
    const { row, error } = await timedOut(then);
    expect(row).toMatchObject({ status: 'pending', retryCount: 1 });
    expect(error).toEqual({ name: 'FleetQError', code: 'STEP_TIMED_OUT', message: expect.any(String) });
  });

  test('the time-out of another step is a genuine error', async () => {
    const other = Object.assign(new Error('step x took longer'), { name: 'FleetQError', code: 'STEP_TIMED_OUT' });
    const { error } = await timedOut(fail(new Error('a child failed', { cause: other })));
    expect(error).toMatchObject({ code: 'STEP_TIMED_OUT', cause: { message: 'a child failed' } });
  });

  test('a RetryLaterError sets the delay', async () => {
    const { row } = await timedOut(fail(new RetryLaterError(7_000)));
    expect(row).toMatchObject({ status: 'pending', retryCount: 1, runAt: 7_050 });
  });

  test('a PermanentFailureError fails the step', async () => {
    const { rig, row, error } = await timedOut(fail(new PermanentFailureError('never')));
    expect(row).toMatchObject({ status: 'failed', retryCount: 0 });
    expect(error).toMatchObject({ name: 'PermanentFailureError', message: 'never' });
    expect(rig.events('step:timedOut')).toEqual([]);
  });
});

describe.each([
  ['the queue stops', 'stopping', (rig: Rig) => rig.stop()],
  [
    'the pod is fenced',
    'fenced',
    async (rig: Rig) => {
      rig.pool.fence(true);
      await rig.runtime.settle();
      await rig.stop();
    },
  ],
])('after an abort because %s', (_, reason, abort) => {
  const abortedBy = async (then: (ctx: StepContext) => unknown) => {
    const run = async (__: unknown, ctx: StepContext) => {
      await aborted(ctx);
      return then(ctx);
    };
    const rig = new Rig({ slow: run }, { drainTimeoutMs: 0 });
    rig.store.add('s1', 'slow');
    await rig.start();
    await abort(rig);
    return rig;
  };

  test('a genuine error gives the step back uncharged, and is recorded', async () => {
    const rig = await abortedBy(fail(new TypeError('broken')));
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0 });
    expect(recorded(rig)).toMatchObject({ name: 'TypeError', message: 'broken' });
    expect(rig.events('step:released')).toMatchObject([{ reason, error: { message: 'broken' } }]);
    const lines = rig.logged.filter(({ level }) => level === 'warn');
    expect(lines).toMatchObject([{ fields: { stepId: 's1', reason, error: { message: 'broken' } } }]);
  });

  test('an error that the abort caused is not recorded', async () => {
    const rig = await abortedBy((ctx) => Promise.reject(new Error('x', { cause: ctx.signal.reason })));
    expect(rig.store.row('s1')).toMatchObject({ status: 'pending', retryCount: 0, error: null });
    expect(rig.events('step:released')).toMatchObject([{ reason, error: undefined }]);
  });
});

test.each([
  ['a value', () => 'late'],
  ['an error', fail(new Error('broken'))],
  ['a PermanentFailureError', fail(new PermanentFailureError('never'))],
])('after a cancel, %s leaves the step cancelled', async (_, then) => {
  const run = async (__: unknown, ctx: StepContext) => {
    await aborted(ctx);
    return then();
  };
  const rig = await running({ slow: run }, {}, ({ store }) => store.add('s1', 'slow'));
  rig.store.cancel('s1');
  rig.pool.abort('s1', Infinity);
  await rig.runtime.settle();
  expect(rig.store.row('s1')).toMatchObject({ status: 'cancelled', result: null, error: null });
});

describe('a type’s own time-out', () => {
  test('of null means none, even if the queue has one', async () => {
    const never = () => new Promise(() => undefined);
    const rig = await running(
      { endless: { timeoutMs: null, run: never }, other: never },
      { timeoutMs: 1_000, abortGraceMs: 0, drainTimeoutMs: 0 },
      ({ store }) => {
        store.add('s1', 'endless');
        store.add('s2', 'other');
      },
    );
    await rig.runtime.advance(60_000);
    expect(rig.store.row('s1')).toMatchObject({ status: 'claimed', retryCount: 0 });
    expect(rig.events('step:timedOut').map(({ stepId }) => stepId as string)).toEqual(['s2']);
  });
});
