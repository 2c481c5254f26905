/**
 * The routes of the Python FLEET-Q, over a real socket: their fields, statuses and defaults.
 *
 * `CASES` is the contract. A client of the Python FLEET-Q finds the same names here.
 */
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, test } from 'vitest';
import { QUICK, stopped, temporaryPath } from '../support/queues.js';
import { serveApi, TOKEN, type Api } from './support/api.js';

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const UUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const SENTENCE = expect.stringMatching(/\w+ \w+/);
const NUMBER = expect.any(Number);

/** A problem with these members. */
const problem = (status: number, code: string, more: object = {}) => ({
  type: 'about:blank',
  title: expect.any(String),
  status,
  detail: SENTENCE,
  code,
  ...more,
});

/** The members of every answer of `/health` to a client that may read the pod, as of `pod-a`. */
const HEALTH = {
  // of the Python FLEET-Q
  pod_id: 'pod-a',
  uptime_seconds: NUMBER,
  version: expect.stringMatching(/^\d+\.\d+\.\d+/),
  // and more
  live: true,
  paused: false,
  asleep: false,
  strays: 0,
  warnings: [],
};

interface Case {
  readonly request: readonly [method: string, path: string, body?: unknown];
  readonly status: number;
  /** Every member of the answer. */
  readonly answer: unknown;
}

