import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../src/step/json.js';

const text = (value: unknown) => jsonText(value, { field: 'args', code: 'PAYLOAD_UNSERIALIZABLE' });
const refusal = (field: string) =>
  expect.objectContaining({ name: 'ValidationError', code: 'PAYLOAD_UNSERIALIZABLE', field });

class Point {
  readonly x = 1;
  get double() {
    return this.x * 2;
  }
}

describe('JSON can hold', () => {
  it('every JSON value, exactly', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        expect(text(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it.each([
    ['an undefined property, by leaving it out', { a: 1, b: undefined }, '{"a":1}'],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ['an object of a class, by its own fields', new Point(), '{"x":1}'],
    ['an object with a toJSON', { when: { toJSON: () => '2030' } }, '{"when":"2030"}'],
    ['a URL, which has a toJSON', new URL('https://x.test/a?b'), '"https://x.test/a?b"'],
    [
      'one object in two places, which is not a cycle',
      ((o: object) => ({ a: o, b: [o, o] }))({ n: 1 }),
      '{"a":{"n":1},"b":[{"n":1},{"n":1}]}',
    ],
    ['a lone surrogate, escaped', '\ud800', '"\\ud800"'],
    ['a key of any text', JSON.parse('{"__proto__":1,"":2}'), '{"__proto__":1,"":2}'],
  ])('%s', (_name, value, expected) => {
    expect(text(value)).toBe(expected);
  });

  it('a deeply nested value, up to a limit', () => {
    const nested = (levels: number): unknown => {
      let value: unknown = 1;
      for (let i = 0; i < levels; i++) value = [value];
      return value;
    };
    expect(text(nested(150))).toBe(JSON.stringify(nested(150)));
    expect(() => text(nested(10_000))).toThrow(refusal(`args${'[0]'.repeat(200)}`));
  });

  it('an object whose toJSON returns the object itself', () => {
    const value = {
      a: 1,
      toJSON() {
        return this;
      },
    };
    expect(() => text(value)).toThrow(refusal('args.toJSON')); // one of its fields is a function
    const hidden = Object.defineProperty({ a: 1 }, 'toJSON', { value: () => hidden });
    expect(text(hidden)).toBe('{"a":1}');
  });
});

describe('JSON cannot hold', () => {
  const cyclic: { self?: unknown; list: unknown[] } = { list: [] };
  cyclic.list.push({ back: cyclic });

  it.each<[string, unknown, string]>([
    ['undefined at the top', undefined, 'args'],
    ['a bigint', { n: 1n }, 'args.n'],
    ['a boxed bigint', { n: Object(1n) }, 'args.n'],
    ['a function', { f() {} }, 'args.f'],
    ['a function at the top', () => {}, 'args'],
    ['a class', { list: [{ type: Point }] }, 'args.list[0].type'],
    ['a symbol', [Symbol('s')], 'args[0]'],
    ['NaN', { deep: { list: [1, NaN] } }, 'args.deep.list[1]'],
    ['an infinity', Infinity, 'args'],
    ['a boxed NaN', { n: Object(NaN) }, 'args.n'],
    ['undefined in a list', [1, undefined], 'args[1]'],
    ['a hole in a list', { list: Object.assign(new Array<number>(2), { 0: 1 }) }, 'args.list[1]'],
    ['a cycle', cyclic, 'args.list[0].back'],
    ['a Date', { when: new Date(0) }, 'args.when'],
    ['an invalid Date', [new Date(NaN)], 'args[0]'],
    ['a Map', { m: new Map([[1, 2]]) }, 'args.m'],
    ['a Set', { s: new Set([1]) }, 'args.s'],
    ['a WeakMap', { m: new WeakMap() }, 'args.m'],
    ['a RegExp', { r: /x/ }, 'args.r'],
    ['a Promise that was not awaited', { user: Promise.resolve(1) }, 'args.user'],
    ['an Error, of which nothing would be left', { error: new Error('x') }, 'args.error'],
    ['a Buffer', { bytes: Buffer.from('x') }, 'args.bytes'],
    ['a typed array', { bytes: new Float64Array(1) }, 'args.bytes'],
    ['an ArrayBuffer', { bytes: new ArrayBuffer(1) }, 'args.bytes'],
    ['a toJSON that returns NaN', { x: { toJSON: () => ({ n: NaN }) } }, 'args.x.n'],
    ['a toJSON that returns undefined, in a list', [{ toJSON: () => undefined }], 'args[0]'],
    ['a toJSON that returns undefined, at the top', { toJSON: () => undefined }, 'args'],
  ])('%s', (_name, value, field) => {
    expect(() => text(value)).toThrow(refusal(field));
  });

  it('a value that throws when it is read, and the error says what it threw', () => {
    const thrower = () => {
      throw new Error('not today');
    };
    for (const value of [
      { x: { toJSON: thrower } },
      Object.defineProperty({}, 'x', { get: thrower, enumerable: true }),
    ]) {
      expect(() => text(value)).toThrow(
        expect.objectContaining({ code: 'PAYLOAD_UNSERIALIZABLE', message: expect.stringContaining('not today') }),
      );
    }
  });

  it('and the error shows the value, shortened', () => {
    expect(() => text({ n: 12n })).toThrow('12n');
    expect(() => text([NaN])).toThrow('expected a finite number, got NaN');
    expect(() => text({ d: new Date(0) })).toThrow('pass toISOString() or getTime()');
  });

  it('any other value that would change: every accepted value comes back equal', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withBoxedValues: true,
      withTypedArray: true,
      withSparseArray: true,
      withObjectString: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        let made: string;
        try {
          made = text(value);
        } catch (error) {
          expect(error).toMatchObject({
            name: 'ValidationError',
            code: 'PAYLOAD_UNSERIALIZABLE',
            field: expect.stringMatching(/^args/),
          });
          return;
        }
        expect(plain(JSON.parse(made))).toEqual(plain(value));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** The same value without what JSON is known to pass over: undefined properties, prototypes, and the sign of 0. */
function plain(value: unknown): unknown {
  if (typeof value === 'number') return value + 0;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return new Map(Object.entries(value).flatMap(([key, child]) => (child === undefined ? [] : [[key, plain(child)]])));
}
