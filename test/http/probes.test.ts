/** The probes over HTTP: true for each reason, silent towards strangers, and they never ask the store. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { AnyFleetQ, Health } from 'fleet-q';
import { createHandler, serve } from 'fleet-q/http';
import { SCHEMA_VERSION } from '../../src/store/sqlite/schema/schema.js';
import { DEAD_AFTER, BEAT, LOOKED, VirtualFleet } from '../faults/support/virtual-fleet.js';
import { rawConnection } from '../store/sqlite/support/files.js';
import { faultySqlite, newQueue } from '../support/queues.js';

const TOKEN = 'a-token-that-nobody-guesses';
const auth = { authorization: `Bearer ${TOKEN}` };
const PROBES = ['livez', 'readyz', 'startupz', 'health'] as const;
type Probe = (typeof PROBES)[number];

/** The status of each probe, for a stranger. */
async function statuses(queue: AnyFleetQ): Promise<Record<Probe, number>> {
  const handler = createHandler(queue, { auth: TOKEN });
  const answers = await Promise.all(
    PROBES.map(async (probe) => {
      const response = await handler(new Request(`http://pod/${probe}`));
      const status = response.status === 200 ? 'healthy' : 'unhealthy';
      expect(await response.json()).toEqual({ status }); // and nothing else
      return [probe, response.status] as const;
    }),
  );
  return Object.fromEntries(answers) as Record<Probe, number>;
}

/** What a client who may read the pod gets. */
async function details(queue: AnyFleetQ): Promise<{ readonly reasons: unknown; readonly problems: readonly string[] }> {
  const response = await createHandler(queue, { auth: TOKEN })(new Request('http://pod/health', { headers: auth }));
  return (await response.json()) as Awaited<ReturnType<typeof details>>;
}

const reasons = async (queue: AnyFleetQ): Promise<unknown> => (await details(queue)).reasons;

/** The queue quotes the message of its store, and the answer does not. */
async function expectUnquoted(queue: AnyFleetQ, message: string): Promise<void> {
  expect(queue.health().problems.join()).toContain(message);
  const answer = await details(queue);
  expect(answer.problems).toHaveLength(queue.health().problems.length);
  expect(JSON.stringify(answer)).not.toContain(message);
}

const WELL = { livez: 200, readyz: 200, startupz: 200, health: 200 };
const NOT_READY = { ...WELL, readyz: 503, health: 503 };

