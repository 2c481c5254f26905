/** How many statements a fleet sends for 1,000 steps, while there is more work than it can do at once. */
import { creditsPerMillion, perThousand } from '../arithmetic.js';
import type { Scheme } from '../fleets/fleet.js';
import { SUBMITTER } from '../fleets/fleet.js';
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

/** @param steps handlers take no time @param seconds the most time that is measured */
export async function statements(
  scheme: Scheme,
  warehouse: Warehouse,
  { pods, steps, seconds }: { readonly pods: number; readonly steps: number; readonly seconds: number },
): Promise<StatementCounts> {
  const fleet = await scheme.start(warehouse, { pods, slots: SLOTS, stepSeconds: 0 });
  try {
    await fleet.submit(steps);
    // The first tenth is the way to the pace that the fleet keeps.
    await until(warehouse, () => fleet.settled.length >= steps * 0.1, seconds);
    warehouse.reset();
    const [settled, from] = [fleet.settled.length, warehouse.now];
    await until(warehouse, () => fleet.settled.length >= steps * 0.8, seconds);
    const done = fleet.settled.length - settled;
    const took = warehouse.now - from;
    const { statements: all, byTag } = warehouse.statements;
    const { ask, exchange, look, settle, receipts } = warehouse.exchanges;
    return {
      per1000: perThousand(all - (byTag[SUBMITTER] ?? 0), done),
      perUpdate: exchange === 0 ? null : (ask + exchange + look + settle + receipts) / exchange,
      creditsPerMillion: creditsPerMillion(took, done),
    };
  } finally {
    await fleet.stop();
  }
}

async function until(warehouse: Warehouse, isReached: () => boolean, seconds: number): Promise<void> {
  for (const from = warehouse.now; !isReached() && warehouse.now - from < seconds;) await warehouse.pass(0.1);
}
