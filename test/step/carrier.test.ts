import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { carrierOf, encodeCarrier, samePayload, withCarrier, withoutCarrier } from '../../src/step/carrier.js';
import { decodePayload, encodePayload } from '../../src/step/payload.js';

const TRACE = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1,b=2' };

const ascii = (maxLength: number) => fc.string({ unit: 'grapheme-ascii', maxLength });
const carriers = fc.dictionary(ascii(20), ascii(40), { minKeys: 1, maxKeys: 8 });
const payloads = fc
  .record({ args: fc.jsonValue({ stringUnit: 'binary' }), metadata: fc.dictionary(ascii(8), fc.jsonValue()) })
  .chain(({ args, metadata }) =>
    fc.constantFrom([{ value: args }, undefined], [{ value: args }, metadata], [undefined]),
  )
  .map(([args, metadata]) => encodePayload('work', args as undefined, metadata, 1_000_000));

function encoded(carrier: unknown): string {
  const made = encodeCarrier(carrier);
  return 'text' in made ? (made.text ?? '') : expect.unreachable(made.problem);
}

describe('a carrier', () => {
  it('is taken out of any payload exactly as it was put in', () => {
    fc.assert(
      fc.property(payloads, carriers, (payload, carrier) => {
        const carried = withCarrier(payload, encoded(carrier));
        expect(withoutCarrier(carried)).toBe(payload);
        expect(carrierOf(carried)).toEqual(carrier);
        expect(withoutCarrier(payload)).toBe(payload);
        expect(decodePayload(carried)).toEqual(decodePayload(payload));
        expect(Object.keys(JSON.parse(carried) as object).at(-1)).toBe('trace');
      }),
    );
  });

  it.each([
    ['{"type":"a","args":{"n":1,"trace":{"a":"b"}}}'],
    ['{"type":"a","metadata":{"trace":{"a":"b"}}}'],
    ['{"type":"a","metadata":{"n":1,"trace":{"a":"b"}}}'],
    [JSON.stringify({ type: 'a', args: ',"trace":{"a":"b"}}' })],
    [JSON.stringify({ type: 'a', args: { text: ',"trace":{"a":"b"}}' } })],
    ['{"type":"a","args":1,"trace":{"a":{"b":"c"}}}'],
    ['{"type":"a","trace":{}}'],
    ['"}}'],
    [''],
  ])('is not seen in the text %s', (payload) => {
    expect(withoutCarrier(payload)).toBe(payload);
    expect(carrierOf(payload)).toBeUndefined();
  });

  it('does not count when payloads are compared', () => {
    const plain = '{"type":"a","args":1}';
    const [one, other] = [withCarrier(plain, encoded(TRACE)), withCarrier(plain, encoded({ traceparent: 'x' }))];
    expect(samePayload(one, other)).toBe(true);
    expect(samePayload(one, plain)).toBe(true);
    expect(samePayload(plain, other)).toBe(true);
    expect(samePayload(one, withCarrier('{"type":"a","args":2}', encoded(TRACE)))).toBe(false);
    expect(samePayload(undefined, plain)).toBe(false);
  });

  it('is read wherever it stands in a payload that was written by hand', () => {
    expect(carrierOf(JSON.stringify({ trace: TRACE, type: 'a', args: 'x' }, null, 2))).toEqual(TRACE);
  });

  it.each([[1], ['text'], [null], [['a']], [{}], [{ a: 1 }], [{ a: 'b', c: null }], [{ a: 'é' }], [{ a: { b: 'c' } }]])(
    'counts as none in a row that has %j in its place',
    (trace) => {
      expect(carrierOf(JSON.stringify({ type: 'a', trace }))).toBeUndefined();
    },
  );

  it('counts as none in a row whose payload is no JSON', () => {
    expect(carrierOf('{"trace":')).toBeUndefined();
  });

  it.each([
    [null, 'expected an object of texts'],
    [['a'], 'expected an object of texts'],
    [{ a: 1 }, 'expected printable ASCII text as "a"'],
    [{ a: 'line\n' }, 'expected printable ASCII text as "a"'],
    [{ ü: 'x' }, 'expected printable ASCII text as "ü"'],
    [Object.fromEntries(Array.from({ length: 9 }, (_, i) => [i, ''])), 'expected at most 8 names, got 9'],
    [{ a: 'x'.repeat(1_020) }, 'expected at most 1024 bytes, got 1028'],
  ])('is refused if it is %s', (carrier, problem) => {
    expect(encodeCarrier(carrier)).toEqual({ problem });
  });

  it('is refused if it cannot be read', () => {
    const get = (): never => {
      throw new Error('unreadable');
    };
    expect(encodeCarrier(Object.defineProperty({}, 'a', { get, enumerable: true }))).toEqual({
      problem: 'it cannot be read',
    });
  });

  it('may have 8 names and 1,024 bytes, and may be empty', () => {
    expect(encodeCarrier({})).toEqual({ text: undefined });
    const eight = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [i, '']));
    expect(encodeCarrier(eight)).toEqual({ text: JSON.stringify(eight) });
    const longest = encoded({ a: 'x'.repeat(1_016) });
    expect(longest).toHaveLength(1_024);
    expect(withoutCarrier(withCarrier('{"type":"a"}', longest))).toBe('{"type":"a"}');
  });
});
