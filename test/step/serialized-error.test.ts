import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FleetQError, PermanentFailureError } from '../../src/errors.js';
import {
  deserializeError,
  MAX_CAUSES,
  plainError,
  serializeError,
  type SerializedError,
} from '../../src/step/serialized-error.js';

/** Long, but no row is too large for it. */
const MOST_TEXT = 400_000;

function depth(error: SerializedError | undefined): number {
  return error === undefined ? 0 : 1 + depth(error.cause);
}

describe('an error is recorded', () => {
  it('with its name, message, code, stack and causes', () => {
    const root = Object.assign(new TypeError('root'), { code: 'E_ROOT' });
    const error = new FleetQError('STORE_FULL', 'top', { cause: root });
    expect(serializeError(error)).toEqual({
      name: 'FleetQError',
      message: 'top',
      code: 'STORE_FULL',
      stack: error.stack,
      cause: { name: 'TypeError', message: 'root', code: 'E_ROOT', stack: root.stack },
    });
    expect(serializeError(new PermanentFailureError('no')).name).toBe('PermanentFailureError');
    expect(serializeError(Object.assign(new Error('x'), { code: 42 })).code).toBe(42);
  });

  it('without a code that is neither text nor a number', () => {
    for (const code of [NaN, {}, null, true, 5n])
      expect(serializeError(Object.assign(new Error('x'), { code }))).not.toHaveProperty('code');
  });

  it('with the first errors of an AggregateError', () => {
    const errors = Array.from({ length: 20 }, (_, i) => new Error(`e${i}`));
    const recorded = serializeError(new AggregateError(errors, 'all'));
    expect(recorded.message).toBe('all');
    expect(recorded.errors?.map((error) => error.message).slice(0, 3)).toEqual(['e0', 'e1', 'e2']);
    expect(recorded.errors!.length).toBeLessThanOrEqual(8);
  });

  it('by its shape, if it comes from another realm', () => {
    expect(serializeError({ name: 'RangeError', message: 'far', extra: 1 })).toEqual({
      name: 'RangeError',
      message: 'far',
      fields: { extra: 1 },
    });
  });

  it.each([
    ['"text"', 'text'],
    ['42', 42],
    ['undefined', undefined],
    ['null', null],
    ['Symbol(s)', Symbol('s')],
    ['10n', 10n],
    ['{ a }', { a() {} }],
    ['[Map]', new Map([[1, 2]])],
    ['[array of 2]', [1, 2]],
    ['[Uint8Array]', new Uint8Array(10_000_000)],
    ['[function anonymous]', () => {}],
  ])('as NonError that says %s', (message, thrown) => {
    expect(serializeError(thrown)).toEqual({ name: 'NonError', message });
  });
});

describe('own fields of an error', () => {
  const carried = (fields: object) => serializeError(Object.assign(new Error('x'), fields)).fields;

  it('are kept if JSON can hold them', () => {
    const fields = { status: 503, errno: -111, details: { tries: [1, { last: null }], why: 'busy' }, retry: false };
    expect(carried(fields)).toEqual(fields);
    expect(carried({ code: 'E', cause: 1, name: 'N', message: 'm', stack: 's', errors: [] })).toBeUndefined();
  });

  it('are left out as a whole if JSON would lose a part', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    const dropped = {
      ...{ when: new Date(0), big: 1n, not: NaN, fn: () => 1, sym: Symbol('s'), map: new Map(), cyclic },
      ...{ inside: { ok: 1, date: new Date(0) }, error: new Error('y'), holes: new Array(2), deep: [[[[[[1]]]]]] },
      request: new (class Request {
        readonly headers = { authorization: 'secret' };
      })(),
    };
    expect(carried({ ...dropped, kept: 1, gone: undefined })).toEqual({ kept: 1 });
  });

  it('are read without running a getter or a toJSON', () => {
    const ran: string[] = [];
    const get = (): unknown => ran.push('getter');
    const error = Object.defineProperty(new Error('x'), 'got', { enumerable: true, get });
    const spoken = { toJSON: () => ran.push('toJSON') };
    expect(serializeError(Object.assign(error, { spoken }))).not.toHaveProperty('fields');
    expect(ran).toEqual([]);
  });

  it('are bounded in size and number: what does not fit is left out', () => {
    expect(carried({ long: 'x'.repeat(10_000), status: 1 })).toEqual({ status: 1 });
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`field${i}`, i]));
    expect(Object.keys(carried(many)!)).toHaveLength(32);
    const wide = { list: Array.from({ length: 1_000_000 }, () => 0) };
    expect(carried(wide)).toBeUndefined();
    expect(JSON.stringify(carried({ a: 'x'.repeat(1_500), b: 'y'.repeat(1_500) })).length).toBeLessThan(2_100);
  });

  it('come back on the error that is made from the record', () => {
    const thrown = new Error('top', { cause: Object.assign(new Error('root'), { status: 503, __proto__x: 1 }) });
    const error = deserializeError(JSON.parse(JSON.stringify(serializeError(thrown))) as SerializedError);
    expect(error.cause).toMatchObject({ message: 'root', status: 503 });
    const forged = { name: 'X', message: 'm', fields: JSON.parse('{"__proto__":{"bad":1},"message":"no"}') as object };
    expect(deserializeError(forged as never)).toMatchObject({ message: 'm' });
    expect(deserializeError(forged as never)).not.toHaveProperty('bad');
  });

  it('are the text of a thrown plain object', () => {
    expect(serializeError({ reason: 'x', at: new Date(0) })).toEqual({
      name: 'NonError',
      message: '{"reason":"x"}',
      fields: { reason: 'x' },
    });
  });
});

