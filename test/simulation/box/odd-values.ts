/**
 * What handlers of a simulated fleet throw and return that nobody expects of them.
 *
 * Invariants:
 * - Each value is made anew, so that no run shares one with another.
 * - Whatever is thrown fails the attempt, and nothing else.
 */
import { PermanentFailureError } from '../../../src/errors.js';

/** Something to throw or to return. */
type Make = () => unknown;

/** An error with these properties. */
function errorWith(fields: object, message = 'odd'): Error {
  return Object.assign(new Error(message), fields);
}

/** An error whose properties throw when they are read. */
function unreadable(): object {
  const trap = (): never => {
    throw new Error('it cannot be read');
  };
  return new Proxy(new Error('odd'), {
    get: trap,
    ownKeys: trap,
    getOwnPropertyDescriptor: trap,
    getPrototypeOf: trap,
  });
}

function nested(levels: number): object {
  return levels === 0 ? {} : { deeper: nested(levels - 1) };
}

function withCycle(): object {
  const error = errorWith({ self: {} }, 'in a circle');
  return Object.assign(error, { cause: error, context: { error } });
}

function caused(depth: number): Error {
  return new Error(`cause ${depth}`, depth === 0 ? {} : { cause: caused(depth - 1) });
}

function manyFields(): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`field${i}`, i]));
}

export const ODD_ERRORS: readonly Make[] = [
  () => 'a text',
  () => undefined,
  () => null,
  () => 7n,
  () => Symbol('odd'),
  () => [1, 2],
  () => new Uint8Array(4),
  () => ({ status: 503, retry: false, name: 7 }),
  () => ({ message: 'no error, but like one', code: 'ODD' }),
  () => ({}),
  () => new Error('x'.repeat(20_000)),
  withCycle,
  unreadable,
  () => caused(12),
  () => new AggregateError([new Error('one'), 'two', new AggregateError([caused(3)], 'inner')], 'many'),
  () =>
    new AggregateError(
      Array.from({ length: 12 }, () => new AggregateError([1, 2, 3].map(String))),
      'very many',
    ),
  () => new Error('wrapped', { cause: new PermanentFailureError('the step fails permanently') }),
  () => errorWith({ stack: undefined, code: 42, errors: 'none', name: undefined }),
  () => errorWith({ code: Number.NaN, response: new Map(), when: new Date(0) }),
  () => errorWith({ list: [1, null, 'two', { three: 3 }], none: null, zero: -0, nan: Number.NaN, ok: true }),
  () => errorWith({ sparse: Object.assign([], { length: 3 }), long: { length: 5 }, deep: nested(9) }),
  () => errorWith({ ...manyFields(), call: () => 0 }),
  () => errorWith({ text: 'y'.repeat(2_040), other: ['z'.repeat(500)], wide: Array.from({ length: 3_000 }, () => 1) }),
  () => errorWith({ text: 'y'.repeat(2_030), more: 1, most: {} }),
  () => errorWith({ plain: Object.assign(Object.create(null), { nothing: undefined, bad: [() => 0] }) }),
  () => errorWith({ inner: unreadable(), many: { a: 'b'.repeat(1_500), c: 'd'.repeat(1_500) } }),
  () => errorWith(JSON.parse('{"fields": {"__proto__": 1, "a": -0}}') as object),
  () => Object.assign(new DOMException('not by our signal', 'AbortError')),
  () => errorWith({ name: 'CanceledError', code: 'ERR_CANCELED' }),
  () => errorWith({ name: 'RetryLaterError', delayMs: 'soon' }),
  () => errorWith({ code: 'STOPPED' }),
];

/** A result that JSON cannot carry fails the step permanently. */
export const ODD_RESULTS: readonly Make[] = [
  () => undefined,
  () => 7,
  () => [1, 'two', [3, null]],
  () => Number.NaN,
  () => -Infinity,
  () => new Date(0),
  () => new Map([[1, 2]]),
  () => new Error('not thrown'),
  () => Symbol('odd'),
  () => new Uint8Array(3),
  () => Promise.resolve(new Set()),
  () => ({ then: (resolve: (value: unknown) => void) => resolve({ late: 1 }) }),
  () => ({ toJSON: () => ({ spoken: true, toJSON: () => 0 }) }),
  () => ({ toJSON: () => 'spoken' }),
  () => ({ toJSON: () => undefined }),
  () => ({
    toJSON: () => {
      throw new Error('it does not speak');
    },
  }),
  () => ({
    get broken(): never {
      throw new Error('it cannot be read');
    },
  }),
  () => Object.assign(Object.create({ inherited: 1 }), { own: 'yes', skipped: undefined }) as object,
  () => {
    const circle: Record<string, unknown> = {};
    return Object.assign(circle, { circle });
  },
  () => Array.from({ length: 250 }).reduce<unknown>((inner) => [inner], []),
  () => [undefined],
  () => 'é'.repeat(1_900),
  () => '€'.repeat(1_500),
];

/** One of them, by a number of the plan. */
export function oddly(from: readonly Make[], nth: number): unknown {
  return from[nth % from.length]?.();
}
