/** What a thrown error says about its step. */
import { describe, expect, test } from 'vitest';
import { PermanentFailureError, RetryLaterError, StoppedError } from '../../../src/errors.js';
import { isOfAbort, isStopped, retryOf } from '../../../src/pool/execution/thrown-error.js';

const wrapped = (cause: unknown) => new Error('outer', { cause });
/** An error of another copy of the package. */
const copied = (name: string, fields: object = {}) => Object.assign(new Error('x'), { name, ...fields });

describe('when to try again', () => {
  test('a permanent failure: never, also one of another copy', () => {
    for (const error of [new PermanentFailureError('no'), copied('PermanentFailureError')]) {
      expect([retryOf(error), retryOf(wrapped(error))]).toEqual(['never', 'never']);
    }
  });

  test('later: at the time that it says, also one of another copy', () => {
    for (const error of [new RetryLaterError(700), copied('RetryLaterError', { delayMs: 700 })]) {
      expect([retryOf(error), retryOf(wrapped(error))]).toEqual([{ delayMs: 700 }, { delayMs: 700 }]);
    }
  });

  test.each([-1, Infinity, NaN, '700', undefined])('by the policy, where a delay of %s makes no sense', (delayMs) => {
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

  test('is none that only looks alike', () => {
    expect(isOfAbort(new Error('the reason'), reason)).toBe(false);
    expect(isOfAbort(undefined, undefined)).toBe(false);
  });
});

test('that the queue was stopped is known by any cause', () => {
  expect([isStopped(new StoppedError('x')), isStopped(wrapped(new StoppedError('x'))), isStopped(new Error())]).toEqual(
    [true, true, false],
  );
});
