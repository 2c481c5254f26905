/**
 * Pods whose requests are served by the UPDATEs of other pods.
 *
 * A patient store exchanges through the log, behind the older request of a pod that is silent. Its clock stands still, so it
 * does not take over until the test wants it to.
 */
import { expect, onTestFinished } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { systemRuntime } from '../../../../src/runtime/runtime.js';
import type { PodRef, Store } from '../../../../src/store/contract.js';
import type { Combining } from '../../../../src/store/snowflake/combining/pacer.js';
import { resolveOptions } from '../../../../src/store/snowflake/options.js';
import { statementsOf } from '../../../../src/store/snowflake/statements.js';
import { SnowflakeStore } from '../../../../src/store/snowflake/store.js';
import { namesOf } from '../../../../src/store/snowflake/table-names.js';
import { fresh, newStep, type ClaimRequestOver } from '../../../conformance/harness.js';
import { claimed, type UsedStores } from './stores.js';

/** Longer than any pod waits for the head, in ms. */
const LONG_MS = 100_000;

export interface PatientStore {
  readonly store: Store;
  /** It takes over at its next look. */
  takeOver(): void;
}

export interface ServedByOthers {
  patient(): Promise<PatientStore>;
  /** A store whose every exchange goes through the log. */
  logging(): Promise<Store>;
  /** A store whose every exchange is an UPDATE of its own, which serves what is logged. */
  serving(): Promise<Store>;
  /** Logs a request that stays open until an UPDATE serves it, and whose pod does nothing. It must be older than what it holds up. */
  silentHead(): Promise<void>;
  /** Waits until so many requests of the pod are logged. */
  logged(pod: PodRef, count?: number): Promise<void>;
  /** Sends an UPDATE that serves the requests of its group. @returns the steps that its own pod was given */
  serve(store: Store, pod: PodRef, over?: ClaimRequestOver): Promise<readonly string[]>;
}

export function servedByOthers({ options, place, byHand }: UsedStores): ServedByOthers {
  const make = async (combines: Combining, runtime = systemRuntime): Promise<Store> => {
    const resolved = { ...resolveOptions({ connection: options(), ...place() }), combines };
    const store = new SnowflakeStore(resolved, { runtime, log: createLog('test') });
    onTestFinished(() => store.close());
    await store.open();
    return store;
  };
  return {
    async patient() {
      let now = 0;
      const store = await make('always', { ...systemRuntime, monotonicMs: () => now });
      return { store, takeOver: () => void (now += LONG_MS) };
    },
    logging: () => make('always'),
    serving: () => make(false),
    async silentHead() {
      const [driver, held] = [await byHand(), fresh('held')];
      await driver.run(`INSERT INTO STEP_TRACKER (step_id, row_id, step_type, status, version, claim_token, claimed_incarnation)
        SELECT '${held}', '${held}', 'silent', 'claimed', 1, '${held}', '${held}'`);
      const outcome = { id: held, token: held, version: 1, status: 'completed', charge: 0, crash: 0 };
      const demand = { seq: 1, group: 'silent', free: 0, prefetch: 0, quarantine: 0, limits: [] };
      const request = { token: `${held} request`, pod: held, incarnation: held, ...demand, settlements: [outcome] };
      const { ask } = statementsOf(namesOf({ ...place(), tablePrefix: '' })).exchange;
      await driver.run(ask, [JSON.stringify(request)]);
    },
    async logged({ incarnation }, count = 1) {
      const driver = await byHand();
      const sql = `SELECT COUNT(*) AS n FROM EXCHANGE_REQUEST WHERE incarnation = '${incarnation}'`;
      await expect.poll(async () => (await driver.run(sql))[0]!['N'], { timeout: 30_000 }).toBe(count);
    },
    async serve(store, pod, over) {
      await store.submit([newStep({ type: 'none' })]); // so that it sends an UPDATE without a look
      return (await claimed(store, pod, over)).map(({ stepId }) => stepId);
    },
  };
}
