/** The queue's own checks, each over a state that it judges. */
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { OLDEST_NODE, QUEUE_CHECKS, type QueueState } from '../../src/diagnosis/queue-checks.js';
import type { Health } from '../../src/fleet/health.js';
import { systemRuntime } from '../../src/runtime/runtime.js';
import type { PodView, StoreStats } from '../../src/store/contract.js';
import { runChecks } from '../../src/store/diagnosis/run-checks.js';

const HEALTH = {
  ...{ podId: 'me', problems: [], warnings: [], currentCapacity: 1, maxCapacity: 4, strays: 0 },
} as unknown as Health;
const NONE = { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 };
const COUNTS: StoreStats = { byStatus: NONE, byType: {}, pendingByPriority: {}, due: 0, oldestDueMs: null };
const STATE: QueueState = {
  ...{ version: '1.2.3', health: HEALTH, hasPod: true, versions: { node: '20.19.0' } },
  ...{ counts: COUNTS, pods: [pod('a')], handled: new Set(['work']) },
};

function pod(podId: string, over: Partial<PodView> = {}): PodView {
  return {
    ...{
      pod: { podId, incarnation: podId },
      ageMs: 1,
      silentForMs: 1,
      beat: '',
      heartbeatMs: 1_000,
      deadAfterMs: 5_000,
    },
    ...{ eligible: true, asleep: false, exited: false, meta: { version: '1.2.3' } },
    ...over,
  };
}

async function finding(check: string, over: Partial<QueueState>) {
  const findings = await runChecks(
    QUEUE_CHECKS,
    { ...STATE, ...over },
    { runtime: systemRuntime, timeoutMs: 1_000, totalMs: 10_000 },
  );
  return findings.find((one) => one.check === check);
}

const counts = (over: Partial<StoreStats>): Partial<QueueState> => ({ counts: { ...COUNTS, ...over } });
const health = (over: object): Partial<QueueState> => ({ health: { ...HEALTH, ...over } });
const pods = (...all: PodView[]): Partial<QueueState> => ({ pods: all });
/** Pods that report so many strays and slots. */
const strays = (...all: (readonly [strays: number, slots: number])[]): Partial<QueueState> =>
  pods(...all.map(([count, slots], i) => pod(`pod-${i}`, { meta: { strays: count, slots } })));
const silent = [pod('a', { silentForMs: 9_000, meta: { strays: 4, slots: 4 } })];
const many = Array.from({ length: 7 }, (_, i) => pod(`pod-${i}`, { silentForMs: 9_000 }));

