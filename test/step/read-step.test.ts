import { describe, expect, it } from 'vitest';
import { readStep, type StepRow } from '../../src/step/read-step.js';
import { isTerminal, STEP_STATUSES } from '../../src/step/step.js';

const ROW: StepRow = {
  stepId: 's',
  type: 'work',
  payload: '{"type":"work","args":{"n":1},"metadata":{"user":"a"}}',
  status: 'completed',
  priority: 2,
  retryCount: 1,
  maxRetries: 3,
  crashes: 0,
  version: 5,
  runAt: 10,
  createdAt: 5,
  updatedAt: 20,
  claimedBy: 'pod',
  result: '{"rows":3}',
  error: '{"name":"Error","message":"first try"}',
};

describe('a row becomes the step that users see', () => {
  it('with values instead of texts, and the number of the attempt', () => {
    const { payload: _, ...rest } = ROW;
    expect(readStep(ROW)).toEqual({
      ...rest,
      args: { n: 1 },
      metadata: { user: 'a' },
      attempt: 2,
      result: { rows: 3 },
      error: { name: 'Error', message: 'first try' },
    });
  });

  it('without a result and an error if the row has none, or none that can be read', () => {
    expect(readStep({ ...ROW, result: null, error: null })).toMatchObject({ result: undefined, error: undefined });
    expect(readStep({ ...ROW, result: 'nonsense' }).result).toBeUndefined();
    expect(readStep({ ...ROW, result: 'null' }).result).toBeNull();
  });

  it('with the problem of a result as its error, but only if no error is recorded', () => {
    const broken = { ...ROW, result: 'nonsense' };
    expect(readStep(broken).error).toMatchObject({ message: 'first try' });
    expect(readStep({ ...broken, error: null }).error).toMatchObject({ code: 'RESULT_UNREADABLE' });
  });

  it('with an error if it has failed, and with a result only if it has completed', () => {
    const failed = { ...ROW, status: 'failed', result: null } as const;
    expect(readStep(failed)).toMatchObject({ status: 'failed', result: undefined, error: { message: 'first try' } });
    expect(readStep({ ...failed, error: null })).toMatchObject({ error: { code: 'STEP_FAILED' } });
    expect(readStep({ ...ROW, status: 'pending' }).result).toBeUndefined();
  });

  it('from a payload that has been decoded already', () => {
    expect(readStep(ROW, { args: 'given', metadata: {} })).toMatchObject({ args: 'given', metadata: {} });
  });
});

it('only completed, failed and cancelled are terminal', () => {
  expect(STEP_STATUSES.filter(isTerminal)).toEqual(['completed', 'failed', 'cancelled']);
});
