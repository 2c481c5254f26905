/** Any number of clients may poll: the store is asked for counts at most once an interval. */
import { describe, expect, test, vi } from 'vitest';
import { BirthTimes } from '../../src/http/birth-times.js';
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
      const poll = new Poll(ask, () => 1_000);
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
      const poll = new Poll(ask, () => 10);
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

  test('that is a failure is kept for a second', async () => {
    vi.useFakeTimers();
    try {
      const ask = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce('back');
      const poll = new Poll(ask, () => 60_000);
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
