import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../src/errors.js';
import { decodePayload, encodePayload, parseJson } from '../../src/step/payload.js';
import { idempotentId } from '../../src/step/derived-step-id.js';
import { validateStep } from '../../src/step/submission.js';

const RULES = { maxPayloadBytes: 1_000, maxRetries: 3 };
const validate = (input: unknown, prefix = '') => validateStep(input, RULES, () => 'new-id', prefix);

function refusal(input: unknown, prefix = ''): ValidationError {
  try {
    validate(input, prefix);
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return error as ValidationError;
  }
  return expect.unreachable('it was accepted');
}

describe('a submitted step', () => {
  it('gets the defaults for what it leaves out', () => {
    expect(validate({ type: 'work' })).toEqual({
      stepId: 'new-id',
      type: 'work',
      payload: '{"type":"work"}',
      priority: 0,
      maxRetries: 3,
      delayMs: 0,
      runAt: null,
    });
  });

  it('keeps the fields that it gives', () => {
    const input = {
      type: 'w',
      args: [1],
      metadata: { user: 'a' },
      priority: -5,
      maxRetries: 0,
      delayMs: 1.5,
      stepId: 'mine',
    };
    expect(validate(input)).toEqual({
      stepId: 'mine',
      type: 'w',
      payload: '{"type":"w","args":[1],"metadata":{"user":"a"}}',
      priority: -5,
      maxRetries: 0,
      delayMs: 1.5,
      runAt: null,
    });
  });

  it('may have undefined fields, except for the args', () => {
    const nothing = {
      metadata: undefined,
      priority: undefined,
      runAt: undefined,
      delayMs: undefined,
      idempotencyKey: undefined,
      stepId: undefined,
    };
    expect(validate({ type: 'work', ...nothing })).toEqual(validate({ type: 'work' }));
  });

  it('accepts runAt as a Date or as milliseconds', () => {
    expect(validate({ type: 'w', runAt: new Date(1_234) }).runAt).toBe(1_234);
    expect(validate({ type: 'w', runAt: 1_234.9 }).runAt).toBe(1_234);
    expect(validate({ type: 'w', runAt: 0 }).runAt).toBe(0);
  });

  it('leaves the input unchanged', () => {
    const input = Object.freeze({ type: 'w', args: Object.freeze({ a: 1 }) });
    validate(input);
    expect(input).toEqual({ type: 'w', args: { a: 1 } });
  });
});

