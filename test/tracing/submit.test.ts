/** The tracing channel `fleet-q:submit`, and the carrier that its subscribers set. */
import { tracingChannel } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { defineStep, FleetQ, type AnyFleetQ, type FleetQOptions, type SubmitTrace, type TraceCarrier } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { boundTo, inRequest, requestName } from '../support/contexts.js';
import { faultySqlite, newQueue, stopped, temporaryPath } from '../support/queues.js';
import { StoreError } from '../../src/errors.js';
import { at, phases, submitEvents } from './events.js';

/** A process that only submits, any type. */
const submitting = (options: FleetQOptions & { steps?: undefined } = {}): AnyFleetQ => newQueue(options);

const carrierOf = (n: number): TraceCarrier => ({
  traceparent: `00-${String(n).padStart(32, '0')}-00000000000000aa-01`,
});

/** The stored payload of a step. */
async function stored(queue: AnyFleetQ, factory: ReturnType<typeof faultySqlite>, stepId: string): Promise<string> {
  await queue.stats();
  const [found] = await factory.store.find([stepId]);
  return found?.payload ?? '';
}

describe('a submission', () => {
  test('is published with its type, its id and, at the end, its receipt', async () => {
    const events = submitEvents();
    const queue = submitting({ podId: 'web-1' });
    const stepId = await queue.submit({ type: 'resize', args: { n: 1 } });
    expect(phases(events)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd']);
    const started = { podId: 'web-1', type: 'resize', stepId, count: 1, isBatch: false, carrier: undefined };
    expect(at(events, 'start')).toEqual([started]);
    expect(at(events, 'asyncEnd')).toEqual([{ ...started, result: { stepId, receipt: 'created' } }]);
    expect(new Set(events.map(({ trace }) => trace)).size).toBe(1);
  });

  test('of many steps is one, with their number, and with their type if they have one', async () => {
    const events = submitEvents();
    const queue = submitting();
    const ids = await queue.submitMany(Array.from({ length: 2_500 }, () => ({ type: 'a' })));
    await queue.submitMany([{ type: 'a' }, { type: 'b' }]);
    await queue.submitMany([{ type: 'a' }]);
    await queue.submitMany([]);
    expect(at(events, 'start')).toMatchObject([
      { type: 'a', stepId: undefined, count: 2_500, isBatch: true },
      { type: undefined, stepId: undefined, count: 2, isBatch: true },
      { type: 'a', stepId: undefined, count: 1, isBatch: true },
    ]);
    const [first] = at(events, 'asyncEnd');
    expect(first?.result).toEqual(ids.map((stepId) => ({ stepId, receipt: 'created' })));
  });

  test('by a definition, or of a handler, is published too', async () => {
    const child = defineStep({ type: 'child', run: () => 1 });
    const events = submitEvents();
    const queue = newQueue()
      .register(child)
      .register('parent', async (_: undefined, ctx): Promise<null> => {
        await ctx.submit(child);
        await ctx.submitMany(child, [undefined, undefined], (_args, i) => ({ name: `child ${i}` }));
        return null;
      });
    await queue.start();
    await queue.submitManyWithReceipts(child, [undefined]);
    await queue.submitWithReceipt(child);
    await queue.waitFor(await queue.submit({ type: 'parent' }));
    expect(at(events, 'start').map(({ type, count, isBatch }) => [type, count, isBatch])).toEqual([
      ['child', 1, true],
      ['child', 1, false],
      ['parent', 1, false],
      ['child', 1, false],
      ['child', 2, true],
    ]);
  });

  test('that is refused before anything is written is not published', async () => {
    const events = submitEvents();
    const queue = submitting();
    await expect(queue.submit({ type: 'a', priority: NaN })).rejects.toMatchObject({ code: 'STEP_INVALID' });
    await expect(queue.submitMany([{ type: 'a' }, { type: '' }])).rejects.toMatchObject({ code: 'STEP_INVALID' });
    expect(events).toEqual([]);
  });

  test('that fails is published with its error', async () => {
    const events = submitEvents();
    const error = new StoreError('STORE_REFUSED', 'the store cannot hold it', false);
    const queue = submitting({
      store: faultySqlite(({ verb }) => (verb === 'submit' ? { fails: 'before', error } : undefined)),
    });
    await expect(queue.submit({ type: 'a' })).rejects.toBe(error);
    await expect(queue.submitMany([{ type: 'a' }])).rejects.toMatchObject({ code: 'SUBMIT_INCOMPLETE' });
    const once = ['start', 'end', 'error', 'asyncStart', 'asyncEnd'];
    expect(phases(events)).toEqual([...once, ...once]);
    expect(at(events, 'error').map((trace) => trace.error)).toMatchObject([
      { code: 'STORE_REFUSED' },
      { code: 'SUBMIT_INCOMPLETE' },
    ]);
  });

  test('is published in the context of its caller, though it shares a commit', async () => {
    const seen: string[] = [];
    submitEvents({ start: () => void seen.push(requestName()) });
    const queue = submitting();
    await Promise.all(['a', 'b', 'c'].map((name) => inRequest(name, () => queue.submit({ type: 'work' }))));
    await inRequest('d', () => queue.submitMany([{ type: 'work' }]));
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a carrier', () => {
  test('is stored as the last key of the payload, and is neither args nor metadata', async () => {
    submitEvents({ start: (trace) => void (trace.carrier = carrierOf(1)) });
    const factory = faultySqlite();
    const queue = submitting({ store: factory });
    const seen: object[] = [];
    queue.on('step:submitted', (event) => void seen.push(event));
    const stepId = await queue.submit({ type: 'a', args: { n: 1 }, metadata: { user: 'x' } });
    const [many = ''] = await queue.submitMany([{ type: 'a' }]);
    expect(await stored(queue, factory, stepId)).toBe(
      `{"type":"a","args":{"n":1},"metadata":{"user":"x"},"trace":${JSON.stringify(carrierOf(1))}}`,
    );
    expect(await stored(queue, factory, many)).toBe(`{"type":"a","trace":${JSON.stringify(carrierOf(1))}}`);
    expect(await queue.getStep(stepId)).toMatchObject({ args: { n: 1 }, metadata: { user: 'x' } });
    expect(seen[0]).toEqual({ type: 'a', stepId, args: { n: 1 }, metadata: { user: 'x' }, receipt: 'created' });
  });

  test('that nobody sets leaves the stored text as it is', async () => {
    submitEvents({ start: (trace) => void (trace.carrier = {}) });
    const factory = faultySqlite();
    const queue = submitting({ store: factory });
    const stepId = await queue.submit({ type: 'a', args: 1 });
    expect(await stored(queue, factory, stepId)).toBe('{"type":"a","args":1}');
  });

  test('that cannot be stored is left out with a warning, and the step is submitted all the same', async () => {
    const warned: unknown[] = [];
    const logger = {
      debug: () => 0,
      info: () => 0,
      warn: (fields: unknown) => void warned.push(fields),
      error: () => 0,
    };
    submitEvents({ start: (trace) => void (trace.carrier = { traceparent: 7 } as never) });
    const factory = faultySqlite();
    const queue = submitting({ store: factory, logger });
    const stepId = await queue.submit({ type: 'a' });
    expect(await stored(queue, factory, stepId)).toBe('{"type":"a"}');
    expect(warned).toMatchObject([{ problem: 'expected printable ASCII text as "traceparent"' }]);
  });

  test('does not count against the limit of the payload', async () => {
    submitEvents({ start: (trace) => void (trace.carrier = { a: 'x'.repeat(900) }) });
    const queue = submitting({ maxPayloadBytes: 64 });
    expect(await queue.submitWithReceipt({ type: 'a', args: 'y'.repeat(30) })).toMatchObject({ receipt: 'created' });
  });

  test('of another trace does not make a repeated submission another step', async () => {
    let n = 0;
    submitEvents({ start: (trace) => void (trace.carrier = n === 2 ? undefined : carrierOf(n)) });
    const queue: AnyFleetQ = stopped(new FleetQ({ store: sqlite({ path: temporaryPath() }) }));
    const once = (args: unknown) => {
      n++;
      return queue.submitWithReceipt({ type: 'a', args, idempotencyKey: 'k' });
    };
    expect((await once(1)).receipt).toBe('created');
    expect((await once(1)).receipt).toBe('duplicate'); // without a carrier
    expect((await once(1)).receipt).toBe('duplicate');
    expect((await once(2)).receipt).toBe('mismatch');
    const together = await Promise.all([
      queue.submitWithReceipt({ type: 'b', stepId: 's' }),
      queue.submitWithReceipt({ type: 'b', stepId: 's' }),
    ]);
    expect(together.map(({ receipt }) => receipt)).toEqual(['created', 'duplicate']);
  });

  test('is accepted for a step that occurs twice in one call', async () => {
    submitEvents({ start: (trace) => void (trace.carrier = carrierOf(1)) });
    const receipts = await submitting().submitManyWithReceipts([
      { type: 'a', stepId: 's', args: 1 },
      { type: 'a', stepId: 's', args: 1 },
    ]);
    expect(receipts.map(({ receipt }) => receipt)).toEqual(['created', 'duplicate']);
  });
});

test('a store that is bound to the channel reaches nothing that outlives the call', async () => {
  const factory = faultySqlite();
  const queue = submitting({ store: factory });
  const seen: string[] = [];
  await queue.submit({ type: 'work' });
  factory.store.plan = ({ verb }) => void (verb === 'submit' && seen.push(requestName()));
  const { start } = tracingChannel<unknown, SubmitTrace>('fleet-q:submit');
  const unbind = boundTo(start, 'traced');
  await queue.submit({ type: 'work' });
  await queue.submitMany([{ type: 'work' }]);
  unbind();
  expect(seen).toEqual(['none', 'none']);
});
