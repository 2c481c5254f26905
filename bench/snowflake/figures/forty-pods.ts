/** Forty busy pods on one table: how much of their slots they use, who is refused, who waits, and when outcomes are settled. */
import { percentile, shareOfCapacity } from '../arithmetic.js';
import type { RunningFleet, Scheme } from '../fleets/fleet.js';
import { progress } from '../progress.js';
import type { Warehouse } from '../warehouse.js';

export interface FortyPods {
  /**
   * Statements of the exchanges for each request that was logged; `null` if the scheme logs none. The looks of a pod that does
   * not ask belong to no exchange, but a busy pod has none of these.
   */
  readonly statementsPerExchangeLogged: number | null;
  /** The share of the fleet's slots that ran steps. */
  readonly fortyPodsCapacity: number;
  /** Of statements that wanted the lock, since the steps have been due. */
  readonly fortyPodsRefused: number;
  /** The most that waited for the lock at a time, since the steps have been due: the rush of the first exchanges counts. */
  readonly fortyPodsWaitersMax: number;
  readonly fortyPodsSettleP99S: number;
}

const PODS = 40;
const SLOTS = 10;
const STEP_S = 1;
/** More steps than the fleet can run: it is never short of work. */
const PLENTY = 1.1;
const REPORT_S = 3;

/** @param seconds how long it is measured @param warmUp how long before, from when the steps are due */
export async function fortyPods(
  scheme: Scheme,
  warehouse: Warehouse,
  seconds: number,
  warmUp: number,
): Promise<FortyPods> {
  progress('starts 40 pods');
  const fleet = await warehouse.faster(() =>
    scheme.start(warehouse, { pods: PODS, slots: SLOTS, stepSeconds: STEP_S }),
  );
  try {
    const capacity = (PODS * SLOTS) / STEP_S;
    progress('submits the steps');
    await fleet.submitHeld(Math.ceil(capacity * (seconds + warmUp) * PLENTY));
    await fleet.release();
    warehouse.reset();
    progress('the steps are due');
    await pass(warehouse, fleet, warmUp);
    const rush = warehouse.locks;
    warehouse.reset();
    const [begun, from, settledBefore] = [fleet.begun, warehouse.now, fleet.settled.length];
    await pass(warehouse, fleet, seconds);
    const ran = { steps: fleet.begun - begun, seconds: warehouse.now - from };
    const late = fleet.settled.slice(settledBefore).map(({ endedAt, settledAt }) => settledAt - endedAt);
    const { refused, mostWaiting } = warehouse.locks;
    const { ask, exchange, look, settle, receipts } = warehouse.exchanges;
    progress(JSON.stringify({ ask, exchange, look, settle, receipts, rush, mostWaiting, refused }));
    return {
      statementsPerExchangeLogged: ask === 0 ? null : (ask + exchange + look + settle + receipts) / ask,
      fortyPodsCapacity: shareOfCapacity({ ...ran, stepSeconds: STEP_S, slots: PODS * SLOTS }),
      fortyPodsRefused: rush.refused + refused,
      fortyPodsWaitersMax: Math.max(rush.mostWaiting, mostWaiting),
      fortyPodsSettleP99S: percentile(late, 0.99),
    };
  } finally {
    await warehouse.faster(() => fleet.stop());
  }
}

async function pass(warehouse: Warehouse, fleet: RunningFleet, seconds: number): Promise<void> {
  const from = warehouse.now;
  for (let left = seconds; left > 0; left -= REPORT_S) {
    await warehouse.pass(Math.min(left, REPORT_S));
    const { mostWaiting, refused } = warehouse.locks;
    const counts = { begun: fleet.begun, settled: fleet.settled.length, ...warehouse.exchanges, mostWaiting, refused };
    progress(`${(warehouse.now - from).toFixed(0)} s: ${JSON.stringify(counts)}`);
  }
}
