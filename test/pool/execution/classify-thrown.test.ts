/** How thrown errors are classified. */
import { describe, expect, test } from 'vitest';
import { PermanentFailureError, RetryLaterError, StoppedError } from '../../../src/errors.js';
import { isOfAbort, isStopped, retryOf } from '../../../src/pool/execution/classify-thrown.js';

const wrapped = (cause: unknown) => new Error('outer', { cause });
/** An error of another copy of the package. */
const copied = (name: string, fields: object = {}) => Object.assign(new Error('x'), { name, ...fields });

describe('when to try again', () => {
  test('a permanent failure: never, also from another copy of the package', () => {
    for (const error of [new PermanentFailureError('no'), copied('PermanentFailureError')]) {
      expect([retryOf(error), retryOf(wrapped(error))]).toEqual(['never', 'never']);
    }
  });

  test('a retry later: at the given time, also from another copy of the package', () => {
    for (const error of [new RetryLaterError(700), copied('RetryLaterError', { delayMs: 700 })]) {
      expect([retryOf(error), retryOf(wrapped(error))]).toEqual([{ delayMs: 700 }, { delayMs: 700 }]);
    }
  });

  test.each([-1, Infinity, NaN, '700', undefined])('by the policy, if the delay is %s', (delayMs) => {
    expect(retryOf(copied('RetryLaterError', { delayMs }))).toBe('policy');
  });
});

describe('an error of the abort', () => {
  const reason = new Error('the reason');
  test.each<[string, unknown]>([
    ['its reason', reason],
    ['an AbortError', copied('AbortError')],
    ['a CanceledError', copied('CanceledError')],
    ['with the code of one', copied('Error', { code: 'ABORT_ERR' })],
    ['with the code of another library', copied('Error', { code: 'ERR_CANCELED' })],
    ['that a wait was stopped', new StoppedError('the wait')],
  ])('is %s, also as a cause', (_, error) => {
    expect([isOfAbort(error, reason), isOfAbort(wrapped(error), reason)]).toEqual([true, true]);
  });

  test('is not an error that only looks similar', () => {
    expect(isOfAbort(new Error('the reason'), reason)).toBe(false);
    expect(isOfAbort(undefined, undefined)).toBe(false);
  });
});

test('a stop of the queue is recognised in any cause', () => {
  expect([isStopped(new StoppedError('x')), isStopped(wrapped(new StoppedError('x'))), isStopped(new Error())]).toEqual(
    [true, true, false],
  );
});
