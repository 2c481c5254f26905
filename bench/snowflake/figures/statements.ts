/** How many statements a fleet sends for 1,000 steps: at a steady load, or as long as there is more work than it can do. */
import { creditsPerMillion, perThousand } from '../arithmetic.js';
import { SUBMITTER, type RunningFleet, type Scheme } from '../fleets/fleet.js';
import { progress } from '../progress.js';
import type { Warehouse } from '../warehouse.js';

const SLOTS = 10;

export interface StatementCounts {
  /** All statements of the pods, also heartbeats, for 1,000 settled steps. */
  readonly per1000: number;
  /** Statements of the exchanges for each UPDATE; `null` if the scheme has none of the kind. One pod always exchanges directly. */
  readonly perUpdate: number | null;
  /** Of the warehouse, for a million steps at this speed. */
  readonly creditsPerMillion: number;
}

export interface Backlog {
  readonly steps: number;
  /** The most time that is measured. */
  readonly seconds: number;
}

export interface SteadyLoad {
  readonly stepsPerSecond: number;
  readonly seconds: number;
  /** How long before the load begins. */
  readonly warmUp: number;
}

/** Pods that find all their work at the start. Handlers take no time. */
export async function statementsOfBacklog(
  scheme: Scheme,
  warehouse: Warehouse,
  pods: number,
  { steps, seconds }: Backlog,
): Promise<StatementCounts> {
  const fleet = await start(scheme, warehouse, pods);
  try {
    await fleet.submit(steps);
    // The first tenth is the way to the pace that the fleet keeps.
    await until(warehouse, () => fleet.settled.length >= steps * 0.1, seconds);
    return await counted(warehouse, fleet, () => until(warehouse, () => fleet.settled.length >= steps * 0.8, seconds));
  } finally {
    await warehouse.faster(() => fleet.stop());
  }
}

/** Pods that get steps evenly. Handlers take no time. */
export async function statementsOfSteadyLoad(
  scheme: Scheme,
  warehouse: Warehouse,
  pods: number,
  { stepsPerSecond, seconds, warmUp }: SteadyLoad,
): Promise<StatementCounts> {
  const fleet = await start(scheme, warehouse, pods);
  try {
    const submitEachSecond = async (count: number) => {
      for (let [n, from] = [1, warehouse.now]; n <= count; n++) {
        await fleet.submit(stepsPerSecond);
        await warehouse.pass(Math.max(0, from + n - warehouse.now));
      }
    };
    await submitEachSecond(warmUp);
    progress(`${fleet.settled.length} of ${warmUp * stepsPerSecond} steps are settled before it is measured`);
    return await counted(warehouse, fleet, () => submitEachSecond(seconds));
  } finally {
    await warehouse.faster(() => fleet.stop());
  }
}

function start(scheme: Scheme, warehouse: Warehouse, pods: number): Promise<RunningFleet> {
  return warehouse.faster(() => scheme.start(warehouse, { pods, slots: SLOTS, stepSeconds: 0 }));
}

async function counted(warehouse: Warehouse, fleet: RunningFleet, work: () => Promise<void>): Promise<StatementCounts> {
  warehouse.reset();
  const [settled, from] = [fleet.settled.length, warehouse.now];
  await work();
  const done = fleet.settled.length - settled;
  const took = warehouse.now - from;
  const { statements: all, byTag } = warehouse.statements;
  const { ask, exchange, look, settle, receipts } = warehouse.exchanges;
  progress(`${done} steps settled in ${took.toFixed(1)} s: ${JSON.stringify(warehouse.exchanges)}`);
  return {
    per1000: perThousand(all - (byTag[SUBMITTER] ?? 0), done),
    perUpdate: exchange === 0 ? null : (ask + exchange + look + settle + receipts) / exchange,
    creditsPerMillion: creditsPerMillion(took, done),
  };
}

async function until(warehouse: Warehouse, isReached: () => boolean, seconds: number): Promise<void> {
  for (const from = warehouse.now; !isReached() && warehouse.now - from < seconds;) await warehouse.pass(0.1);
}
