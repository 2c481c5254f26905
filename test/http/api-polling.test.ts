/** Any number of clients may poll: the store is asked for counts at most once an interval. */
import { createMetrics } from 'fleet-q/prometheus';
import { describe, expect, test, vi } from 'vitest';
import { BirthTimes } from '../../src/http/birth-times.js';
import { fleetPolls, type PolledQueue } from '../../src/http/fleet-polls.js';
import { Poll } from '../../src/http/polled.js';
import { faultySqlite, newQueue } from '../support/queues.js';
import { serveApi } from './support/api.js';

describe('polling', () => {
  test('asks the store once an interval, whichever route is polled', async () => {
    const asked: number[] = [];
    const store = faultySqlite(({ verb }) => {
      if (verb === 'stats') asked.push(performance.now());
      return undefined;
    });
    const api = await serveApi(newQueue({ store }), { statsIntervalMs: 3_600_000 });
    await Promise.all(Array.from({ length: 50 }, (_, n) => api.get(n % 2 === 0 ? '/api/stats' : '/admin/queue')));
    expect(asked).toHaveLength(1);
  });

  test.each(['/api/stats', '/metrics'])(
    'asks once an interval for API and metrics together, %s first',
    async (first) => {
      const store = faultySqlite();
      const queue = newQueue({ store });
      const metrics = createMetrics(queue, { stats: 'always', statsIntervalMs: 3_600_000 });
      const api = await serveApi(queue, { metrics, statsIntervalMs: 3_600_000 });
      await queue.submit({ type: 'a' } as never);
      expect((await api.get(first)).status).toBe(200);
      for (let round = 0; round < 3; round++) {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) => api.get(['/api/stats', '/metrics', '/admin/queue'][n % 3]!)),
        );
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
        expect(answers[1]!.text).toContain('fleetq_queue_due_steps 1');
      }
      expect(store.store.count('stats')).toBe(1);
    },
  );

  test('asks again after the interval', async () => {
    const store = faultySqlite();
    const queue = newQueue({ store });
    const api = await serveApi(queue, { statsIntervalMs: 1 });
    expect((await api.get('/api/stats')).body.pending_steps).toBe(0);
    await queue.submit({ type: 'a' } as never);
    await expect.poll(async () => (await api.get('/api/stats')).body.pending_steps).toBe(1);
  });
});

