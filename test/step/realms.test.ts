/** Values of another realm: a VM context, as test runners give one to each test file, has classes of its own. */
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { asError, isError, StoreError } from '../../src/errors.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { mapInSlices } from '../../src/runtime/time-slices.js';
import { sqlite } from '../../src/sqlite.js';
import { checkArgs } from '../../src/step/definition.js';
import { jsonText } from '../../src/step/json.js';
import { validateStep } from '../../src/step/submission.js';
import { storeError } from '../../src/store/sqlite/sqlite-errors.js';
import { newQueue } from '../support/queues.js';

const realm = createContext({ AbortController, DOMException, URL });

function foreign(expression: string): unknown {
  return runInContext(`(${expression})`, realm);
}

const json = (value: unknown): string => jsonText(value, { field: 'args', code: 'PAYLOAD_UNSERIALIZABLE' });

describe('of another realm', () => {
  it('an error keeps its message', () => {
    const error = foreign(`Object.assign(new RangeError('no'), { code: 'X' })`);
    expect(error).not.toBeInstanceOf(Error);
    expect(asError(error)).toBe(error);
  });

  it('the reason of an aborted signal is an error', () => {
    const reason = AbortSignal.abort().reason as unknown;
    expect(isError(reason)).toBe(true);
    expect(isError(Object.setPrototypeOf(new DOMException('no'), Object.prototype))).toBe(false);
  });

  it.each(['Object.create(null)', '[]', `({ message: 'no' })`, '5', 'null'])('%s is not an error', (value) => {
    expect(isError(foreign(value))).toBe(false);
  });

  it.each(['new Date()', 'new Map()', 'new Set([1])', '/a/', 'Promise.resolve()', `new Error('no')`, 'new Number(1)'])(
    '%s is refused in args, because JSON would lose it',
    (value) => {
      expect(() => json({ a: [foreign(value)] })).toThrow(expect.objectContaining({ field: 'args.a[0]' }));
    },
  );

  it.each(['new ArrayBuffer(2)', 'new Uint8Array(2)', 'new WeakMap()', 'new WeakSet()', 'new WeakRef({})'])(
    '%s is refused in args too',
    (value) => {
      expect(() => json(foreign(value))).toThrow(expect.objectContaining({ field: 'args' }));
    },
  );

  it('plain objects and arrays are accepted', () => {
    expect(json(foreign(`{ a: [1, { b: 'c' }] }`))).toBe('{"a":[1,{"b":"c"}]}');
  });

  it('a date is accepted as runAt', () => {
    const step = { type: 'a', runAt: foreign('new Date(5)') };
    expect(validateStep(step, { maxPayloadBytes: 100, maxRetries: 0 }, () => 'id')).toMatchObject({ stepId: 'id' });
  });

  it('the promise of a schema is awaited', async () => {
    const validate = foreign(`(value) => Promise.resolve({ value: value + 1 })`) as () => never;
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    expect(await checkArgs(schema, 1)).toEqual({ ok: true, value: 2 });
    const runtime = new VirtualRuntime();
    const mapped = mapInSlices(runtime, [1, 2], (item) => foreign(`Promise.resolve(${item})`));
    expect(await runtime.until(mapped)).toEqual([1, 2]);
  });

  it('what a schema throws keeps its message', () => {
    const validate = foreign(`() => { throw new Error('not today') }`) as () => never;
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const;
    expect(checkArgs(schema, 1)).toEqual({ ok: false, problem: 'the schema threw: not today' });
  });

  it.each([
    [`Object.assign(new Error('held'), { code: 'SQLITE_BUSY' })`, 'STORE_BUSY', true],
    [`Object.assign(new Error('gone'), { code: 'SQLITE_CANTOPEN' })`, 'STORE_UNWRITABLE', false],
    [`new TypeError('cannot bind')`, 'STORE_REFUSED', false],
  ])('%s of the database is %s', (thrown, code, transient) => {
    expect(storeError(foreign(thrown), 'x')).toMatchObject({ name: 'StoreError', code, transient });
    expect(storeError(foreign(thrown), 'x')).toBeInstanceOf(StoreError);
  });

  it('a URL is accepted as the path of the helper', () => {
    const url = { href: 'file:///app/helper.js', protocol: 'file:', toString: () => 'nonsense' } as unknown as URL;
    expect(() => sqlite({ workerUrl: url })).not.toThrow();
    expect(() => sqlite({ workerUrl: { href: 5 } as unknown as URL })).toThrow(/expected a URL/);
  });

  it('a signal ends a wait', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const stranger = {
      get aborted() {
        return signal.aborted;
      },
      addEventListener: signal.addEventListener.bind(signal),
      removeEventListener: signal.removeEventListener.bind(signal),
    } as unknown as AbortSignal;
    const queue = newQueue().register('a', () => null);
    const wait = queue.waitFor(await queue.submit({ type: 'a' }), { signal: stranger });
    controller.abort();
    await expect(wait).rejects.toMatchObject({ code: 'WAIT_ABORTED' });
    const none = { aborted: false } as unknown as AbortSignal;
    await expect(queue.waitFor('a', { signal: none })).rejects.toThrow(/expected an AbortSignal/);
  });
});