describe('the checks of a queue', () => {
  it.each<[check: string, when: string, over: Partial<QueueState>, level: string | undefined, message: RegExp]>([
    ['node-version', 'it is the oldest that works', {}, 'ok', /20\.19/],
    ['node-version', 'it is too old', { versions: { node: '20.18.3' } }, 'failure', /needs 20\.19/],
    ['node-version', 'it is newer', { versions: { node: '24.1.0' } }, 'ok', /24\.1/],
    ['this-pod', 'there is none', { hasPod: false }, 'ok', /not started/],
    ['this-pod', 'it is healthy', {}, 'ok', /runs 1 of 4/],
    ['this-pod', 'it is unhealthy', health({ problems: ['it is fenced'] }), 'failure', /it is fenced/],
    ['this-pod', 'it has warnings', health({ warnings: ['a clock'] }), 'warning', /a clock/],
    ['strays', 'there are none', {}, 'ok', /No handler/],
    ['strays', 'there is one', health({ strays: 1 }), 'warning', /me \(1 of 4 slots\)/],
    ['strays', 'all slots are held', health({ strays: 4 }), 'failure', /4 of 4/],
    ['strays', 'there is no pod', { hasPod: false }, undefined, /./],
    ['strays', 'no other pod has one', { hasPod: false, ...strays([0, 4], [0, 2]) }, 'ok', /No handler/],
    ['strays', 'another pod has one', strays([0, 4], [1, 4]), 'warning', /: pod-1 \(1 of 4 slots\)\.$/],
    ['strays', 'all slots of one are held', strays([1, 4], [2, 2]), 'failure', /: pod-1 \(2 of 2 .*, pod-0 \(1 of 4 /],
    ['strays', 'many pods have one', strays(...many.map(() => [1, 4] as const)), 'warning', /pod-4 .* and 2 more\.$/],
    [
      'strays',
      'the heartbeat of this pod is older',
      pods(pod('me', { meta: { strays: 3, slots: 4 } })),
      'ok',
      /No handler/,
    ],
    ['strays', 'they are those of a silent pod', { hasPod: false, pods: silent }, undefined, /./],
    [
      'strays',
      'the meta of a pod is no number',
      pods(pod('a', { meta: { strays: '4', slots: 4 } })),
      'ok',
      /No handler/,
    ],
    [
      'strays',
      'the store was not read',
      { ...health({ strays: 1 }), pods: undefined },
      'warning',
      /me \(1 of 4 slots\)/,
    ],
    ['pods', 'one lives', {}, 'ok', /1 live, 0 asleep/],
    ['pods', 'all sleep', pods(pod('a', { asleep: true, silentForMs: 9e9 })), 'ok', /0 live, 1 asleep/],
    ['pods', 'none lives', pods(), 'warning', /No pod is live/],
    ['pods', 'none lives and steps are due', { ...pods(), ...counts({ due: 3 }) }, 'failure', /3 steps are due/],
    ['pods', 'some are silent', pods(pod('a'), ...many), 'warning', /7 silent .*pod-0, .*pod-4 and 2 more/],
    ['pods', 'one has exited', pods(pod('a'), pod('b', { exited: true })), 'warning', /1 silent or exited.*: b\./],
    ['pods', 'the store was not read', { pods: undefined }, undefined, /./],
    ['leader', 'one may lead', {}, 'ok', /1 of 1/],
    ['leader', 'nobody may lead', pods(pod('a', { eligible: false })), 'warning', /No live pod may lead/],
    ['leader', 'nobody lives', pods(), undefined, /./],
    ['pod-versions', 'all are equal', {}, 'ok', /1\.2\.3/],
    ['pod-versions', 'one differs', pods(pod('a', { meta: { version: '1.3.0' } })), 'warning', /1\.2\.3, 1\.3\.0/],
    ['pod-versions', 'one has none', pods(pod('a', { meta: { version: 7 } })), 'ok', /1\.2\.3/],
    ['pod-clocks', 'all agree', {}, 'ok', /No live pod/],
    ['pod-clocks', 'one is behind', pods(pod('a', { meta: { wallAheadMs: -4_210 } })), 'warning', /a \(-4\.2 s\)/],
    ['unhandled-types', 'all are handled', counts({ byType: { work: { ...NONE, pending: 1 } } }), 'ok', /Every type/],
    [
      'unhandled-types',
      'one is not',
      counts({ byType: { odd: { ...NONE, pending: 2 } } }),
      'warning',
      /^No pod handles "odd" \(2 pending\)/,
    ],
    ['unhandled-types', 'they are not known', { handled: undefined }, 'ok', /Not known/],
    ['oldest-due-step', 'none is due', {}, 'ok', /No step/],
    ['oldest-due-step', 'it is not old', counts({ due: 2, oldestDueMs: 60_000 }), 'ok', /2 steps.*60 s/],
    ['oldest-due-step', 'it is old', counts({ due: 2, oldestDueMs: 61_000 }), 'warning', /61 s/],
  ])('%s, if %s', async (check, _, over, level, message) => {
    const seen = await finding(check, over);
    expect(seen?.level).toBe(level);
    if (level !== undefined) expect(seen?.message).toMatch(message);
  });
});

it('the oldest Node.js is that of package.json', () => {
  expect(manifest.engines.node).toBe(`>=${OLDEST_NODE.join('.')}`);
});
