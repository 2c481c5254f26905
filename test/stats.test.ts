/** Reports: which pods count as live in them, and which types as handled. */
import { describe, expect, test } from 'vitest';
import { handledTypes, leaderReport, queueStats } from '../src/stats.js';
import type { PodView, StoreStats } from '../src/store/contract.js';
import { VirtualRuntime } from '../src/runtime/virtual-runtime.js';
import { viewOf } from './fleet/support/views.js';

const runtime = new VirtualRuntime();
const NONE = { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 };

const DEAD: readonly (readonly [string, Partial<PodView>])[] = [
  ['whose process has exited', { exited: true }],
  ['is silent for longer than it registered', { silentForMs: 15_001 }],
];

function store(pending: Readonly<Record<string, number>>): StoreStats {
  const byType = Object.fromEntries(
    Object.entries(pending).map(([type, count]) => [type, { ...NONE, pending: count }]),
  );
  return { byStatus: NONE, byType, pendingByPriority: {}, due: 0, oldestDueMs: null };
}

const fleet = (...pods: readonly PodView[]) => ({ pods, leader: pods[0], seenMsAgo: 0 });

describe.each(DEAD)('a pod that %s', (_, given) => {
  const pods = [viewOf('live'), viewOf('other', { ...given, meta: { types: ['a'], running: 1, slots: 2 } })];

  test('is no active pod, has no capacity and handles no type', async () => {
    const stats = await queueStats(runtime, store({ a: 1 }), fleet(...pods), 0);
    expect(stats).toMatchObject({ activePods: 1, unhandledTypes: ['a'] });
    expect(Object.keys(stats.podCapacity)).toEqual(['live']);
    expect(leaderReport(fleet(...pods))).toMatchObject({ activePods: 1, eligiblePods: ['live'] });
  });
});

test('a pod that sleeps is no active pod and has no capacity, but handles its types: it wakes for them', async () => {
  const asleep = { asleep: true, silentForMs: 3_600_000, meta: { types: ['a'], running: 0, slots: 2 } };
  const pods = [viewOf('live'), viewOf('other', asleep)];
  const stats = await queueStats(runtime, store({ a: 1, b: 1 }), fleet(...pods), 0);
  expect(stats).toMatchObject({ activePods: 1, asleepPods: 1, unhandledTypes: ['b'] });
  expect(Object.keys(stats.podCapacity)).toEqual(['live']);
  expect(leaderReport(fleet(...pods))).toMatchObject({ activePods: 1, eligiblePods: ['live'] });
});

test('a pod that is silent for exactly as long as it registered is live', () => {
  expect(leaderReport(fleet(viewOf('a', { silentForMs: 15_000 }))).activePods).toBe(1);
});

test('a type without pending steps is not unhandled', async () => {
  const { unhandledTypes } = await queueStats(runtime, store({ idle: 0, waits: 2 }), fleet(viewOf('a')), 0);
  expect(unhandledTypes).toEqual(['waits']);
});

test('no type counts as unhandled while the list of a live pod is too long to be stored', async () => {
  const omitted = { meta: { typesOmitted: true } };
  const stats = await queueStats(runtime, store({ a: 1 }), fleet(viewOf('p'), viewOf('q', omitted)), 0);
  expect(stats.unhandledTypes).toEqual([]);
  expect(await handledTypes(runtime, [viewOf('q', { ...omitted, asleep: true })])).toBeUndefined();
  expect(await handledTypes(runtime, [viewOf('q', { ...omitted, exited: true })])).toEqual(new Set());
});

test('the eligible pods are named in the order in which they would lead: the oldest first', () => {
  const pods = [viewOf('b', { ageMs: 5 }), viewOf('a', { ageMs: 9 }), viewOf('c', { ageMs: 7, eligible: false })];
  expect(leaderReport(fleet(...pods)).eligiblePods).toEqual(['a', 'b']);
});
