import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  asError,
  FleetQError,
  nearest,
  PermanentFailureError,
  RetryLaterError,
  show,
  StepFailedError,
  StoreError,
  SubmitIncompleteError,
  ValidationError,
} from '../src/errors.js';
import { isStoreError } from '../src/store/contract.js';

describe('show', () => {
  it.each([
    ['text', '"text"'],
    ['', '""'],
    ['a "quote"\n', String.raw`"a \"quote\"\n"`],
    [1.5, '1.5'],
    [NaN, 'NaN'],
    [-Infinity, '-Infinity'],
    [12n, '12n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('s'), 'Symbol(s)'],
    [[1, 2, 3], '[array of 3]'],
    [{ a: 1, b: 2 }, '{ a, b }'],
    [{}, '{  }'],
    [{ 'a\nb': 1, 'c\u2028': 2 }, '{ a b, c  }'],
    [new Date(0), '[Date]'],
    [new Map(), '[Map]'],
    [function work() {}, '[function work]'],
    [() => {}, '[function anonymous]'],
    [Object.create(null), '{  }'],
  ])('shows %o', (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  it('shows the keys of an object, never its values, and runs no toJSON', () => {
    const secret = {
      password: 'hunter2',
      toJSON: () => expect.unreachable(),
    };
    expect(show(secret)).toBe('{ password, toJSON }');
  });

  it('cuts what is long, and keeps to one line', () => {
    expect(show('x'.repeat(1_000))).toHaveLength(80);
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (value) => {
          const shown = show(value);
          expect(shown.length).toBeLessThanOrEqual(80);
          expect(shown).not.toMatch(/[\r\n]/);
        },
      ),
    );
  });

  it('never throws, whatever traps the value holds', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = new Proxy(() => {}, {
      get() {
        throw new Error('a trap');
      },
    });
    const named = Object.defineProperty(() => {}, 'name', { value: Symbol('not text') });
    for (const value of [proxy, hostile, named]) expect(show(value)).toMatch(/^\[.+\]$/);
  });
});

describe('nearest', () => {
  const known = ['maxParallelism', 'maxRetries', 'podId', 'store'];
  it.each([
    ['maxParalelism', 'maxParallelism'],
    ['MAXRETRIES', 'maxRetries'],
    ['maxRetrys', 'maxRetries'],
    ['podID', 'podId'],
    ['stroe', 'store'],
    ['elephant', undefined],
    ['', undefined],
  ])('of %s is %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });

  it('finds a known word after any one slip', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...known),
        fc.nat(20),
        fc.constantFrom('delete', 'double', 'swap'),
        (word, at, slip) => {
          const i = at % (word.length - 1);
          const slips = {
            delete: word.slice(0, i) + word.slice(i + 1),
            double: word.slice(0, i) + word.charAt(i) + word.slice(i),
            swap: word.slice(0, i) + word.charAt(i + 1) + word.charAt(i) + word.slice(i + 2),
          };
          expect(nearest(slips[slip], known)).toBe(word);
        },
      ),
    );
  });

  it('knows none where none is known', () => {
    expect(nearest('word', [])).toBeUndefined();
  });
});

describe('errors', () => {
  it('carry a name, a code, and what they speak of', () => {
    const cause = new Error('disk');
    const store = new StoreError('STORE_FULL', 'no room', false, { cause });
    expect(store).toBeInstanceOf(FleetQError);
    expect(store).toMatchObject({ name: 'StoreError', code: 'STORE_FULL', transient: false, cause });
    const invalid = new ValidationError('STEP_INVALID', 'steps[3].type', 'is missing');
    expect(invalid).toMatchObject({
      name: 'ValidationError',
      field: 'steps[3].type',
      message: 'steps[3].type: is missing',
    });
    const incomplete = new SubmitIncompleteError(['a', 'b'], 5, cause);
    expect(incomplete).toMatchObject({ code: 'SUBMIT_INCOMPLETE', stepIds: ['a', 'b'], cause });
    expect(incomplete.message).toContain('2 of 5');
    expect(new StepFailedError('s', 'boom', cause)).toMatchObject({ code: 'STEP_FAILED', stepId: 's', cause });
  });

  it('a handler throws PermanentFailureError, or RetryLaterError with a sensible delay', () => {
    expect(new PermanentFailureError('no')).toMatchObject({ name: 'PermanentFailureError', message: 'no' });
    expect(new RetryLaterError(500)).toMatchObject({
      name: 'RetryLaterError',
      delayMs: 500,
      message: 'retry in 500 ms',
    });
    expect(new RetryLaterError(0, 'now')).toMatchObject({ delayMs: 0, message: 'now' });
    for (const delayMs of [-1, NaN, Infinity, '5' as unknown as number]) {
      expect(() => new RetryLaterError(delayMs)).toThrow(
        expect.objectContaining({ code: 'STEP_INVALID', field: 'delayMs' }),
      );
    }
  });

  it('asError passes errors on, and wraps what is none', () => {
    const error = new TypeError('x');
    expect(asError(error)).toBe(error);
    expect(asError('text')).toMatchObject({ message: 'thrown: "text"', cause: 'text' });
    expect(asError(undefined).message).toBe('thrown: undefined');
  });
});

test.each<[string, unknown, boolean]>([
  ['of this copy of the package', new StoreError('STORE_BUSY', 'busy', true), true],
  ['of another copy', Object.assign(new Error('x'), { name: 'StoreError', code: 'STORE_BUSY', transient: true }), true],
  ['without a code', Object.assign(new Error('x'), { name: 'StoreError', transient: true }), false],
  [
    'that does not say whether it is transient',
    Object.assign(new Error('x'), { name: 'StoreError', code: 'A' }),
    false,
  ],
  ['of another name', Object.assign(new Error('x'), { code: 'STORE_BUSY', transient: true }), false],
  ['that is no error', { name: 'StoreError', code: 'STORE_BUSY', transient: true }, false],
  ['that is nothing', undefined, false],
])('recognizes a StoreError %s', (_, thrown, expected) => {
  expect(isStoreError(thrown)).toBe(expected);
});
