/** Forty busy pods on one table: how much of their slots they use, who is refused, who waits, and when outcomes are settled. */
import { percentile, shareOfCapacity } from '../arithmetic.js';
import type { Scheme } from '../fleets/fleet.js';
import type { Warehouse } from '../warehouse.js';

export interface FortyPods {
  /** Statements of the exchanges for each request that was logged; `null` if the scheme logs none. */
  readonly statementsPerExchangeLogged: number | null;
  /** The share of the fleet's slots that ran steps. */
  readonly fortyPodsCapacity: number;
  readonly fortyPodsRefused: number;
  readonly fortyPodsWaitersMax: number;
  readonly fortyPodsSettleP99S: number;
}

const PODS = 40;
const SLOTS = 10;
const STEP_S = 1;

/** @param seconds how long it is measured, after as long a warm-up as the longest interval of the pods */
export async function fortyPods(
  scheme: Scheme,
  warehouse: Warehouse,
  seconds: number,
  warmUp: number,
): Promise<FortyPods> {
  const fleet = await warehouse.faster(() =>
    scheme.start(warehouse, { pods: PODS, slots: SLOTS, stepSeconds: STEP_S }),
  );
  try {
    const capacity = (PODS * SLOTS) / STEP_S;
    await fleet.submit(Math.ceil(capacity * (seconds + warmUp) * 1.5));
    await warehouse.pass(warmUp);
    warehouse.reset();
    const [begun, from, settledBefore] = [fleet.begun, warehouse.now, fleet.settled.length];
    await warehouse.pass(seconds);
    const ran = { steps: fleet.begun - begun, seconds: warehouse.now - from };
    const late = fleet.settled.slice(settledBefore).map(({ endedAt, settledAt }) => settledAt - endedAt);
    const { refused, mostWaiting } = warehouse.locks;
    const { ask, exchange, look, settle, receipts } = warehouse.exchanges;
    return {
      statementsPerExchangeLogged: ask === 0 ? null : (ask + exchange + look + settle + receipts) / ask,
      fortyPodsCapacity: shareOfCapacity({ ...ran, stepSeconds: STEP_S, slots: PODS * SLOTS }),
      fortyPodsRefused: refused,
      fortyPodsWaitersMax: mostWaiting,
      fortyPodsSettleP99S: percentile(late, 0.99),
    };
  } finally {
    await fleet.stop();
  }
}