describe('each reason over HTTP', () => {
  test('not started, and starting', async () => {
    const queue = newQueue().register('a', () => 1);
    expect(await statuses(queue)).toEqual({ ...NOT_READY, startupz: 503 });
    expect(await reasons(queue)).toEqual(['not-started']);
    const starting = queue.start();
    expect(await statuses(queue)).toEqual({ ...NOT_READY, startupz: 503 });
    await starting;
    expect(await statuses(queue)).toEqual(WELL);
    expect(await reasons(queue)).toEqual([]);
  });

  test('draining, and stopped', async () => {
    const queue = newQueue();
    let end = (): void => undefined;
    const begun = new Promise<void>((began) =>
      queue.register('slow', async () => {
        began();
        await new Promise<void>((ended) => (end = ended));
      }),
    );
    await queue.start();
    await (queue as unknown as AnyFleetQ).submit({ type: 'slow' });
    await begun;
    expect(await statuses(queue)).toEqual(WELL);
    const stopping = queue.stop();
    expect(await statuses(queue)).toEqual(NOT_READY);
    expect(await reasons(queue)).toEqual(['stopping']);
    end();
    await stopping;
    expect(await statuses(queue)).toEqual({ ...NOT_READY, startupz: 503 });
    expect(await reasons(queue)).toEqual(['stopped']);
  });

  test('paused: it is ready, because it does what it was told', async () => {
    const queue = newQueue();
    await queue.start();
    queue.pause();
    expect(await statuses(queue)).toEqual(WELL);
  });

  test('an exchange that the store never answers: livez fails within 15 s of its deadline, and is well when it goes on', async () => {
    const fleet = new VirtualFleet();
    const pod = await fleet.add('ada');
    expect(await statuses(pod.queue)).toEqual(WELL);
    pod.line.breaks('hangs', 'exchange'); // its tick does not end
    await fleet.pass(DEAD_AFTER); // until then it is slow, not stuck: a restart would not help
    expect(await statuses(pod.queue)).toMatchObject({ livez: 200 });
    await fleet.pass(15_000);
    expect(await statuses(pod.queue)).toEqual({ ...NOT_READY, livez: 503 });
    expect(await reasons(pod.queue)).toContain('exchange-stuck');
    pod.line.heals();
    await fleet.pass(2 * DEAD_AFTER);
    expect(await statuses(pod.queue)).toEqual(WELL);
  });

  test('an outage: not ready, but alive, for a restart would not help', async () => {
    const fleet = new VirtualFleet();
    const pod = await fleet.add('ada');
    pod.line.breaks('fails');
    await fleet.pass(2 * DEAD_AFTER);
    expect(await statuses(pod.queue)).toEqual(NOT_READY);
    expect(await reasons(pod.queue)).toEqual(expect.arrayContaining(['outage']));
    await expectUnquoted(pod.queue, 'the line is broken');
    pod.line.heals();
    await fleet.pass(2 * DEAD_AFTER);
    expect(await statuses(pod.queue)).toEqual(WELL);
  });

  test('fenced, and left', async () => {
    const fleet = new VirtualFleet();
    const pod = await fleet.add('ada');
    await fleet.submit({ ms: 60_000 });
    await fleet.pass(LOOKED);
    const newer = rawConnection(fleet.path);
    newer.prepare('UPDATE SCHEMA_INFO SET version = 99, oldest_allowed = ?').run(SCHEMA_VERSION + 1);
    await fleet.pass(BEAT + 100);
    expect(await statuses(pod.queue)).toEqual(NOT_READY);
    expect(await reasons(pod.queue)).toEqual(['fenced']);
    await fleet.pass(120_000);
    expect(await statuses(pod.queue)).toEqual(NOT_READY);
    expect(await reasons(pod.queue)).toEqual(['left']);
    newer.prepare('UPDATE SCHEMA_INFO SET version = ?, oldest_allowed = ?').run(SCHEMA_VERSION, SCHEMA_VERSION);
  });

  test('all slots are held by strays', async () => {
    const fleet = new VirtualFleet();
    const pod = await fleet.add('ada', { options: { concurrency: 2 } });
    const ids = await fleet.submit({ ms: 60_000, deaf: true }, { ms: 60_000, deaf: true });
    await fleet.pass(LOOKED);
    for (const id of ids) await fleet.until(pod.queue.cancel(id));
    await fleet.pass(10_000);
    expect(await statuses(pod.queue)).toEqual(NOT_READY);
    expect(await reasons(pod.queue)).toEqual(['slots-held-by-strays']);
    await fleet.pass(60_000); // they end after all
    expect(await statuses(pod.queue)).toEqual(WELL);
  });

  test('a process that only submits is ready when its store answers, though it never started', async () => {
    const fleet = new VirtualFleet();
    const { queue, line } = fleet.client;
    expect(await statuses(queue)).toEqual({ ...NOT_READY, startupz: 503 });
    await fleet.until(queue.connect());
    expect(await statuses(queue)).toEqual(WELL);
    line.breaks('fails');
    await fleet.until(queue.stats().catch(() => undefined));
    expect(await statuses(queue)).toMatchObject({ livez: 200, readyz: 503 });
    expect(await reasons(queue)).toEqual(['store-unanswered']);
    await expectUnquoted(queue, 'the line is broken');
    line.heals();
    await fleet.pass(30_000); // nobody asks; the queue finds out by itself
    expect(await statuses(queue)).toEqual(WELL);
  });
});

test('a probe calls health() and nothing else', async () => {
  const health = newQueue().health();
  const called: string[] = [];
  const queue = new Proxy({} as AnyFleetQ, {
    get: (_, name) => {
      called.push(String(name));
      return () => health;
    },
  });
  const handler = createHandler(queue, { auth: TOKEN });
  called.length = 0;
  for (const probe of PROBES) await handler(new Request(`http://pod/${probe}`, { headers: auth }));
  expect(called).toEqual(PROBES.map(() => 'health'));
});