describe('recording never throws, and ends', () => {
  it('on a cycle of causes', () => {
    const [a, b] = [new Error('a'), new Error('b')];
    a.cause = b;
    b.cause = a;
    const recorded = serializeError(a);
    expect(recorded).toMatchObject({ message: 'a', cause: { message: 'b' } });
    expect(depth(recorded)).toBeLessThanOrEqual(MAX_CAUSES + 1);
  });

  it('on an error that is its own cause', () => {
    const error = new Error('self');
    error.cause = error;
    expect(depth(serializeError(error))).toBeLessThanOrEqual(MAX_CAUSES + 1);
  });

  it('on an aggregate that holds itself many times over', () => {
    const error = new AggregateError([], 'again');
    error.errors.push(...Array<Error>(8).fill(error));
    expect(JSON.stringify(serializeError(error)).length).toBeLessThan(MOST_TEXT);
  });

  it('on a wide and deep tree of errors', () => {
    const tree = (levels: number): Error =>
      levels === 0
        ? new Error('x'.repeat(50_000))
        : new AggregateError(
            Array.from({ length: 8 }, () => tree(levels - 1)),
            'y'.repeat(50_000),
          );
    expect(JSON.stringify(serializeError(tree(4))).length).toBeLessThan(MOST_TEXT);
  });

  it('on an aggregate of errors that each have a long chain of causes', () => {
    const story = (causes: number): Error =>
      new Error('m'.repeat(50_000), causes === 0 ? {} : { cause: story(causes - 1) });
    const error = new AggregateError(Array.from({ length: 8 }, () => story(8)));
    expect(JSON.stringify(serializeError(error)).length).toBeLessThan(MOST_TEXT);
  });

  it('on a very long chain of causes, message or stack', () => {
    let error = new Error('root');
    for (let i = 0; i < 1_000; i++) error = new Error('m'.repeat(100_000), { cause: error });
    const recorded = serializeError(error);
    expect(depth(recorded)).toBe(MAX_CAUSES + 1);
    expect(recorded.message.endsWith('…')).toBe(true);
    expect(JSON.stringify(recorded).length).toBeLessThan(MOST_TEXT);
  });

  it('on getters that throw: what can be read is kept', () => {
    const error = new Error('kept');
    // The stack first: defining it makes the real one be written, which reads the name.
    for (const key of ['stack', 'name', 'cause', 'code', 'errors']) {
      Object.defineProperty(error, key, {
        get() {
          throw new Error('a trap');
        },
      });
    }
    expect(serializeError(error)).toEqual({ name: 'Error', message: 'kept' });
  });

  it('on fields that are not what they should be', () => {
    const error = Object.assign(new Error('x'), { name: 5, message: { a: 1 }, stack: 7, errors: 'none' });
    expect(serializeError(error)).toEqual({ name: 'Error', message: '' });
  });

  it('on proxies, revoked or full of traps', () => {
    const { proxy, revoke } = Proxy.revocable(new Error('x'), {});
    revoke();
    const trap = () => {
      throw new Error('a trap');
    };
    const hostile = new Proxy(new Error('x'), { get: trap, getPrototypeOf: trap, has: trap, ownKeys: trap });
    for (const thrown of [
      proxy,
      hostile,
      Object.assign(new Error('y'), { errors: Object.assign([1], { slice: trap }) }),
    ]) {
      expect(typeof serializeError(thrown).message).toBe('string');
    }
  });

  it('on any value, and the record is JSON', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(anything, anything, (thrown, cause) => {
        for (const recorded of [
          serializeError(thrown),
          serializeError(new Error('x', { cause })),
          serializeError(new AggregateError([cause, thrown])),
        ]) {
          expect(JSON.parse(JSON.stringify(recorded))).toEqual(recorded);
        }
      }),
    );
  });
});

describe('a recorded error becomes an Error again', () => {
  it('with the same name, message, code, stack and causes', () => {
    const recorded = serializeError(new TypeError('top', { cause: Object.assign(new Error('root'), { code: 'E' }) }));
    const error = deserializeError(recorded);
    expect(error).toBeInstanceOf(Error);
    expect(serializeError(error)).toEqual(recorded);
  });

  it('also if it has hardly any fields', () => {
    expect(deserializeError({ name: 'X', message: '' })).toMatchObject({ name: 'X', message: '' });
    expect(plainError('STEP_TIMED_OUT', 'late')).toEqual({
      name: 'FleetQError',
      message: 'late',
      code: 'STEP_TIMED_OUT',
    });
  });
});
