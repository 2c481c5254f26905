/** The statement of a look: where a request stands in the log, how busy the fleet is, and what there is to do. */
import { expect, test } from 'vitest';
import { seenIn, type Seen } from '../../../src/store/snowflake/exchange/seen.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { BED_MS, describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

interface Asked {
  readonly of?: string;
  readonly group?: string;
  readonly free?: number;
  readonly prefetch?: number;
  readonly types?: readonly string[];
  readonly settlements?: readonly object[];
  readonly slotMs?: number;
  readonly agoMs?: number;
}

test('a look reads the table of steps eight times, and the log of requests three times', () => {
  const names = namesOf({ database: 'OPS', schema: 'FLEET_Q', tablePrefix: '' });
  const { look } = statementsOf(names).exchange;
  const reads = (table: string) => look.split(table).length - 1;
  expect([reads(names.stepTracker), reads(names.exchangeRequest)]).toEqual([8, 3]);
});

describeOnTestBed('a look', () => {
  const { open, byHand, place } = useStores();

  /** The tables, and short ways to write and read them. */
  async function log() {
    await open();
    const driver: Driver = await byHand();
    const { ask, look, exchange } = statementsOf(namesOf({ ...place(), tablePrefix: '' })).exchange;
    let seq = 0;
    return {
      run: (sql: string) => driver.run(sql),
      /** Serves what is logged. */
      exchange: () => driver.run(exchange, [JSON.stringify({ windowMs: 60_000, group: 'g', skip: 0, own: null })]),
      async ask(token: string, asked: Asked = {}) {
        const { of = token, group = 'g', free = 1, prefetch = 0, types = ['work'], settlements = [] } = asked;
        const limits = types.map((type) => ({ type, most: 5 }));
        const request = { token, pod: of, incarnation: of, seq: ++seq, group, free, prefetch, quarantine: 0, limits };
        await driver.run(ask, [JSON.stringify({ ...request, settlements, slotMs: asked.slotMs })]);
        const ago = `DATEADD(millisecond, ${-(asked.agoMs ?? 0)}, SYSDATE())`;
        await driver.run(`UPDATE EXCHANGE_REQUEST SET asked_ts = ${ago} WHERE token = '${token}'`);
      },
      async look(token: string, over: object = {}): Promise<Seen> {
        const bind = { incarnation: token, tokens: [token], token, group: 'g', windowMs: 60_000, types: ['work'] };
        const more = { mostCrashes: 1, overdueMs: 0, mine: [], expected: [], ...over };
        return seenIn(await driver.run(look, [JSON.stringify({ ...bind, ...more })]));
      },
      step: (id: string) =>
        driver.run(`INSERT INTO STEP_TRACKER (step_id, payload) SELECT '${id}', PARSE_JSON('{"type":"work"}')`),
    };
  }
  const placed = ({ place: where, older }: Seen) => [where, older];

  test(
    'shows the oldest open request as the head, and counts the older ones of the rest',
    { timeout: BED_MS },
    async () => {
      const { ask, look, step } = await log();
      await step('due');
      await ask('a', { agoMs: 3_000 });
      await ask('b', { agoMs: 2_000 });
      await ask('c', { agoMs: 1_000 });
      expect(placed(await look('a'))).toEqual(['head', 0]);
      expect(placed(await look('b'))).toEqual(['behind', 1]);
      expect(placed(await look('c'))).toEqual(['behind', 2]);
      expect(placed(await look('unknown'))).toEqual(['absent', 0]);
    },
  );

  test('orders requests of one instant by their token', { timeout: BED_MS }, async () => {
    const { ask, look, step, run } = await log();
    await step('due');
    for (const token of ['b', 'a']) await ask(token);
    await run(`UPDATE EXCHANGE_REQUEST SET asked_ts = SYSDATE()`);
    expect(placed(await look('a'))).toEqual(['head', 0]);
    expect(placed(await look('b'))).toEqual(['behind', 1]);
  });

  test('counts a request as served if nothing is due that it can take', { timeout: BED_MS }, async () => {
    const { ask, look, step } = await log();
    await ask('a');
    expect(placed(await look('a'))).toEqual(['served', 0]);
    await step('due');
    expect(placed(await look('a'))).toEqual(['head', 0]);
    await ask('full', { free: 0 });
    await ask('other-type', { types: ['else'] });
    expect((await look('full')).place).toBe('served');
    expect((await look('other-type')).place).toBe('served');
  });

  test(
    'counts a request as served once any row has its token, also if it was filled in part',
    { timeout: BED_MS },
    async () => {
      const { ask, look, step, run } = await log();
      await step('one');
      await step('two');
      await ask('a', { free: 2 });
      await run(
        `UPDATE STEP_TRACKER SET status = 'claimed', claim_token = 'a', claimed_incarnation = 'a', version = 1 WHERE step_id = 'one'`,
      );
      const seen = await look('a');
      expect(placed(seen)).toEqual(['served', 0]);
      expect(seen.claims.map(({ stepId, claimToken }) => [stepId, claimToken])).toEqual([['one', 'a']]);
      expect(seen).toMatchObject({ due: 1, rows: 2, claimed: 1 });
    },
  );

  test(
    'leaves out requests of pods that are gone, older ones of a pod, and those beyond the window',
    { timeout: BED_MS },
    async () => {
      const { ask, look, step, run } = await log();
      await step('due');
      await ask('gone', { agoMs: 9_000 });
      await run(`INSERT INTO POD_LOG (pod_id, incarnation, event, at_ts) SELECT 'gone', 'gone', 'left', SYSDATE()`);
      await ask('old', { of: 'pod', agoMs: 8_000 });
      await ask('new', { of: 'pod', agoMs: 1_000, free: 0 });
      await ask('beyond', { agoMs: 61_000 });
      await ask('mine');
      expect(placed(await look('mine'))).toEqual(['head', 0]);
    },
  );

  test(
    'lets nobody wait for a request that was logged long before the first step was due',
    { timeout: BED_MS },
    async () => {
      const { ask, look, step } = await log();
      await ask('gone on', { agoMs: 30_000 });
      await step('due');
      await ask('mine');
      expect(placed(await look('mine'))).toEqual(['head', 0]);
    },
  );

  test('counts a request of another group for its settlements alone', { timeout: BED_MS }, async () => {
    const { ask, look, step, run } = await log();
    await step('due');
    await ask('other', { group: 'h', agoMs: 5_000 });
    await ask('mine');
    expect(placed(await look('mine'))).toEqual(['head', 0]);
    await step('held');
    await run(
      `UPDATE STEP_TRACKER SET status = 'claimed', claim_token = 't', claimed_incarnation = 'other', version = 1 WHERE step_id = 'held'`,
    );
    await ask('settles', {
      of: 'other',
      group: 'h',
      agoMs: 4_000,
      settlements: [{ id: 'held', token: 't', version: 1, status: 'completed' }],
    });
    expect(placed(await look('mine'))).toEqual(['behind', 1]);
    expect(placed(await look('settles', { incarnation: 'other', group: 'h' }))).toEqual(['head', 0]);
  });

  test('says how busy the fleet is', { timeout: BED_MS }, async () => {
    const { ask, look } = await log();
    expect(await look('nobody')).toMatchObject({ asked: 0, slotMs: null, otherMs: null });
    for (const [n, slotMs] of [100, 200, 300, 400, 9_000].entries()) await ask(`p${n}`, { slotMs, agoMs: 50_000 });
    await ask('quiet', { agoMs: 61_000, slotMs: 1 });
    const { asked, slotMs, otherMs } = await look('nobody');
    expect({ asked, slotMs }).toEqual({ asked: 5, slotMs: 200 });
    expect(otherMs).toBeGreaterThanOrEqual(50_000);
    expect(otherMs).toBeLessThan(60_000);
    // Its own requests are none of another pod's.
    await ask('mine');
    expect((await look('mine')).otherMs).toBeGreaterThanOrEqual(50_000);
  });

  test('tells due from overdue steps, and shows the steps that are expected', { timeout: BED_MS }, async () => {
    const { look, step, run } = await log();
    for (const id of ['a', 'b', 'c']) await step(id);
    await run(`UPDATE STEP_TRACKER SET run_at = DATEADD(second, -5, SYSDATE()) WHERE step_id = 'a'`);
    await run(`UPDATE STEP_TRACKER SET run_at = DATEADD(second, 30, SYSDATE()) WHERE step_id = 'c'`);
    const seen = await look('x', { overdueMs: 4_000, expected: ['a', 'c', 'never'] });
    expect(seen).toMatchObject({ due: 2, overdue: 1, shown: 2, rows: 3, claimed: 0 });
    expect(seen.nextMs).toBeGreaterThan(20_000);
  });

  test(
    'counts no claim that was written by hand and can have no holder, so that it keeps no fleet awake',
    { timeout: BED_MS },
    async () => {
      const { run, look, step } = await log();
      await step('valid');
      await run(
        `INSERT INTO STEP_TRACKER (step_id, payload, status) SELECT 'no token', PARSE_JSON('{"type":"work"}'), 'claimed'`,
      );
      await run(
        `INSERT INTO STEP_TRACKER (step_id, payload, status, claim_token) SELECT 'no type', PARSE_JSON('{}'), 'claimed', 't'`,
      );
      expect(await look('a')).toMatchObject({ claimed: 0, rows: 3 });
      await run(`UPDATE STEP_TRACKER SET status = 'claimed', claim_token = 't' WHERE step_id = 'valid'`);
      expect(await look('a')).toMatchObject({ claimed: 1, rows: 3 });
    },
  );

  test('is spoilt by no request that was written by hand', { timeout: BED_MS }, async () => {
    const { ask, look, step, run } = await log();
    await step('due');
    const texts = [
      `PARSE_JSON('null')`,
      `PARSE_JSON('[null, 7, {"type": {}, "most": "many"}]')`,
      `PARSE_JSON('"text"')`,
      'NULL',
    ];
    for (const [n, value] of texts.entries()) {
      await run(`INSERT INTO EXCHANGE_REQUEST (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, limits, settlements, slot_ms, asked_ts)
        SELECT 'odd${n}', 'p', 'odd${n}', -5, 'g', 99999999, -7, 9, ${value}, ${value}, -1000, DATEADD(hour, ${n - 1}, SYSDATE())`);
    }
    await ask('mine', { slotMs: 400 });
    const seen = await look('mine');
    expect(seen.place).not.toBe('absent');
    expect(seen.due).toBe(1);
    // The same token twice.
    await ask('mine');
    expect((await look('mine')).place).not.toBe('absent');
  });

  test('takes no slot time into account that no pod can have measured', { timeout: BED_MS }, async () => {
    const { ask, look } = await log();
    await ask('a', { slotMs: 400 });
    await ask('b', { slotMs: -1_000 });
    await ask('c', { slotMs: 1e30 });
    await ask('d');
    expect(await look('nobody')).toMatchObject({ asked: 4, slotMs: 400 });
  });

  test('counts no request that is dated more than a minute ahead', { timeout: BED_MS }, async () => {
    const { ask, look, step } = await log();
    await step('due');
    await ask('ahead', { agoMs: -3_600_000, slotMs: 7 });
    expect(await look('ahead')).toMatchObject({ place: 'absent', asked: 0, slotMs: null });
    expect(await look('nobody')).toMatchObject({ asked: 0, otherMs: null });
    // The clocks of an account may differ by less.
    await ask('slightly', { agoMs: -20_000 });
    expect(await look('slightly')).toMatchObject({ place: 'head', asked: 1 });
    expect((await look('nobody')).otherMs).toBeLessThanOrEqual(0);
  });

  test('is followed by no UPDATE that serves a request dated ahead', { timeout: BED_MS }, async () => {
    const { ask, step, run, exchange } = await log();
    await step('due');
    await ask('ahead', { agoMs: -3_600_000 });
    await run(`UPDATE EXCHANGE_REQUEST SET free = 5 WHERE token = 'ahead'`);
    await exchange();
    expect(await run(`SELECT status AS s, claim_token AS t FROM STEP_TRACKER`)).toEqual([{ S: 'pending', T: null }]);
    await run(`UPDATE EXCHANGE_REQUEST SET asked_ts = SYSDATE() WHERE token = 'ahead'`);
    await exchange();
    expect(await run(`SELECT status AS s, claim_token AS t FROM STEP_TRACKER`)).toEqual([{ S: 'claimed', T: 'ahead' }]);
  });
});
