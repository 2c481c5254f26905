/** The routes under `/api`, over a real socket. Each request and answer is also checked against the served document. */
import Database from 'better-sqlite3';
import { defineStep, FleetQ, type AnyFleetQ, type FleetQOptions } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newQueue, QUICK, stopped, temporaryPath } from '../support/queues.js';
import { serveApi, TOKEN, type Api } from './support/api.js';

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** A queue that only submits, and its API. */
async function client(options: FleetQOptions & { steps?: undefined } = {}): Promise<{ queue: FleetQ; api: Api }> {
  const queue = newQueue(options);
  return { queue, api: await serveApi(queue) };
}

/** A pod that has run a few steps. */
async function pod(): Promise<{ queue: AnyFleetQ; api: Api; path: string }> {
  const path = temporaryPath();
  const queue = stopped(new FleetQ({ store: sqlite({ path }), podId: 'pod-a', ...QUICK }))
    .register('double', ({ n }: { n: number }) => ({ n: 2 * n }))
    .register('fail', () => {
      throw Object.assign(new Error('no luck', { cause: new Error('rain') }), { code: 'E_LUCK' });
    });
  await queue.start();
  await queue.submit({ type: 'double', args: { n: 1 }, stepId: 'done', metadata: { user: 'alice' } });
  await queue.submit({ type: 'fail', stepId: 'failed', maxRetries: 0 });
  await queue.waitFor('done');
  await queue.waitFor('failed').catch(() => undefined);
  await expect.poll(() => queue.health().isLeader).toBe(true);
  return { queue, api: await serveApi(queue), path };
}

const idsOf = (body: { steps: { step_id: string }[] }): string[] => body.steps.map(({ step_id }) => step_id);

