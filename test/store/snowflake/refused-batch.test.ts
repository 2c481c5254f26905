/**
 * An UPDATE for many pods that is answered as refused permanently, so that the pod goes alone, and that was applied nevertheless: at
 * once, or late.
 */
import { expect, test } from 'vitest';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import type { ExchangeReply, Settlement } from '../../../src/store/contract.js';
import { Pacer } from '../../../src/store/snowflake/combining/pacer.js';
import { createExchange } from '../../../src/store/snowflake/exchange/create-exchange.js';
import { Settlements } from '../../../src/store/snowflake/exchange/settlements.js';
import { LateReads } from '../../../src/store/snowflake/late-read-wait.js';
import { SignOfLifeSequence } from '../../../src/store/snowflake/pods/sign-of-life-sequence.js';
import { DriverError } from '../../../src/store/snowflake/session/driver-error.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import type { Row, SessionHandle } from '../../../src/store/snowflake/session/session-interface.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import { claimRequest, fresh, newSteps, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const refusal = () =>
  new DriverError(
    Object.assign(new Error('Timestamp is not recognized'), { code: '100035', sqlState: '22007' }),
    new Secrets(),
  );

describeOnTestBed('an UPDATE that is answered as refused', { timeout: 60_000 }, () => {
  const { open, session, byHand, place } = useStores();

  /** A pod whose next UPDATE is answered as refused. It is applied at once, or when `land` is called. */
  async function pod(isAppliedAtOnce: boolean) {
    const store = await open();
    const ref = { podId: fresh('pod'), incarnation: fresh('life') };
    await store.register({ ...ref, heartbeatMs: 1_000, deadAfterMs: 86_400_000, meta: {} });
    const [real, driver] = [session(), await byHand()];
    const statements = statementsOf(namesOf({ ...place(), tablePrefix: '' }));
    let refuses = false;
    let late: string | undefined;
    const windows: number[] = [];
    const handle: SessionHandle = {
      get logins() {
        return real.logins;
      },
      async run(text, bind, ...more): Promise<Row[]> {
        if (text === statements.exchange.exchange)
          windows.push((JSON.parse(String(bind)) as { windowMs: number }).windowMs);
        if (text !== statements.exchange.exchange || !refuses) return real.run(text, bind, ...more);
        refuses = false;
        if (isAppliedAtOnce) await real.run(text, bind, ...more);
        else late = String(bind);
        throw refusal();
      },
    };
    const lateReads = new LateReads(0, () => Promise.resolve());
    const exchange = createExchange({
      ...{ statements: statements.exchange, refresh: statements.steps.refresh, pulse: statements.store.pulse },
      ...{ session: handle, sentOnce: handle, rest: handle, runtime: systemRuntime, lateReads },
      calls: { untilNotBusy: (statement) => statement(), pause: () => Promise.resolve() },
      settlements: new Settlements({ statements: statements.exchange, refresh: statements.steps.refresh, lateReads }),
      sequence: new SignOfLifeSequence(systemRuntime),
      pacer: new Pacer({ statementSlots: 8, combines: 'always' }),
      onLogged: () => undefined,
    });
    const taken: string[] = [];
    return {
      store,
      driver,
      windows,
      /** What the pool was handed, claim by claim. */
      taken,
      refuse: () => void (refuses = true),
      land: () => driver.run(statements.exchange.exchange, [late!]),
      async exchange(token: string, free: number, settlements: readonly Settlement[] = []): Promise<ExchangeReply> {
        exchange.expectWork('new');
        const reply = await exchange.run({ pod: ref, settlements, claim: claimRequest({ token, free }) });
        taken.push(...reply.claims.map(({ stepId, claimToken }) => `${stepId} ${claimToken}`));
        return reply;
      },
    };
  }

  test('and was applied at once leaves the second UPDATE, alone, nothing to do', async () => {
    const { store, exchange, windows, taken, refuse, driver } = await pod(true);
    const [a, b, c] = newSteps(3);
    await store.submit([a!]);
    const { claims } = await exchange('first', 1);
    await store.submit([b!, c!]);
    windows.splice(0);
    refuse();
    const { receipts } = await exchange('second', 1, [settlement(claims[0]!)]);
    expect(windows).toEqual([60_000, 0]);
    expect(receipts).toEqual(['settled']);
    expect(taken).toHaveLength(2);
    const held = await driver.run(`SELECT claim_token AS t, version AS v FROM STEP_TRACKER WHERE status = 'claimed'`);
    expect(held).toEqual([{ T: 'second', V: 1 }]);
    const [done] = await driver.run(`SELECT version AS v FROM STEP_TRACKER WHERE status = 'completed'`);
    expect(done, 'the settlement was applied once').toEqual({ V: 2 });
  });

  test('and is applied after the pod was served alone changes nothing more', async () => {
    const { store, exchange, taken, refuse, land, driver } = await pod(false);
    const [a, b, c] = newSteps(3);
    await store.submit([a!]);
    const { claims } = await exchange('first', 1);
    await store.submit([b!, c!]);
    refuse();
    expect((await exchange('second', 1, [settlement(claims[0]!)])).receipts).toEqual(['settled']);
    const rows = () =>
      driver.run('SELECT step_id, status, version, claim_token, settled_token FROM STEP_TRACKER ORDER BY 1');
    const before = await rows();
    await land();
    expect(await rows()).toEqual(before);
    expect(taken).toHaveLength(2);
  });

  test('and claims late, when the pod has a new token, is shown by the next look, and its claim is handed over once', async () => {
    const { store, exchange, taken, refuse, land } = await pod(false);
    const [a, b] = newSteps(2);
    await store.submit([a!]);
    const { claims } = await exchange('first', 1);
    refuse();
    expect((await exchange('second', 1, [settlement(claims[0]!)])).receipts).toEqual(['settled']);
    expect(taken).toEqual([`${a!.stepId} first`]);
    await store.submit([b!]);
    await land();
    const late = await exchange('third', 1);
    expect(late.claims.map(({ stepId, claimToken }) => [stepId, claimToken])).toEqual([[b!.stepId, 'second']]);
    expect((await exchange('fourth', 1)).claims).toEqual([]);
    expect((await exchange('fifth', 1, [settlement(late.claims[0]!)])).receipts).toEqual(['settled']);
    expect(taken).toEqual([`${a!.stepId} first`, `${b!.stepId} second`]);
    expect(await store.stats()).toMatchObject({ byStatus: { completed: 2 } });
  });
});
