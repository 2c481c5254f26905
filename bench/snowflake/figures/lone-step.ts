/** What one step sets off that is submitted to forty pods which are idle and awake. */
import type { Scheme } from '../fleets/fleet.js';
import { progress } from '../progress.js';
import type { Warehouse } from '../warehouse.js';

export interface LoneStep {
  /** UPDATE, DELETE and MERGE on the table of steps, without housekeeping. */
  readonly loneStepLocks: number;
  /** From the submission to the start of the step, in intervals of the looks of an idle pod. */
  readonly loneStepPolls: number;
}

const PODS = 40;
/** Until all pods look at their longest interval. */
const REST_S = 20;
/** What claims late for the step is counted, too. */
const AFTER_S = 5;

/** @returns the worst of so many rounds */
export async function loneStep(scheme: Scheme, warehouse: Warehouse, rounds: number): Promise<LoneStep> {
  const fleet = await warehouse.faster(() => scheme.start(warehouse, { pods: PODS, slots: 10, stepSeconds: 0 }));
  try {
    let [loneStepLocks, loneStepPolls] = [0, 0];
    for (let round = 1; round <= rounds; round++) {
      await warehouse.pass(REST_S);
      warehouse.reset();
      await fleet.submit(1);
      const submittedAt = warehouse.now;
      while (fleet.settled.length < round) await warehouse.pass(0.1);
      await warehouse.pass(AFTER_S);
      loneStepLocks = Math.max(loneStepLocks, warehouse.stepLocks);
      const { ask, exchange, look, settle } = warehouse.exchanges;
      const waited = (fleet.begunAt - submittedAt).toFixed(1);
      progress(
        `started after ${waited} s: ${JSON.stringify({ locks: warehouse.stepLocks, ask, exchange, look, settle })}`,
      );
      loneStepPolls = Math.max(loneStepPolls, Math.max(0, fleet.begunAt - submittedAt) / fleet.lookSeconds);
    }
    return { loneStepLocks, loneStepPolls };
  } finally {
    await fleet.stop();
  }
}