describe('GET /api/steps', () => {
  test('shows the fields of each step, without stacks', async () => {
    const { api } = await pod();
    const { body } = await api.get('/api/steps');
    expect(body).toEqual({
      steps: [
        {
          step_id: 'done',
          type: 'double',
          status: 'completed',
          args: { n: 1 },
          metadata: { user: 'alice' },
          priority: 0,
          retry_count: 0,
          attempt: 1,
          max_retries: 3,
          crashes: 0,
          run_at: INSTANT,
          created_ts: INSTANT,
          last_update_ts: INSTANT,
          claimed_by: 'pod-a',
          version: expect.any(Number),
          result: { n: 2 },
          error: null,
        },
        expect.objectContaining({
          step_id: 'failed',
          status: 'failed',
          result: null,
          error: { name: 'Error', message: 'no luck', code: 'E_LUCK', cause: { name: 'Error', message: 'rain' } },
        }),
      ],
      next: null,
    });
  });

  test('filters by status, type and holder', async () => {
    const { queue, api } = await pod();
    await queue.submit({ type: 'nobody', stepId: 'waiting' } as never);
    const list = async (query: string): Promise<string[]> => idsOf((await api.get(`/api/steps?${query}`)).body);
    expect(await list('status=failed')).toEqual(['failed']);
    expect(await list('status=failed&status=pending')).toEqual(['failed', 'waiting']);
    expect(await list('type=double&type=nobody')).toEqual(['done', 'waiting']);
    expect(await list('claimed_by=pod-a')).toEqual(['done', 'failed']);
    expect(await list('claimed_by=pod-b')).toEqual([]);
    expect(await list('order=newest')).toEqual(['waiting', 'failed', 'done']);
  });

  test('filters by the time of creation', async () => {
    const { queue, api } = await pod();
    const done = await queue.getStep('done');
    const at = (ms: number): string => encodeURIComponent(new Date(ms).toISOString());
    const list = async (query: string): Promise<string[]> => idsOf((await api.get(`/api/steps?${query}`)).body);
    expect(await list(`created_before=${at(done.createdAt)}`)).toEqual([]);
    expect(await list(`created_before=${at(done.createdAt + 60_000)}`)).toHaveLength(2);
    expect(await list(`created_after=${at(done.createdAt)}`)).toContain('done');
    expect(await list(`created_after=${at(done.createdAt + 60_000)}`)).toEqual([]);
    const swapped = `created_after=${at(done.createdAt)}&created_before=${at(done.createdAt - 1)}`;
    expect(await api.get(`/api/steps?${swapped}`)).toMatchObject({ status: 400, body: { field: 'created_before' } });
  });

  test('takes an instant whose offset was not escaped', async () => {
    const { api } = await pod();
    const url = `${api.server.url}/api/steps?created_after=2001-01-01T00:00:00+01:00&status=completed`; // + is a space
    const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(idsOf((await response.json()) as never)).toEqual(['done']);
  });

  test('pages with cursors, and keeps the filter', async () => {
    const { queue, api } = await client();
    await queue.submitMany(
      Array.from({ length: 25 }, (_, n) => ({ type: n % 5 === 0 ? 'b' : 'a', args: n })) as never[],
    );
    const seen: number[] = [];
    let after = '';
    do {
      const { body } = await api.get(`/api/steps?type=a&order=newest&page_size=7${after}`);
      seen.push(...body.steps.map(({ args }: { args: number }) => args));
      after = body.next === null ? '' : `&after=${body.next}`;
    } while (after !== '');
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => 24 - n).filter((n) => n % 5 !== 0));
  });

  test('refuses a cursor of another listing, and what is no cursor', async () => {
    const { queue, api } = await client();
    await queue.submitMany([{ type: 'a' }, { type: 'a' }] as never[]);
    const { next } = (await api.get('/api/steps?page_size=1')).body;
    expect(next).toMatch(/^[\w-]+$/);
    expect((await api.get(`/api/steps?page_size=2&after=${next}`)).status).toBe(200);
    for (const query of [
      `order=newest&after=${next}`,
      `status=failed&after=${next}`,
      `after=${next.slice(1)}`,
      'after=x',
    ])
      expect(await api.get(`/api/steps?${query}`), query).toMatchObject({ status: 400, body: { field: 'after' } });
    expect((await api.get(`/api/steps?order=newest&after=${next}`)).body.detail).toMatch(
      /^after: is of a listing with other filters or another order, got /,
    );
  });

  test.each([
    ['stat=failed', 'stat', 'stat: is not known; did you mean status?'],
    ['status=faild', 'status[0]', 'expected one of "pending", .*, got "faild"; did you mean "failed"\\?'],
    ['page_size=0', 'page_size', 'expected a whole number from 1 to 200, got 0'],
    ['page_size=201', 'page_size', 'expected a whole number from 1 to 200, got 201'],
    ['page_size=ten', 'page_size', 'expected a whole number from 1 to 200, got "ten"'],
    ['page_size=1&page_size=2', 'page_size', 'expected one value, got 2'],
    ['order=priority', 'order', 'expected one of "oldest", "newest", got "priority"'],
    ['created_after=yesterday', 'created_after', 'expected an instant such as .*, got "yesterday"'],
    [
      'created_after=1969-12-31T23:59:59Z',
      'created_after',
      'expected an instant .* from 1970 on, got "1969-12-31T23:59:59Z"',
    ],
    ['created_after=2026-02-30T00:00:00Z', 'created_after', 'expected an instant'],
    ['claimed_by=', 'claimed_by', 'expected text of 1 to 255 characters'],
  ])('refuses %s', async (query, field, detail) => {
    const { api } = await client();
    const { status, body } = await api.get(`/api/steps?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'REQUEST_INVALID', field });
    expect(body.detail).toMatch(new RegExp(detail));
  });

  test('leaves out long values, and says so', async () => {
    const { queue, api } = await client();
    const long = { text: 'x'.repeat(3_000) };
    await queue.submit({ type: 'a', args: long, metadata: { user: 'alice' }, stepId: 'long' } as never);
    const [step] = (await api.get('/api/steps')).body.steps;
    expect(step).toMatchObject({ metadata: { user: 'alice' }, omitted: { args: 'too-long' } });
    expect(step).not.toHaveProperty('args');
    expect((await api.get('/api/steps/long')).body).toMatchObject({ args: long });
  });

  test('keeps a page of long steps small', async () => {
    const { queue, api } = await client();
    const long = 'x'.repeat(100_000);
    await queue.submitMany(
      Array.from({ length: 60 }, () => ({ type: 'a', args: long, metadata: { long } })) as never[],
    );
    let bytes = 0;
    let count = 0;
    for (let after = ''; ;) {
      const { text, body } = await api.get(`/api/steps?page_size=200${after}`);
      bytes += text.length;
      count += (body.steps as unknown[]).length;
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }
    expect(count).toBe(60);
    expect(bytes).toBeLessThan(100_000);
  });

  test('lists a step whose result is not JSON', async () => {
    const { api, path } = await pod();
    const database = new Database(path);
    database.prepare('UPDATE STEP_TRACKER SET result = ? WHERE step_id = ?').run('{"n":', 'done');
    database.close();
    const [step] = (await api.get('/api/steps')).body.steps;
    expect(step).toMatchObject({ step_id: 'done', result: null, error: { code: 'RESULT_UNREADABLE' } });
  });

  test('hides what a type hides', async () => {
    const queue = newQueue();
    const api = await serveApi(queue, { redact: { secret: 'both' } });
    await queue.submit({ type: 'secret', args: { pin: 4711 }, metadata: { pin: 4711 }, stepId: 's' } as never);
    for (const path of ['/api/steps', '/api/steps/s', '/status/s'])
      expect((await api.get(path)).text, path).not.toContain('4711');
    expect((await api.get('/api/steps/s')).body.omitted).toEqual({ args: 'redacted', metadata: 'redacted' });
  });
});

describe('GET /api/steps/{step_id}', () => {
  test('shows the step, with the stack of its error', async () => {
    const { api } = await pod();
    const { body } = await api.get('/api/steps/failed');
    expect(body).toMatchObject({ step_id: 'failed', status: 'failed', error: { message: 'no luck' } });
    expect(body.error.stack).toContain('api.test.ts');
  });

  test.each(['a/b', 'a%b', 'a?b=c', 'ü ñ', 'batch', '%2F', 'x'.repeat(255)])('finds the id %s', async (stepId) => {
    const { queue, api } = await client();
    await queue.submit({ type: 'a', stepId } as never);
    const path = `/api/steps/${encodeURIComponent(stepId)}`;
    expect((await api.get(path)).body).toMatchObject({ step_id: stepId });
    expect((await api.post(`${path}/cancel`)).body).toEqual({ step_id: stepId, result: 'cancelled' });
  });

  test('answers 404 for an unknown id, and 400 for a text that is none', async () => {
    const { api } = await client();
    expect(await api.get('/api/steps/nowhere')).toMatchObject({ status: 404, body: { code: 'STEP_NOT_FOUND' } });
    for (const id of ['x'.repeat(256), 'a%00b', 'a%0Ab'])
      expect(await api.get(`/api/steps/${id}`)).toMatchObject({ status: 400, body: { field: 'step_id' } });
  });
});

describe('POST /api/steps', () => {
  test('submits a step with every field, and says where it is', async () => {
    const { queue, api } = await client();
    const { status, body, headers } = await api.post('/api/steps', {
      type: 'a',
      args: [1, null, { deep: true }],
      metadata: { user: 'alice' },
      priority: -5,
      max_retries: 9,
      run_at: '2030-01-31T12:00:00.500+01:00',
      step_id: 'a/b',
    });
    expect([status, body]).toEqual([201, { step_id: 'a/b', receipt: 'created' }]);
    expect(headers.get('location')).toBe('/api/steps/a%2Fb');
    expect(await queue.getStep('a/b')).toMatchObject({
      args: [1, null, { deep: true }],
      metadata: { user: 'alice' },
      priority: -5,
      maxRetries: 9,
      runAt: Date.UTC(2030, 0, 31, 11, 0, 0, 500),
    });
  });

  test('submits a step without args, and one that waits', async () => {
    const { queue, api } = await client();
    const { body } = await api.post('/api/steps', { type: 'a', delay_ms: 3_600_000 });
    const step = await queue.getStep(body.step_id);
    expect(step.args).toBeUndefined();
    expect(step.runAt - step.createdAt).toBeGreaterThanOrEqual(3_599_000);
  });

  test('makes one step of an idempotency key', async () => {
    const { api } = await client();
    const first = await api.post('/api/steps', { type: 'a', args: 1, idempotency_key: 'k' });
    const second = await api.post('/api/steps', { type: 'a', args: 1, idempotency_key: 'k' });
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual({ step_id: first.body.step_id, receipt: 'duplicate' });
    expect(await api.post('/api/steps', { type: 'a', args: 2, idempotency_key: 'k' })).toMatchObject({
      status: 409,
      body: { code: 'STEP_MISMATCH', step_id: first.body.step_id },
    });
  });

  test.each<[object, string, RegExp]>([
    [{ type: 'a', arg: 1 }, 'arg', /^arg: is not known; did you mean args\?$/],
    [{ type: 'a', run_at: 1 }, 'run_at', /expected an instant such as .*, got 1$/],
    [{ type: 'a', run_at: '2030-01-01T00:00:00Z', delay_ms: 1 }, 'run_at', /cannot be given together with delay_ms/],
    [{ type: 'a', step_id: 'x', idempotency_key: 'y' }, 'idempotency_key', /together with step_id/],
    [{ type: 'a', priority: 1e12 }, 'priority', /from -1000000000 to 1000000000, got 1000000000000$/],
    [{ type: 'a', delay_ms: -1 }, 'delay_ms', /from 0 to 3155760000000, got -1$/],
    [{ type: 'a', step_id: 'a\nb' }, 'step_id', /without control characters, got "a\\nb"$/],
    [{ type: 'x'.repeat(256) }, 'type', /^type: expected text of 1 to 255 characters .*…$/],
    [{ type: 'a', metadata: 'secret' }, 'metadata', /^metadata: expected an object, got string$/],
    [{ type: 'a', ['__proto__']: 1 }, '__proto__', /__proto__: is not known/],
  ])('refuses %j', async (body, field, detail) => {
    const { queue, api } = await client();
    const answered = await api.call('POST', '/api/steps', { text: JSON.stringify(body) });
    if (field !== '__proto__') expect(answered).toMatchObject({ status: 400, body: { field } });
    if (field !== '__proto__') expect(answered.body.detail).toMatch(detail);
    if (field !== '__proto__') expect(await queue.listSteps().page()).toEqual({ steps: [], next: null });
  });

  test('refuses a type that the queue does not know, if it is to', async () => {
    const queue = newQueue({ unknownTypes: 'refuse' }).register('resize', () => undefined);
    const api = await serveApi(queue);
    const { status, body } = await api.post('/api/steps', { type: 'resise' });
    expect([status, body.code, body.field]).toEqual([400, 'STEP_TYPE_UNKNOWN', 'type']);
    expect(body.detail).toBe('type: "resise" is not registered here; did you mean "resize"?');
  });

  test('refuses args that the schema of the type refuses, and does not show those of a hidden type', async () => {
    const args = z.object({
      pin: z.string().max(4, { error: (issue) => `the pin ${JSON.stringify(issue.input)} is too long` }),
    });
    const steps = ['open', 'hidden'].map((type) => defineStep({ type, args, run: () => undefined }));
    const queue = stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), steps: steps as never }));
    const api = await serveApi(queue, { redact: { hidden: 'args' } });
    const open = await api.post('/api/steps', { type: 'open', args: { pin: '47114711' } });
    expect(open).toMatchObject({ status: 400, body: { code: 'STEP_INVALID', field: 'args' } });
    expect(open.body.detail).toContain('the pin "47114711" is too long');
    const hidden = await api.post('/api/steps', { type: 'hidden', args: { pin: '47114711' } });
    expect(hidden).toMatchObject({ status: 400, body: { code: 'STEP_INVALID', field: 'args' } });
    expect(hidden.text).not.toContain('4711');
    const batch = await api.post('/api/steps/batch', {
      steps: [
        { type: 'open', args: { pin: '1' } },
        { type: 'hidden', args: { pin: '47114711' } },
      ],
    });
    expect(batch).toMatchObject({ status: 400, body: { field: 'steps[1].args' } });
    expect(batch.text).not.toContain('4711');
  });

  test('refuses a payload that is larger than the queue takes with 413', async () => {
    const { api } = await client({ maxPayloadBytes: 1_000 });
    expect(await api.post('/api/steps', { type: 'a', args: 'x'.repeat(2_000) })).toMatchObject({
      status: 413,
      body: { code: 'PAYLOAD_TOO_LARGE', field: 'args' },
    });
  });
});

describe('POST /api/steps/batch', () => {
  test('answers a receipt for each step, in their order', async () => {
    const { queue, api } = await client();
    await queue.submit({ type: 'a', args: 1, stepId: 'known' } as never);
    const steps = [
      { type: 'a', args: 0, step_id: 'new' },
      { type: 'a', args: 1, step_id: 'known' },
      { type: 'a', args: 2, step_id: 'known-too' },
    ];
    expect((await api.post('/api/steps/batch', { steps })).body).toEqual({
      steps: [
        { step_id: 'new', receipt: 'created' },
        { step_id: 'known', receipt: 'duplicate' },
        { step_id: 'known-too', receipt: 'created' },
      ],
    });
    const { body } = await api.post('/api/steps/batch', { steps: [{ type: 'a', args: 9, step_id: 'known' }] });
    expect(body.steps).toEqual([{ step_id: 'known', receipt: 'mismatch' }]);
  });

  test('names the wrong field of the wrong step, and writes nothing', async () => {
    const { queue, api } = await client();
    const good = { type: 'a' };
    const cases: [unknown, string][] = [
      [{ type: 'a', priority: 'high' }, 'steps[3].priority'],
      [{ type: 'a', max_retry: 1 }, 'steps[3].max_retry'],
      [{}, 'steps[3].type'],
      [7, 'steps[3]'],
      [{ type: 'a', run_at: '2030-01-01T00:00:00Z', delay_ms: 1 }, 'steps[3].run_at'],
    ];
    for (const [bad, field] of cases)
      expect(await api.post('/api/steps/batch', { steps: [good, good, good, bad] })).toMatchObject({
        status: 400,
        body: { field },
      });
    const twice = [
      { type: 'a', args: 1, step_id: 'x' },
      { type: 'a', args: 2, step_id: 'x' },
    ];
    expect(await api.post('/api/steps/batch', { steps: twice })).toMatchObject({
      status: 400,
      body: { field: 'steps[1].step_id' },
    });
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });

  test('takes as many as maxSteps, and no more', async () => {
    const api = await serveApi(newQueue(), { maxSteps: 3 });
    const steps = Array.from({ length: 4 }, () => ({ type: 'a' }));
    expect((await api.post('/api/steps/batch', { steps: steps.slice(1) })).status).toBe(200);
    const { status, body } = await api.post('/api/steps/batch', { steps });
    expect([status, body.detail]).toEqual([400, 'steps: expected a list of 1 to 3 items, got [array of 4]']);
    expect((await api.post('/api/steps/batch', { steps: [] })).status).toBe(400);
  });
});

describe('cancel and retry', () => {
  test('change the step, and refuse where they cannot', async () => {
    const { queue, api } = await client();
    await queue.submit({ type: 'a', stepId: 'x' } as never);
    expect((await api.post('/api/steps/x/cancel')).body).toEqual({ step_id: 'x', result: 'cancelled' });
    expect(await api.post('/api/steps/x/cancel')).toMatchObject({
      status: 409,
      body: { code: 'STEP_ALREADY_ENDED', step_id: 'x' },
    });
    expect((await api.post('/api/steps/x/retry')).body).toEqual({ step_id: 'x', result: 'retried' });
    expect(await api.post('/api/steps/x/retry')).toMatchObject({
      status: 409,
      body: { code: 'STEP_NOT_RETRYABLE', step_id: 'x' },
    });
    for (const verb of ['cancel', 'retry'])
      expect(await api.post(`/api/steps/nowhere/${verb}`)).toMatchObject({
        status: 404,
        body: { code: 'STEP_NOT_FOUND' },
      });
  });
});

describe('the fleet', () => {
  test('is shown: its pods, its leader and its counts', async () => {
    const { api } = await pod();
    expect((await api.get('/api/pods')).body.pods).toMatchObject([
      { pod_id: 'pod-a', live: true, asleep: false, is_leader: true, types: ['double', 'fail'], type_count: 2 },
    ]);
    expect((await api.get('/api/leader')).body).toMatchObject({
      current_leader: 'pod-a',
      active_pods: 1,
      eligible_pods: ['pod-a'],
    });
    expect((await api.get('/api/stats')).body).toMatchObject({
      as_of: INSTANT,
      completed_steps: 1,
      failed_steps: 1,
      cancelled_steps: 0,
      due_steps: 0,
      oldest_due_ms: null,
      unhandled_types: [],
      strays: 0,
    });
  });

  test('bounds its counts: a thousand types and priorities at most', async () => {
    const { queue, api } = await client();
    await queue.submitMany(Array.from({ length: 1_200 }, (_, n) => ({ type: `t${n}`, priority: n })) as never[]);
    const { body } = await api.get('/api/stats');
    expect(body.pending_steps).toBe(1_200);
    expect(Object.keys(body.steps_by_type)).toHaveLength(1_000);
    expect(Object.keys(body.queue_depth_by_priority)).toEqual(Array.from({ length: 1_000 }, (_, n) => String(200 + n)));
    expect(body.unhandled_types).toHaveLength(1_000);
  });

  test('a pod claims nothing while it is paused', async () => {
    const { queue, api } = await pod();
    expect((await api.post('/api/pod/pause')).body).toEqual({ pod_id: 'pod-a', paused: true });
    const { body } = await api.post('/api/steps', { type: 'double', args: { n: 21 } });
    await queue.submit({ type: 'nobody', stepId: 'later' } as never);
    expect((await api.get(`/api/steps/${body.step_id}`)).body.status).toBe('pending');
    expect((await api.post('/api/pod/resume')).body).toEqual({ pod_id: 'pod-a', paused: false });
    expect(await queue.waitFor(body.step_id)).toEqual({ n: 42 });
  });
});

describe('recovery', () => {
  test('runs, and its history shows what it did', async () => {
    const { api } = await pod();
    const { body } = await api.post('/api/recovery/run', { dry_run: true });
    expect(body).toMatchObject({ dry_run: true, started_ts: INSTANT, dead_pods: [], orphans: [], orphan_count: 0 });
    expect((await api.get('/api/recovery/history')).body).toEqual({ cycles: expect.any(Array) });
    expect(await api.get('/api/recovery/history?limit=0')).toMatchObject({ status: 400, body: { field: 'limit' } });
    expect(await api.post('/api/recovery/run', { dryRun: true })).toMatchObject({
      status: 400,
      body: { detail: 'dryRun: is not known; did you mean dry_run?' },
    });
  });

  test('needs a pod that was started', async () => {
    const { api } = await client();
    expect(await api.get('/api/recovery/history')).toMatchObject({ status: 409, body: { code: 'NOT_STARTED' } });
  });
});