describe('bad input gets an error that names the field and shows the value', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;

  it.each<[string, unknown, string, string | RegExp]>([
    ['no object', 'work', 'step', 'expected an object, got "work"'],
    ['null', null, 'step', 'got null'],
    ['a list', [{ type: 'w' }], 'step', 'got [array of 1]'],
    ['no type', { args: 1 }, 'type', 'is missing in { args }'],
    ['an empty type', { type: '' }, 'type', 'got ""'],
    ['an over-long type', { type: 'x'.repeat(256) }, 'type', /1 to 255 characters.*got "x{50,}/],
    ['a type that is not a text', { type: 5 }, 'type', 'got 5'],
    ['a type with a control character', { type: 'a\u0000b' }, 'type', 'control characters'],
    ['a type with a lone surrogate', { type: 'a\ud800' }, 'type', 'got'],
    ['an unknown field', { type: 'w', prioritty: 1 }, 'prioritty', 'did you mean priority?'],
    ['a wholly unknown field', { type: 'w', elephant: 1 }, 'elephant', /is not known$/],
    ['a field named like a member of Object.prototype', { type: 'w', constructor: 1 }, 'constructor', 'is not known'],
    ['a priority that is not a whole number', { type: 'w', priority: 1.5 }, 'priority', 'got 1.5'],
    ['a priority out of range', { type: 'w', priority: 1e9 + 1 }, 'priority', 'got 1000000001'],
    ['a priority of text', { type: 'w', priority: '5' }, 'priority', 'got "5"'],
    ['maxRetries below 0', { type: 'w', maxRetries: -1 }, 'maxRetries', 'got -1'],
    ['maxRetries without end', { type: 'w', maxRetries: Infinity }, 'maxRetries', 'got Infinity'],
    ['a negative delay', { type: 'w', delayMs: -1 }, 'delayMs', 'got -1'],
    ['a delay of NaN', { type: 'w', delayMs: NaN }, 'delayMs', 'got NaN'],
    ['a delay without end', { type: 'w', delayMs: Infinity }, 'delayMs', 'got Infinity'],
    ['an invalid Date', { type: 'w', runAt: new Date(NaN) }, 'runAt', 'got [Date]'],
    ['a runAt of text', { type: 'w', runAt: '2030-01-01' }, 'runAt', 'got "2030-01-01"'],
    ['a runAt beyond what a Date can name', { type: 'w', runAt: 8.64e15 + 1 }, 'runAt', 'got'],
    ['a runAt of null', { type: 'w', runAt: null }, 'runAt', 'got null'],
    [
      'runAt and delayMs together',
      { type: 'w', runAt: 5, delayMs: 7 },
      'runAt',
      'cannot be given together with delayMs, got 5 and 7',
    ],
    [
      'a key and an id together',
      { type: 'w', idempotencyKey: 'k', stepId: 'i' },
      'idempotencyKey',
      'together with stepId, got "k" and "i"',
    ],
    ['an empty key', { type: 'w', idempotencyKey: '' }, 'idempotencyKey', 'got ""'],
    ['an over-long key', { type: 'w', idempotencyKey: 'k'.repeat(1_025) }, 'idempotencyKey', '1024'],
    ['an empty id', { type: 'w', stepId: '' }, 'stepId', 'got ""'],
    ['an over-long id', { type: 'w', stepId: 'i'.repeat(256) }, 'stepId', '255'],
    ['metadata that is not an object', { type: 'w', metadata: [1] }, 'metadata', 'got [array of 1]'],
    ['metadata of null', { type: 'w', metadata: null }, 'metadata', 'got null'],
  ])('%s', (_name, input, field, message) => {
    const error = refusal(input);
    expect(error).toMatchObject({ code: 'STEP_INVALID', field });
    if (typeof message === 'string') expect(error.message).toContain(message);
    else expect(error.message).toMatch(message);
  });

  it.each<[string, unknown, string]>([
    ['a bigint', { n: 1n }, 'args.n'],
    ['a cycle', cycle, 'args.self'],
    ['a function', { f: () => 1 }, 'args.f'],
    ['NaN', [NaN], 'args[0]'],
    ['Infinity', Infinity, 'args'],
    ['undefined at the top', undefined, 'args'],
    ['a toJSON that throws', { toJSON: () => expect.unreachable() }, 'args'],
  ])('args that JSON cannot carry: %s', (_name, args, field) => {
    expect(refusal({ type: 'w', args })).toMatchObject({ code: 'PAYLOAD_UNSERIALIZABLE', field });
    expect(refusal({ type: 'w', args }, 'steps[3].')).toMatchObject({ field: `steps[3].${field}` });
  });

  it('metadata that JSON cannot hold', () => {
    expect(refusal({ type: 'w', metadata: { at: new Date(0) } })).toMatchObject({
      code: 'PAYLOAD_UNSERIALIZABLE',
      field: 'metadata.at',
    });
  });

  it('a payload too large, with its size in bytes of UTF-8', () => {
    const fits = { type: 'w', args: 'x'.repeat(1_000 - '{"type":"w","args":""}'.length) };
    expect(Buffer.byteLength(validate(fits).payload)).toBe(1_000);
    const error = refusal({ ...fits, args: `${fits.args}y` });
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', field: 'args' });
    expect(error.message).toContain('1001 bytes');
    expect(error.message).toContain('at most 1000');
    expect(refusal({ type: 'w', args: 'ü'.repeat(490) }).code).toBe('PAYLOAD_TOO_LARGE');
  });

  it('the place in a list of steps', () => {
    expect(refusal({ type: '' }, 'steps[3].')).toMatchObject({ field: 'steps[3].type' });
    expect(refusal({ typ: 'w' }, 'steps[3].')).toMatchObject({ field: 'steps[3].typ' });
    expect(refusal(5, 'steps[3].')).toMatchObject({ field: 'steps[3]' });
    expect(refusal({ type: 'w', runAt: 1, delayMs: 1 }, 'steps[3].')).toMatchObject({ field: 'steps[3].runAt' });
  });

  it('also for inherited fields', () => {
    expect(refusal(Object.create({ type: 5 }))).toMatchObject({ field: 'type' });
  });

  it('for anything at all: it is taken as a step or refused as a step, and never otherwise', () => {
    const keys = fc.constantFrom(
      'type',
      'args',
      'metadata',
      'priority',
      'maxRetries',
      'runAt',
      'delayMs',
      'idempotencyKey',
      'stepId',
      'other',
    );
    const input = fc.oneof(fc.anything(), fc.dictionary(keys, fc.oneof(fc.anything(), fc.string(), fc.integer())));
    fc.assert(
      fc.property(input, (given) => {
        try {
          const step = validate(given);
          expect(step.type.length).toBeGreaterThan(0);
          expect(JSON.parse(step.payload)).toMatchObject({ type: step.type });
          expect(Number.isSafeInteger(step.priority) && step.delayMs >= 0).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ValidationError', code: expect.stringMatching(/^(STEP|PAYLOAD)_/) });
        }
      }),
    );
  });
});