const CASES: Readonly<Record<string, Case>> = {
  'health, with the token': {
    request: ['GET', '/health'],
    status: 200,
    answer: {
      ...HEALTH,
      status: 'healthy',
      current_capacity: 1,
      max_capacity: 2,
      is_leader: true,
      ready: true,
      started: true,
      reasons: [],
      problems: [],
    },
  },
  'submit with the type alone': {
    request: ['POST', '/submit', { type: 'nobody' }],
    status: 201,
    answer: { step_id: UUID, status: 'submitted', message: SENTENCE },
  },
  'submit with every field': {
    request: [
      'POST',
      '/submit',
      { type: 'nobody', args: { a: 1 }, metadata: { user: 'alice' }, priority: 7, max_retries: 0 },
    ],
    status: 201,
    answer: { step_id: UUID, status: 'submitted', message: SENTENCE },
  },
  'submit again under the same id': {
    request: ['POST', '/submit', { type: 'nobody', args: { n: 1 }, step_id: 'waiting' }],
    status: 200,
    answer: { step_id: 'waiting', status: 'submitted', message: SENTENCE },
  },
  'submit something else under the same id': {
    request: ['POST', '/submit', { type: 'nobody', args: { n: 2 }, step_id: 'waiting' }],
    status: 409,
    answer: problem(409, 'STEP_MISMATCH', { step_id: 'waiting' }),
  },
  'submit without a type': {
    request: ['POST', '/submit', { args: {} }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'type' }),
  },
  'submit with an empty type': {
    request: ['POST', '/submit', { type: '' }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'type' }),
  },
  'submit with metadata that is no object': {
    request: ['POST', '/submit', { type: 'nobody', metadata: [] }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'metadata' }),
  },
  'submit with a priority that is no whole number': {
    request: ['POST', '/submit', { type: 'nobody', priority: 1.5 }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'priority' }),
  },
  'submit with a negative number of retries': {
    request: ['POST', '/submit', { type: 'nobody', max_retries: -1 }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'max_retries' }),
  },
  'submit with an unknown field': {
    request: ['POST', '/submit', { type: 'nobody', maxRetries: 3 }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', {
      field: 'maxRetries',
      detail: 'maxRetries: is not known; did you mean max_retries?',
    }),
  },
  'submit nothing': {
    request: ['POST', '/submit'],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'body' }),
  },
  'the status of a waiting step': {
    request: ['GET', '/status/waiting'],
    status: 200,
    answer: {
      step_id: 'waiting',
      status: 'pending',
      claimed_by: null,
      last_update_ts: INSTANT,
      retry_count: 0,
      priority: 0,
      created_ts: INSTANT,
      max_retries: 3,
      payload: { type: 'nobody', args: { n: 1 }, metadata: {} },
    },
  },
  'the status of a running step': {
    request: ['GET', '/status/running'],
    status: 200,
    answer: expect.objectContaining({ status: 'claimed', claimed_by: 'pod-a', priority: 4 }),
  },
  'the status of a completed step': {
    request: ['GET', '/status/completed'],
    status: 200,
    answer: expect.objectContaining({
      status: 'completed',
      payload: { type: 'double', args: { n: 4 }, metadata: { user: 'alice' } },
    }),
  },
  'the status of a failed step': {
    request: ['GET', '/status/failed'],
    status: 200,
    answer: expect.objectContaining({ status: 'failed', retry_count: 1, max_retries: 1 }),
  },
  'the status of a step that is none': {
    request: ['GET', '/status/nowhere'],
    status: 404,
    answer: problem(404, 'STEP_NOT_FOUND'),
  },
  'the status of an id that can be none': {
    request: ['GET', `/status/${'x'.repeat(256)}`],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'step_id' }),
  },
  'the idempotency key of a step': {
    request: ['GET', '/idempotency/completed'],
    status: 200,
    answer: { step_id: 'completed', idempotency_key: 'completed' },
  },
  'the idempotency key of a step that is none': {
    request: ['GET', '/idempotency/nowhere'],
    status: 404,
    answer: problem(404, 'STEP_NOT_FOUND'),
  },
  'the leader': {
    request: ['GET', '/admin/leader'],
    status: 200,
    answer: {
      current_leader: 'pod-a',
      leader_birth_ts: INSTANT,
      active_pods: 1,
      last_election_check: INSTANT,
      election_details: { eligible_pods: ['pod-a'] },
    },
  },
  'the queue': {
    request: ['GET', '/admin/queue'],
    status: 200,
    answer: {
      pending_steps: 1,
      claimed_steps: 1,
      completed_steps: 1,
      failed_steps: 1,
      active_pods: 1,
      current_leader: 'pod-a',
      queue_depth_by_priority: { '0': 1 },
      steps_by_type: {
        nobody: { pending: 1, claimed: 0, completed: 0, failed: 0, cancelled: 0 },
        wait: { pending: 0, claimed: 1, completed: 0, failed: 0, cancelled: 0 },
        double: { pending: 0, claimed: 0, completed: 1, failed: 0, cancelled: 0 },
        fail: { pending: 0, claimed: 0, completed: 0, failed: 1, cancelled: 0 },
      },
      pod_capacity: { 'pod-a': { current: NUMBER, max: 2 } },
    },
  },
  'recovery without a body': {
    request: ['POST', '/admin/recovery/run'],
    status: 200,
    answer: {
      status: 'completed',
      message: 'Recovery cycle completed',
      recovery_summary: {
        cycle_id: UUID,
        dead_pods_found: 0,
        orphaned_steps_found: 0,
        steps_requeued: 0,
        steps_marked_terminal: 0,
        duration_ms: NUMBER,
        dead_pods: [],
        requeued_steps: [],
        terminal_steps: [],
      },
    },
  },
  'recovery that writes nothing': {
    request: ['POST', '/admin/recovery/run', { dry_run: true, force: false }],
    status: 200,
    answer: expect.objectContaining({ message: 'Recovery cycle completed; nothing was written' }),
  },
  'recovery with a dry_run of the wrong type': {
    request: ['POST', '/admin/recovery/run', { dry_run: 'yes' }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', {
      field: 'dry_run',
      detail: 'dry_run: expected true or false, got "yes"',
    }),
  },
  'recovery with a force of the wrong type': {
    request: ['POST', '/admin/recovery/run', { force: 1 }],
    status: 400,
    answer: problem(400, 'REQUEST_INVALID', { field: 'force', detail: 'force: expected true or false, got 1' }),
  },
};

/** A pod with one step of each status. */
async function pod(): Promise<{ queue: AnyFleetQ; api: Api }> {
  const queue = stopped(
    new FleetQ({
      store: sqlite({ path: temporaryPath() }),
      podId: 'pod-a',
      concurrency: 2,
      ...QUICK,
      drainTimeoutMs: 1,
    }),
  )
    .register('double', ({ n }: { n: number }) => ({ n: 2 * n }))
    .register('fail', () => {
      throw new Error('no luck');
    })
    .register(
      'wait',
      (_: unknown, { signal }) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
    );
  await queue.start();
  const submit = (stepId: string, step: object) => queue.submit({ stepId, ...step } as never);
  await submit('waiting', { type: 'nobody', args: { n: 1 } });
  await submit('completed', { type: 'double', args: { n: 4 }, metadata: { user: 'alice' } });
  await submit('failed', { type: 'fail', maxRetries: 1 });
  await queue.waitFor('completed');
  await queue.waitFor('failed').catch(() => undefined);
  await submit('running', { type: 'wait', priority: 4 });
  await expect.poll(async () => (await queue.getStep('running')).status).toBe('claimed');
  await expect.poll(() => queue.health()).toMatchObject({ isLeader: true, currentCapacity: 1 });
  return { queue, api: await serveApi(queue) };
}

