import { describe, expect, it } from 'vitest';
import { StoreError, type ErrorCode } from '../../src/errors.js';
import { healthOf, type HealthInputs } from '../../src/fleet/health.js';

const WELL: HealthInputs = {
  podId: 'a',
  version: '1.2.3',
  phase: 'running',
  uptimeMs: 90_000,
  hasLeft: false,
  isLeader: true,
  load: { running: 3, unstarted: 5, unsettled: 0, strays: 0, slots: 8, paused: false, fenced: false },
  fenced: undefined,
  asleep: false,
  pacing: undefined,
  silentForMs: 100,
  deadAfterMs: 15_000,
  heartbeatLateMs: 0,
  exchangeLateMs: 0,
  outage: undefined,
  slotDeadlockMs: 0,
  wallAheadMs: 0,
};
const problems = (change: Partial<HealthInputs>) => {
  const { status, ready, reasons, problems } = healthOf({ ...WELL, ...change });
  expect(status).toBe(problems.length === 0 ? 'healthy' : 'unhealthy');
  expect(ready).toBe(problems.length === 0);
  expect(reasons).toHaveLength(problems.length);
  return problems;
};
const reasons = (change: Partial<HealthInputs>) => healthOf({ ...WELL, ...change }).reasons;

describe('health', () => {
  it('has the fields of the Python FLEET-Q, and those of the probes', () => {
    expect(healthOf(WELL)).toEqual({
      podId: 'a',
      status: 'healthy',
      uptimeSeconds: 90,
      currentCapacity: 3,
      maxCapacity: 8,
      isLeader: true,
      version: '1.2.3',
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

  it.each([
    [3_600_000, 'ahead of'],
    [-3_600_000, 'behind'],
  ])('warns of a wall clock that is %i ms off, and stays healthy', (wallAheadMs, direction) => {
    const { status, warnings } = healthOf({ ...WELL, wallAheadMs });
    expect(status).toBe('healthy');
    expect(warnings).toEqual([`the wall clock of this pod is 3600000 ms ${direction} the store's`]);
  });

  it('fails if the queue does not run', () => {
    for (const phase of ['not-started', 'stopped'] as const) {
      expect(problems({ phase, silentForMs: Infinity })).toEqual(['the queue is not running']);
      expect(reasons({ phase, silentForMs: Infinity })).toEqual([phase]);
    }
  });

  it('fails while the queue is being stopped', () => {
    expect(problems({ phase: 'stopping' })).toEqual(['the queue is being stopped']);
    expect(reasons({ phase: 'stopping' })).toEqual(['stopping']);
  });

  it('reports only that the pod has left, once it has drained permanently', () => {
    expect(problems({ hasLeft: true, fenced: 'superseded', silentForMs: 60_000 })).toEqual([
      'the pod has left the fleet permanently: superseded',
    ]);
  });

  it('fails while fenced', () => {
    expect(problems({ fenced: 'frozen' })).toEqual(['the pod is fenced: frozen']);
  });

  it('fails when no heartbeat is answered', () => {
    expect(problems({ silentForMs: 15_000 })).toEqual([]);
    expect(problems({ silentForMs: 15_001 })).toEqual(['no heartbeat was answered for 15001 ms']);
  });

  it.each(['heartbeat', 'exchange'] as const)('fails when the %s loop has stopped ticking', (loop) => {
    const late = (ms: number): Partial<HealthInputs> => ({ [`${loop}LateMs`]: ms });
    expect(problems(late(10_000))).toEqual([]);
    expect(problems(late(10_001))).toEqual([`the ${loop} loop has been late for 10001 ms`]);
    expect(reasons(late(10_001))).toEqual([`${loop}-stuck`]);
  });

  it('fails at once if the store fails permanently, and otherwise when the failure has lasted', () => {
    const failing = (forMs: number, code: ErrorCode, transient: boolean) =>
      problems({ outage: { operation: 'exchange', error: new StoreError(code, 'no', transient), forMs } });
    expect(failing(0, 'STORE_CORRUPT', false)).toEqual(['the store has failed for 0 ms (exchange): no']);
    expect(failing(15_000, 'STORE_FULL', true)).toEqual([]);
    expect(failing(15_001, 'STORE_FULL', true)).toEqual(['the store has failed for 15001 ms (exchange): no']);
  });

  it('warns when the handlers in all slots seem to wait for steps that need one, and stays healthy', () => {
    const { status, warnings } = healthOf({ ...WELL, slotDeadlockMs: 20_000 });
    expect(status).toBe('healthy');
    expect(warnings).toEqual([
      'all 8 slots are held by handlers that seem to wait for steps which need a slot, for 20000 ms',
    ]);
  });

  it('fails when strays hold all slots', () => {
    expect(problems({ load: { ...WELL.load, strays: 7 } })).toEqual([]);
    expect(problems({ load: { ...WELL.load, strays: 8 } })).toHaveLength(1);
  });
});
