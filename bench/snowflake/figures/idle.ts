/** What ten pods cost that have nothing to do. */
import { perHour, shareOfTime } from '../arithmetic.js';
import type { Scheme } from '../fleets/fleet.js';
import type { Warehouse } from '../warehouse.js';

export interface Idle {
  /** The share of the time that the warehouse was billed for. */
  readonly idleWarehouseShare: number;
  /** Statements that need the warehouse. */
  readonly idleStatementsPerHour: number;
}

const PODS = 10;
/** The least that a running warehouse is billed for. Before that, its bill stands still. */
const LEAST_BILL_S = 60;

export interface IdleTime {
  readonly hours: number;
  /** How many real ms a modelled second takes while pods are awake, and while all sleep and the warehouse is suspended. */
  readonly awakeMs: number;
  readonly asleepMs: number;
}

export async function idle(
  scheme: Scheme,
  warehouse: Warehouse,
  { hours, awakeMs, asleepMs }: IdleTime,
): Promise<Idle> {
  const fleet = await scheme.start(warehouse, { pods: PODS, slots: 10, stepSeconds: 0, sleeps: true });
  try {
    await warehouse.pass(LEAST_BILL_S);
    warehouse.reset();
    const [from, billed] = [warehouse.now, warehouse.billedSeconds];
    let isFast = false;
    while (warehouse.now - from < hours * 3_600) {
      const mayBeFast = fleet.asleep === PODS && warehouse.isSuspended;
      if (mayBeFast !== isFast) warehouse.secondMs = mayBeFast ? asleepMs : awakeMs;
      isFast = mayBeFast;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const took = warehouse.now - from;
    const { statements, free } = warehouse.statements;
    return {
      idleWarehouseShare: shareOfTime(warehouse.billedSeconds - billed, took),
      idleStatementsPerHour: perHour(statements - free, took),
    };
  } finally {
    warehouse.secondMs = awakeMs;
    await fleet.stop();
  }
}