describe('a client of the Python FLEET-Q finds', () => {
  test.each(Object.entries(CASES))('%s', async (_, { request: [method, path, body], status, answer }) => {
    const { api } = await pod();
    const answered = await api.call(method, path, { body });
    expect(answered.body).toEqual(answer);
    expect(answered.status).toBe(status);
    expect(answered.headers.get('content-type')).toBe(status < 400 ? 'application/json' : 'application/problem+json');
  });
});

test('the health of a pod that does not run has the same members, and the status 503', async () => {
  const api = await serveApi(
    stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), podId: 'pod-a', concurrency: 2 })),
  );
  const { status, headers, body } = await api.get('/health');
  expect(body).toEqual({
    ...HEALTH,
    status: 'unhealthy',
    current_capacity: 0,
    max_capacity: 2,
    is_leader: false,
    ready: false,
    started: false,
    reasons: ['not-started'],
    problems: ['the queue is not running'],
  });
  expect([status, headers.get('content-type')]).toEqual([503, 'application/json']);
});

describe('a submitted step', () => {
  test('has the defaults of the Python FLEET-Q', async () => {
    const { queue, api } = await pod();
    const { body } = await api.post('/submit', { type: 'nobody' });
    expect(await queue.getStep(body.step_id)).toMatchObject({ args: {}, metadata: {}, priority: 0, maxRetries: 3 });
  });

  test('has the fields that were sent, and is run', async () => {
    const { queue, api } = await pod();
    const { body } = await api.post('/submit', { type: 'double', args: { n: 5 }, priority: 3, max_retries: 1 });
    expect(await queue.waitFor(body.step_id)).toEqual({ n: 10 });
    expect((await api.get(`/status/${body.step_id}`)).body).toMatchObject({
      status: 'completed',
      priority: 3,
      max_retries: 1,
    });
  });

  test('has the idempotency key that its handler gets', async () => {
    const keys: string[] = [];
    const queue = stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), ...QUICK })).register(
      'key',
      (_: unknown, ctx) => {
        keys.push(ctx.idempotencyKey);
      },
    );
    await queue.start();
    const api = await serveApi(queue);
    const { body } = await api.post('/submit', { type: 'key' });
    await queue.waitFor(body.step_id);
    expect([(await api.get(`/idempotency/${body.step_id}`)).body.idempotency_key]).toEqual(keys);
  });
});

describe('the instant of the leader’s birth', () => {
  test('is the same in every answer, although the age is measured each time', async () => {
    const { api } = await pod();
    const births = new Set<string>();
    for (let i = 0; i < 5; i++) births.add((await api.get('/admin/leader')).body.leader_birth_ts);
    expect(births.size).toBe(1);
  });
});

describe('recovery', () => {
  test('is refused with 409 by a pod that does not lead, unless it is forced', async () => {
    const path = temporaryPath();
    const leader = stopped(new FleetQ({ store: sqlite({ path }), podId: 'leader', ...QUICK }));
    const other = stopped(new FleetQ({ store: sqlite({ path }), podId: 'other', ...QUICK }));
    await leader.start();
    await other.start();
    const api = await serveApi(other);
    const refused = await api.post('/admin/recovery/run', {});
    expect(refused).toMatchObject({ status: 409, body: { code: 'NOT_LEADER' } });
    expect(await api.post('/admin/recovery/run', { force: true })).toMatchObject({ status: 200 });
    expect([leader.health().isLeader, other.health().isLeader]).toEqual([true, false]);
  });

  test('is refused with 409 by a process that only submits', async () => {
    const queue = stopped(new FleetQ({ store: sqlite({ path: ':memory:' }) }));
    const api = await serveApi(queue);
    expect(await api.post('/admin/recovery/run')).toMatchObject({ status: 409, body: { code: 'NOT_STARTED' } });
  });
});

describe('without the token', () => {
  test.each([
    '/submit',
    '/status/waiting',
    '/idempotency/waiting',
    '/admin/leader',
    '/admin/queue',
    '/admin/recovery/run',
  ])('%s answers 401', async (path) => {
    const { api } = await pod();
    const method = path === '/submit' || path.endsWith('/run') ? 'POST' : 'GET';
    const response = await fetch(`${api.server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}x` },
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual(problem(401, 'UNAUTHENTICATED'));
  });
});
