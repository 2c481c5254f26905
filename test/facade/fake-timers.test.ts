/** Fake timers in a host's tests (sinon's, as Jest and vitest install them): the queue keeps using the real ones. */
import { install, type FakeMethod } from '@sinonjs/fake-timers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { VirtualRuntime } from 'fleet-q/testing';
import { newQueue, QUICK, stopped, temporaryPath } from '../support/queues.js';

/** What Jest fakes by default, but for `process.nextTick`, which Node's own modules need. */
const ALL: FakeMethod[] = [
  ...(['Date', 'hrtime', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
  ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
];
const realTimeout = setTimeout;
const pass = (ms: number) => new Promise((resolve) => realTimeout(resolve, ms));

let uninstall: (() => void) | undefined;
afterEach(() => uninstall?.());

function fake(toFake: FakeMethod[], now: number): void {
  const clock = install({ toFake, now });
  uninstall = () => {
    clock.uninstall();
    uninstall = undefined;
  };
}

/** Everything that a queue does by time: delays, time-outs, retries, waits, heartbeats, and the helper thread. */
async function workout(queue: FleetQ<{ a: { args: unknown; result: number } }>): Promise<void> {
  expect(await queue.waitFor(await queue.submit({ type: 'a', args: 1 }))).toBe(1);
  expect(await queue.waitFor(await queue.submit({ type: 'a', args: 2, delayMs: 20 }), { timeoutMs: 10_000 })).toBe(1);
  await queue.submitMany([{ type: 'a', args: 3 }]);
  const later = await queue.submit({ type: 'a', args: 4, delayMs: 3_600_000 });
  await expect(queue.waitFor(later, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
  await queue.stats();
  expect(await queue.cancel(later)).toBe('cancelled');
  expect(queue.health().problems).toEqual([]);
}

/** A queue whose handler fails once for each step; with intervals so short that a halted clock would show. */
function makeQueue(Queue: typeof FleetQ, store: ReturnType<typeof sqlite>) {
  const tried = new Set<string>();
  const intervals = { heartbeatIntervalMs: 50, deadAfterMs: 2_000, idleIntervalMs: 100 };
  return stopped(new Queue({ store, ...QUICK, ...intervals })).register('a', (_: unknown, { stepId }) => {
    if (tried.has(stepId)) return 1;
    tried.add(stepId);
    throw new Error('once');
  });
}

describe('a queue that runs when a test installs fake timers', () => {
  for (const [title, toFake, now] of [
    ['only the date, in 1970', ['Date'], 0],
    ['only the date, in 2100', ['Date'], Date.UTC(2100)],
    ['all of them', ALL, Date.UTC(2030)],
  ] as const) {
    test(`keeps working, stays in its fleet, and stops: ${title}`, async () => {
      const queue = makeQueue(FleetQ, sqlite({ path: temporaryPath() }));
      const fenced = vi.fn();
      queue.on('pod:fenced', fenced);
      await queue.start();
      fake([...toFake], now);
      await workout(queue);
      await pass(200);
      await workout(queue);
      uninstall?.();
      await workout(queue);
      fake([...toFake], now);
      await queue.stop();
      expect(fenced).not.toHaveBeenCalled();
    });
  }
});

test('a queue that is imported, made and started under fake timers uses the real ones', async () => {
  fake(ALL, Date.UTC(2030));
  vi.resetModules();
  const { FleetQ: Queue } = await import('fleet-q');
  const { sqlite: store } = await import('fleet-q/sqlite');
  const queue = makeQueue(Queue, store({ path: temporaryPath() }));
  await queue.start();
  await workout(queue);
  uninstall?.();
  const [step] = (await queue.listSteps({ order: 'newest' }).page()).steps;
  expect(Math.abs((step?.createdAt ?? 0) - Date.now())).toBeLessThan(60_000);
  await queue.stop();
});

test('a virtual runtime works under fake timers', async () => {
  const runtime = new VirtualRuntime();
  const queue = newQueue({ runtime }).register('a', () => 1);
  await runtime.until(queue.start());
  fake(ALL, 0);
  const id = await runtime.until(queue.submit({ type: 'a', delayMs: 60_000 }));
  expect(await runtime.until(queue.waitFor(id))).toBe(1);
  uninstall?.();
  await runtime.until(queue.stop());
});