describe('a payload', () => {
  it('is read back unchanged', () => {
    const metadata = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.jsonValue({ stringUnit: 'binary' }),
        metadata,
        (type, args, meta) => {
          const decoded = decodePayload(encodePayload(type, { value: args }, meta, Infinity));
          expect(JSON.stringify(decoded)).toBe(JSON.stringify({ args, metadata: meta }));
        },
      ),
    );
  });

  it('distinguishes absent args from null', () => {
    expect(decodePayload(encodePayload('w', undefined, undefined, 100))).toEqual({ args: undefined, metadata: {} });
    expect(decodePayload(encodePayload('w', { value: null }, undefined, 100)).args).toBeNull();
  });

  it.each(['', 'nonsense', '[1]', '5', 'null', '{"args":1,"metadata":"text"}', '{"metadata":[1]}'])(
    'reads %s, written by hand, without harm',
    (text) => {
      expect(decodePayload(text).metadata).toEqual({});
    },
  );

  it('has a value only if the text is JSON', () => {
    expect([parseJson(null), parseJson('{'), parseJson('{"a":1}')]).toEqual([undefined, undefined, { a: 1 }]);
  });
});

describe('the id of an idempotency key', () => {
  it('is a UUID of version 5, always the same in every process', () => {
    expect(idempotentId('send_email', 'order-17')).toBe(idempotentId('send_email', 'order-17'));
    expect(idempotentId('send_email', 'order-17')).toBe('11e34c4e-d4f5-5c31-8c2e-ea13f55647ca');
    expect(validate({ type: 'send_email', idempotencyKey: 'order-17' }).stepId).toBe(
      idempotentId('send_email', 'order-17'),
    );
  });

  it('differs by type and by key, and lets neither run into the other', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (type, key, otherType, otherKey) => {
        const id = idempotentId(type, key);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(id === idempotentId(otherType, otherKey)).toBe(type === otherType && key === otherKey);
      }),
    );
    expect(idempotentId('a', 'bc')).not.toBe(idempotentId('ab', 'c'));
    expect(idempotentId('a","b', 'c')).not.toBe(idempotentId('a', 'b","c'));
  });
});
