import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkArgs, checkDefinition, defineStep } from '../../src/step/definition.js';
import { StepRegistry } from '../../src/step/step-registry.js';

const run = () => null;

describe('a definition', () => {
  it('is checked, frozen, and keeps what it says', () => {
    const schema = z.object({ file: z.string() });
    const given = {
      type: 'resize',
      args: schema,
      timeoutMs: 5,
      maxRetries: 0,
      retry: { baseMs: 0 },
      concurrency: 2,
      run,
    };
    const step = checkDefinition(given);
    expect(step).toMatchObject({
      type: 'resize',
      schema,
      timeoutMs: 5,
      maxRetries: 0,
      retry: { baseMs: 0 },
      concurrency: 2,
    });
    expect(Object.isFrozen(step) && Object.isFrozen(step.retry)).toBe(true);
    expect(Object.keys(checkDefinition({ type: 'bare', run })).sort()).toEqual(['run', 'schema', 'type']);
  });

  it('calls its handler as a method of the definition', () => {
    class Counter {
      readonly type = 'counter';
      run(args: unknown): string {
        return this.text(args);
      }
      text(args: unknown): string {
        return `${this.type}:${String(args)}`;
      }
    }
    expect(checkDefinition(new Counter()).run(5, undefined as never)).toBe('counter:5');
    const more = { type: 'counter', prefix: 'n=', run };
    expect(() => checkDefinition(more)).toThrow(expect.objectContaining({ field: 'step.prefix' }));
  });

  it('is refused by defineStep and by the registry in the same way', () => {
    expect(() => defineStep({ type: '', run })).toThrow(
      expect.objectContaining({ code: 'STEP_TYPE_INVALID', field: 'step.type' }),
    );
    expect(() => new StepRegistry().add({ type: '', run })).toThrow(
      expect.objectContaining({ code: 'STEP_TYPE_INVALID' }),
    );
    expect(Object.isFrozen(defineStep({ type: 'w', run }))).toBe(true);
  });

  it.each<[string, unknown, string, string]>([
    ['nothing', undefined, 'step', 'expected an object, got undefined'],
    ['no type', { run }, 'step.type', 'is missing in { run }'],
    ['no handler', { type: 'w' }, 'step.run', 'is missing in { type }'],
    ['a handler that is not a function', { type: 'w', run: 5 }, 'step.run', 'expected a function, got 5'],
    ['an over-long type', { type: 'x'.repeat(256), run }, 'step.type', '1 to 255'],
    [
      'args that are not a schema',
      { type: 'w', run, args: { file: 'string' } },
      'step.args',
      'expected a Standard Schema, got { file }',
    ],
    ['a time-out below 0', { type: 'w', run, timeoutMs: -1 }, 'step.timeoutMs', 'got -1'],
    ['a concurrency of 0', { type: 'w', run, concurrency: 0 }, 'step.concurrency', 'got 0'],
    ['half a retry', { type: 'w', run, maxRetries: 0.5 }, 'step.maxRetries', 'got 0.5'],
    ['a policy with a factor below 1', { type: 'w', run, retry: { factor: 0.5 } }, 'step.retry.factor', 'got 0.5'],
    [
      'a policy with an unknown field',
      { type: 'w', run, retry: { baseMS: 5 } },
      'step.retry.baseMS',
      'did you mean baseMs?',
    ],
    ['an unknown field', { type: 'w', run, timeout: 5 }, 'step.timeout', 'did you mean timeoutMs?'],
  ])('is refused with %s', (_name, definition, field, message) => {
    expect(() => checkDefinition(definition)).toThrow(
      expect.objectContaining({
        name: 'ValidationError',
        code: 'STEP_TYPE_INVALID',
        field,
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe('the registry', () => {
  it('accepts each type once, and no new type once it is sealed', () => {
    const registry = new StepRegistry();
    registry.add({ type: 'one', run });
    expect(registry.types).toEqual(['one']);
    registry.add({ type: 'two', run });
    expect(registry.types).toEqual(['one', 'two']);
    expect(registry.get('one')?.type).toBe('one');
    expect(registry.get('constructor')).toBeUndefined();
    expect(() => registry.add({ type: 'one', run })).toThrow(expect.objectContaining({ code: 'STEP_TYPE_DUPLICATE' }));
    registry.seal();
    expect(() => registry.add({ type: 'three', run })).toThrow(expect.objectContaining({ code: 'REGISTER_LATE' }));
    expect(registry.types).toEqual(['one', 'two']);
  });
});

/** The same schema by three libraries: a file, and a width that a text may give and that has a default. */
const SCHEMAS: Readonly<Record<string, StandardSchemaV1>> = {
  zod: z.object({ file: z.string(), width: z.coerce.number().default(100) }),
  valibot: v.object({
    file: v.string(),
    width: v.optional(v.pipe(v.union([v.string(), v.number()]), v.transform(Number)), 100),
  }),
  arktype: type({ file: 'string', width: type('number | string.numeric.parse').default(100) }),
};

describe.each(Object.entries(SCHEMAS))('a schema of %s', (_name, schema) => {
  it('is accepted by a definition', () => {
    expect(checkDefinition({ type: 'resize', args: schema, run }).schema).toBe(schema);
  });

  it('gives its output', async () => {
    expect(await checkArgs(schema, { file: 'a', width: '20' })).toEqual({ ok: true, value: { file: 'a', width: 20 } });
    expect(await checkArgs(schema, { file: 'a' })).toEqual({ ok: true, value: { file: 'a', width: 100 } });
  });

  it('refuses bad args with the path of the bad value', async () => {
    const checked = await checkArgs(schema, { file: 5 });
    expect(checked).toMatchObject({ ok: false, problem: expect.stringContaining('file') });
    expect(await checkArgs(schema, null)).toMatchObject({ ok: false, problem: expect.stringMatching(/./) });
  });
});

describe('any Standard Schema', () => {
  const of = (validate: (value: unknown) => unknown) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as StandardSchemaV1;

  it('may be asynchronous', async () => {
    const schema = of(async (value) => ({ value: [value] }));
    expect(await checkArgs(schema, 1)).toEqual({ ok: true, value: [1] });
  });

  it('refuses the args if it throws or rejects', async () => {
    const refused = { ok: false, problem: 'the schema threw: no' };
    expect(
      await checkArgs(
        of(() => {
          throw new Error('no');
        }),
        1,
      ),
    ).toEqual(refused);
    expect(
      await checkArgs(
        of(() => Promise.reject(new Error('no'))),
        1,
      ),
    ).toEqual(refused);
    expect(
      await checkArgs(
        of(() => Promise.reject('text')),
        1,
      ),
    ).toEqual({ ok: false, problem: 'the schema threw: "text"' });
  });

  it('may return any thenable', async () => {
    const later = (result: unknown) => ({ then: (resolve: (value: unknown) => void) => resolve(result) });
    expect(
      await checkArgs(
        of((value) => later({ value })),
        1,
      ),
    ).toEqual({ ok: true, value: 1 });
    expect(
      await checkArgs(
        of(() => later({ issues: [{ message: 'no' }] })),
        1,
      ),
    ).toEqual({ ok: false, problem: 'no' });
  });

  it.each([undefined, null, 1, {}, { ok: true }])(
    'refuses where it returns neither a value nor issues: %s',
    async (made) => {
      const refused = {
        ok: false,
        problem: expect.stringContaining('the schema returned neither a value nor issues, got'),
      };
      expect(
        await checkArgs(
          of(() => made),
          1,
        ),
      ).toMatchObject(refused);
      expect(
        await checkArgs(
          of(async () => made),
          1,
        ),
      ).toMatchObject(refused);
      expect(
        await checkArgs(
          of(() => ({ value: undefined })),
          1,
        ),
      ).toEqual({ ok: true, value: undefined });
    },
  );

  it('refuses by issues that cannot be read', async () => {
    const refused = { ok: false, problem: expect.stringContaining('the schema threw') };
    expect(
      await checkArgs(
        of(() => ({ issues: 5 })),
        1,
      ),
    ).toMatchObject(refused);
    expect(
      await checkArgs(
        of(async () => ({ issues: [null] })),
        1,
      ),
    ).toMatchObject(refused);
  });

  it('refuses by an issue without a message, and shows the first five of many', async () => {
    expect(
      await checkArgs(
        of(() => ({ issues: [] })),
        1,
      ),
    ).toEqual({ ok: false, problem: 'refused by the schema' });
    const issues = Array.from({ length: 9 }, (_, i) => ({ message: `no ${i}`, path: ['list', { key: i }] }));
    expect(
      await checkArgs(
        of(() => ({ issues })),
        1,
      ),
    ).toEqual({
      ok: false,
      problem: 'list.0: no 0; list.1: no 1; list.2: no 2; list.3: no 3; list.4: no 4',
    });
  });
});