describe('an answer that is kept', () => {
  test('is shared by those who ask at once, and asked for again when it is too old', async () => {
    vi.useFakeTimers();
    try {
      const ask = vi.fn(async () => ask.mock.calls.length);
      const poll = new Poll(ask, { intervalMs: () => 1_000 });
      expect((await Promise.all([poll.read(), poll.read()])).map(({ value }) => value)).toEqual([1, 1]);
      vi.advanceTimersByTime(999);
      expect((await poll.read()).value).toBe(1);
      vi.advanceTimersByTime(1);
      expect((await poll.read()).value).toBe(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('is not asked for twice at a time, however long it takes', async () => {
    vi.useFakeTimers();
    try {
      let answer = (_: string): void => undefined;
      const ask = vi.fn(() => new Promise<string>((resolve) => (answer = resolve)));
      const poll = new Poll(ask, { intervalMs: () => 10 });
      const first = poll.read();
      vi.advanceTimersByTime(10_000);
      const second = poll.read();
      answer('late');
      expect([(await first).value, (await second).value]).toEqual(['late', 'late']);
      expect(ask).toHaveBeenCalledTimes(1);
    } finally {
      vi.useRealTimers();
    }
  });

  test('is kept for twenty times as long as it took', async () => {
    vi.useFakeTimers();
    try {
      const ask = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, 3_000)));
      const poll = new Poll(ask, { intervalMs: () => 5_000 });
      for (let second = 0; second < 120; second++) {
        void poll.read();
        await vi.advanceTimersByTimeAsync(1_000);
      }
      expect(ask).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('that its source has kept is asked for again when the source got it an interval ago', async () => {
    vi.useFakeTimers();
    try {
      const asked: number[] = [];
      const ask = async (maxAgeMs: number): Promise<object> => ({ asked: asked.push(maxAgeMs) });
      const poll = new Poll(ask, { intervalMs: () => 1_000, timing: () => ({ ageMs: 400, tookMs: 100 }) });
      expect((await poll.read()).at).toBe(Date.now() - 400);
      vi.advanceTimersByTime(1_599); // 20 times 100 ms, less its age
      await poll.read();
      expect(asked).toEqual([1_000]);
      vi.advanceTimersByTime(1);
      await poll.read();
      expect(asked).toEqual([1_000, 2_000]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('that is a failure is kept for a second', async () => {
    vi.useFakeTimers();
    try {
      const ask = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce('back');
      const poll = new Poll(ask, { intervalMs: () => 60_000 });
      await expect(poll.read()).rejects.toThrow('away');
      vi.advanceTimersByTime(999);
      await expect(poll.read()).rejects.toThrow('away');
      expect(ask).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(1);
      expect((await poll.read()).value).toBe('back');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('on a store that sleeps', () => {
  /** A queue on Snowflake: when it last saw the fleet is set by the test. */
  function sleeper(started: boolean, reasons: readonly string[] = []) {
    const state = { seenAt: performance.now() };
    const stats = vi.fn(async () => ({ pendingSteps: stats.mock.calls.length, ageMs: 0, tookMs: 0 }));
    const queue = {
      storeName: 'snowflake',
      health: () => ({ started, reasons }),
      stats,
      leader: async () => ({ lastElectionCheckMs: performance.now() - state.seenAt }),
      pods: vi.fn(async () => []),
    };
    return { state, stats, pods: queue.pods, polls: fleetPolls(queue as unknown as PolledQueue, undefined) };
  }

  test('a pod counts while it is awake, once more when it falls asleep, and not while it sleeps', async () => {
    vi.useFakeTimers();
    try {
      const { state, stats, polls } = sleeper(true);
      const after = async (ms: number, isAwake: boolean): Promise<number> => {
        vi.advanceTimersByTime(ms);
        if (isAwake) state.seenAt = performance.now();
        await polls.stats.read();
        return stats.mock.calls.length;
      };
      expect(await after(0, true)).toBe(1);
      expect(await after(29_999, true)).toBe(1);
      expect(await after(1, true)).toBe(2);
      vi.advanceTimersByTime(10_000);
      state.seenAt = performance.now(); // its last heartbeat
      expect(await after(25_000, false)).toBe(3);
      for (let hour = 0; hour < 24; hour++) expect(await after(3_600_000, false)).toBe(3);
      expect(await after(60_000, true)).toBe(4);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['a process that only submits', false, []],
    ['a pod that has left the fleet', true, ['left']],
  ])('%s asks the store every ten minutes at most', async (_, started, reasons) => {
    vi.useFakeTimers();
    try {
      const { stats, pods, polls } = sleeper(started, reasons);
      for (let minute = 0; minute < 60; minute++) {
        await Promise.all([polls.stats.read(), polls.stats.read(), polls.pods.read()]);
        vi.advanceTimersByTime(60_000);
      }
      expect(stats).toHaveBeenCalledTimes(6);
      expect(pods).toHaveBeenCalledTimes(6);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the instant of a birth', () => {
  test('stays when the age is measured anew, moves with a corrected clock, and is forgotten with its pod', () => {
    vi.useFakeTimers({ now: 100_000 });
    try {
      const births = new BirthTimes();
      const of = (ageMs: number): number | undefined => births.of([{ incarnation: 'a', ageMs }]).get('a');
      expect(of(1_000)).toBe(99_000);
      vi.setSystemTime(101_000);
      expect(of(2_003)).toBe(99_000);
      vi.setSystemTime(200_000);
      expect(of(2_500)).toBe(197_500);
      births.of([]);
      expect(of(3_000)).toBe(197_000);
    } finally {
      vi.useRealTimers();
    }
  });
});