test('probes ask the store nothing', async () => {
  const factory = faultySqlite();
  const queue = newQueue({ store: factory }).register('a', () => 1);
  await queue.connect();
  const { store } = factory;
  const before = store.calls.length;
  store.plan = () => {
    throw new Error('the store was asked');
  };
  for (let i = 0; i < 20; i++) expect(await statuses(queue)).toEqual(WELL);
  expect(store.calls.length).toBe(before);
  store.plan = undefined;
});

describe('over a socket', () => {
  const serving = async (queue: AnyFleetQ): Promise<string> => {
    const server = await serve(queue, { port: 0, auth: TOKEN });
    onTestFinished(() => server.close());
    return server.url;
  };

  test('HEAD has the status of GET and no body', async () => {
    const queue = newQueue();
    const url = await serving(queue);
    for (const probe of PROBES) {
      const response = await fetch(`${url}/${probe}`, { method: 'HEAD' });
      expect([response.status, await response.text()]).toEqual([probe === 'livez' ? 200 : 503, '']);
    }
    await queue.start();
    for (const probe of PROBES) expect((await fetch(`${url}/${probe}`, { method: 'HEAD' })).status).toBe(200);
  });

  test('a probe needs no Host of its own, no token, and minds no Origin', async () => {
    const url = await serving(newQueue());
    for (const headers of [{}, auth, { authorization: 'Bearer wrong' }, { origin: 'https://evil.example' }])
      expect((await fetch(`${url}/livez`, { headers: headers as Record<string, string> })).status).toBe(200);
  });
});

describe('/health', () => {
  test('says the fields of the Python FLEET-Q, and why, to a client that may read the pod', async () => {
    const queue = newQueue({ podId: 'ada', concurrency: 4 });
    await queue.start();
    const handler = createHandler(queue, { auth: TOKEN });
    const response = await handler(new Request('http://pod/health', { headers: auth }));
    expect(await response.json()).toEqual({
      pod_id: 'ada',
      status: 'healthy',
      uptime_seconds: expect.any(Number) as number,
      current_capacity: 0,
      max_capacity: 4,
      is_leader: expect.any(Boolean) as boolean,
      version: expect.any(String) as string,
      live: true,
      ready: true,
      started: true,
      paused: false,
      asleep: false,
      strays: 0,
      reasons: [],
      problems: [],
      warnings: [],
    });
  });

  test('says no more than a stranger learns to one that may not', async () => {
    const handler = createHandler(newQueue(), { auth: TOKEN, can: (action) => action !== 'pod:read' });
    const response = await handler(new Request('http://pod/health', { headers: auth }));
    expect(await response.json()).toEqual({ status: 'unhealthy' });
  });

  test('quotes no message of a driver', async () => {
    const health: Health = {
      ...newQueue().health(),
      reasons: ['outage', 'fenced'],
      problems: [
        'the store has failed for 20000 ms (heartbeat): getaddrinfo ENOTFOUND xy12345.snowflakecomputing.com',
        'the pod is fenced: silent',
      ],
    };
    const handler = createHandler({ health: () => health } as unknown as AnyFleetQ, { auth: TOKEN });
    const response = await handler(new Request('http://pod/health', { headers: auth }));
    expect(await response.json()).toMatchObject({
      reasons: ['outage', 'fenced'],
      problems: ['the store has failed for 20000 ms (heartbeat)', 'the pod is fenced: silent'],
    });
  });
});

test('a probe ignores the query, and does not wait for a slow auth', async () => {
  const queue = newQueue();
  const handler = createHandler(queue, { auth: () => new Promise<boolean>(() => undefined) });
  for (const probe of PROBES) {
    const response = await handler(new Request(`http://pod/${probe}?verbose&at=1`, { headers: auth }));
    expect(Object.keys((await response.json()) as object)).toEqual(['status']);
  }
});
