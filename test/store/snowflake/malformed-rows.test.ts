/**
 * Rows and requests that were written by hand, with invalid data in every column: they are skipped and reported once, and fail
 * neither other rows, nor housekeeping, nor readers.
 */
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { expect, onTestFinished, test } from 'vitest';
import type { Logger } from '../../../src/log.js';
import { snowflake } from '../../../src/snowflake.js';
import type { Store } from '../../../src/store/contract.js';
import { ids, newStep, settlement } from '../../conformance/harness.js';
import type { Driver } from '../../support/warehouse/driver.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { claimed, joined, useStores } from './support/stores.js';

/** The most that the emulator holds; one more, and a statement fails, as Snowflake's does beyond 38 digits. */
const HUGE = '9223372036854775807';
const FAR = `TO_TIMESTAMP_NTZ('9999-12-31', 'YYYY-MM-DD')`;
const LONG_AGO = `TO_TIMESTAMP_NTZ('0001-01-01', 'YYYY-MM-DD')`;
const GOOD = { status: `'pending'`, step_type: `'work'`, payload_text: `'{"type":"work"}'` };

/** Rows that are no steps: nobody can tell what to run, or what has become of them. */
const ODD: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'no type, and no payload': { payload_text: 'NULL' },
  'no type in an array': { payload: `PARSE_JSON('[1]')` },
  'no type in a scalar': { payload: `PARSE_JSON('17')` },
  'no type in null': { payload: `PARSE_JSON('null')` },
  'a type that is null': { payload: `PARSE_JSON('{"type":null}')` },
  'a status in capitals': { ...GOOD, status: `'PENDING'` },
  'a status that there is not': { ...GOOD, status: `'confused'` },
  'an empty status': { ...GOOD, status: `''` },
  'a huge version': { ...GOOD, version: HUGE },
  'a negative version': { ...GOOD, version: '-7' },
  'a version that JavaScript cannot hold': { ...GOOD, version: '9007199254740993' },
  'huge retries': { ...GOOD, retry_count: HUGE },
  'negative retries': { ...GOOD, retry_count: '-1' },
  'huge crashes': { ...GOOD, crashes: HUGE },
  'negative crashes': { ...GOOD, crashes: `-${HUGE}` },
  'a huge bound of retries': { ...GOOD, max_retries: HUGE },
  'a negative bound of retries': { ...GOOD, max_retries: '-1' },
  'a huge priority': { ...GOOD, priority: HUGE },
  'a priority far below all': { ...GOOD, priority: `-${HUGE}` },
  'an instant beyond all': { ...GOOD, far_run_at: HUGE },
  'claimed, under no token': { ...GOOD, status: `'claimed'`, claimed_ts: LONG_AGO },
  'claimed at a huge version': {
    ...GOOD,
    status: `'claimed'`,
    version: HUGE,
    claim_token: `'t'`,
    claimed_incarnation: `'i'`,
  },
};

/** Rows that are odd, and steps all the same. */
const STEPS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a payload that is no JSON': { ...GOOD, payload_text: `'{broken'` },
  'a payload that is an array': { ...GOOD, payload_text: `'[1]'` },
  'an empty payload': { ...GOOD, payload_text: `''` },
  'due since the year 1': { ...GOOD, run_at: LONG_AGO, created_ts: FAR },
  'a result and an error that are no JSON': { ...GOOD, result: `'{'`, error: `'{"name":7}'` },
};

describeOnTestBed('invalid data', { timeout: 60_000 }, () => {
  const { open, byHand, options, place } = useStores();

  async function put(driver: Driver, rows: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void> {
    for (const [id, columns] of Object.entries(rows)) {
      const names = ['step_id', ...Object.keys(columns)].join(', ');
      await driver.run(`INSERT INTO STEP_TRACKER (${names}) SELECT '${id}', ${Object.values(columns).join(', ')}`);
    }
  }

  /** One request, in SQL. */
  const request = (token: string, limits: string, settlements: string, numbers = '1, 1, 1, 0'): string =>
    `INSERT INTO EXCHANGE_REQUEST (token, pod_id, incarnation, seq, free, prefetch, quarantine, group_id, limits, settlements, asked_ts)
     SELECT '${token}', '${token}', '${token}', ${numbers}, '', PARSE_JSON('${limits}'), ${settlements}, SYSDATE()`;
  const json = (value: unknown): string => `PARSE_JSON('${JSON.stringify(value)}')`;

  const warnings = () => {
    const warned: object[] = [];
    const quiet = () => {};
    const logger: Logger = { debug: quiet, info: quiet, error: quiet, warn: (fields) => void warned.push(fields) };
    return { warned, logger };
  };

  /** Every operation of the store works in spite of the malformed rows. */
  async function works(store: Store): Promise<void> {
    const pod = await joined(store);
    const steps = [newStep(), newStep()];
    await store.submit(steps);
    const claims = (await claimed(store, pod)).filter(({ stepId }) => ids(steps).includes(stepId));
    expect(ids(claims)).toEqual(ids(steps));
    const { receipts } = await store.exchange({ pod, settlements: claims.map((claim) => settlement(claim)) });
    expect(receipts).toEqual(['settled', 'settled']);
    await store.orphans({ limit: 100 });
    await store.fleet();
    await store.stats();
    await store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
  }

  test('in a step is left alone and reported once, can be read, and blocks no other step', async () => {
    const { warned, logger } = warnings();
    const [store, driver] = [await open({}, logger), await byHand()];
    await put(driver, ODD);
    const before = await driver.run('SELECT * FROM STEP_TRACKER ORDER BY step_id');
    await works(store);
    for (let times = 0; times < 3; times++) await store.prune({ keepMs: 3_600_000 });
    expect(warned).toEqual([expect.objectContaining({ invalidSteps: Object.keys(ODD).length, invalidRequests: 0 })]);
    const odd = Object.keys(ODD).map((id) => `'${id}'`);
    expect(
      await driver.run(`SELECT * FROM STEP_TRACKER WHERE step_id IN (${odd.join(', ')}) ORDER BY step_id`),
    ).toEqual(before);
    expect(await store.orphans({ limit: 100 })).toEqual([]);
    expect((await store.find(Object.keys(ODD))).map(({ stepId }) => stepId).sort()).toEqual(Object.keys(ODD).sort());
    const { steps } = await store.list({ order: 'oldest', limit: 100 });
    expect(steps.length).toBe(Object.keys(ODD).length + 2);
  });

  test('in a payload fails that step or runs it without args, and can be read', async () => {
    const driver = await byHand();
    const store = snowflake({ connection: options(), ...place(), staleReadMs: 0 }); // else each refusal takes 10 s
    const ran: string[] = [];
    const queue = new FleetQ({ store, maxRetries: 0, retry: { baseMs: 1 }, steps: [] }).register(
      'work',
      (_: unknown, ctx) => {
        ran.push(ctx.stepId);
      },
    ) as AnyFleetQ;
    onTestFinished(() => queue.stop());
    await queue.stats(); // the tables are there
    await put(driver, { ...STEPS, ...ODD });
    await queue.start();
    await queue.submit({ type: 'work', stepId: 'good' } as never);
    for (const id of ['good', ...Object.keys(STEPS)]) await queue.waitFor(id, { timeoutMs: 20_000 }).catch(() => {});
    expect(ran.sort()).toEqual(expect.arrayContaining(['good', 'a result and an error that are no JSON']));
    expect(ran.filter((id) => id in ODD)).toEqual([]);
    for (const id of [...Object.keys(STEPS), ...Object.keys(ODD)]) {
      const step = await queue.getStep(id);
      expect(step, id).toMatchObject({ stepId: id });
      expect(typeof JSON.stringify(step)).toBe('string');
      if (id in STEPS) expect((step as { status: string }).status, id).toMatch(/completed|failed/);
    }
    const listed: string[] = [];
    for await (const { stepId } of queue.listSteps()) listed.push(stepId);
    expect(listed).toHaveLength(Object.keys(STEPS).length + Object.keys(ODD).length + 1);
    expect(await queue.stats()).toMatchObject({ pendingSteps: expect.any(Number) as number });
    for (const id of Object.keys(ODD)) {
      await queue
        .cancel(id)
        .catch((error: unknown) => expect(error).toMatchObject({ code: expect.any(String) as string }));
      await queue
        .retry(id)
        .catch((error: unknown) => expect(error).toMatchObject({ code: expect.any(String) as string }));
    }
  });

  test('in a request (a step settled many times, lists of a hundred thousand) fails no exchange', async () => {
    const { warned, logger } = warnings();
    const [store, driver] = [await open({}, logger), await byHand()];
    const pod = await joined(store);
    await store.submit([newStep({ stepId: 'held' })]);
    const [claim] = await claimed(store, pod);
    const fence = { id: 'held', token: claim!.claimToken, version: claim!.version };
    const often = Array.from({ length: 50 }, (_, i) => ({ ...fence, status: i % 2 === 0 ? 'completed' : 'failed' }));
    await driver.run(request('often', '[]', json([...often, { ...fence, version: 1e30 }, { ...fence, status: null }])));
    const many = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => ({ id: `x${i}`, token: 't', version: i })));
    await driver.run(request('long', '[]', 'PARSE_JSON(?)'), [many]);
    await driver.run(
      request('wide', '[]', '[]').replace(`PARSE_JSON('[]')`, 'PARSE_JSON(?)').replace(', [],', `, PARSE_JSON('[]'),`),
      [many],
    );
    const limits = JSON.stringify([
      { type: 'work', most: 1e30 },
      { type: null, most: 3 },
      { most: -1 },
      5,
      null,
      'x',
      [[]],
    ]);
    await driver.run(request('limits', limits, json('text'), `${HUGE}, -${HUGE}, ${HUGE}, 7`));
    await driver.run(request('greedy', limits, json([]), `1, ${HUGE}, ${HUGE}, 1`));
    const began = performance.now();
    await works(store);
    expect(performance.now() - began).toBeLessThan(20_000);
    const [row] = await driver.run(`SELECT status AS s, version AS v FROM STEP_TRACKER WHERE step_id = 'held'`);
    expect(row).toMatchObject({ S: expect.stringMatching(/completed|failed/) as string, V: claim!.version + 1 });
    for (let times = 0; times < 3; times++) await store.prune({ keepMs: 3_600_000 });
    expect(warned).toEqual([expect.objectContaining({ invalidSteps: 0, invalidRequests: 3 })]);
  });

  test('in the log of pods makes no pod, or a pod with the valid part', async () => {
    const [store, driver] = [await open(), await byHand()];
    const sign = (incarnation: string, event: string, rest: string): Promise<unknown> =>
      driver.run(
        `INSERT INTO POD_LOG (pod_id, incarnation, event, seq, at_ts, heartbeat_ms, dead_after_ms, eligible, meta_text) SELECT 'p', '${incarnation}', '${event}', ${rest}`,
      );
    await sign('', '', `NULL, SYSDATE(), NULL, NULL, NULL, NULL`);
    await sign('unknown event', 'REGISTERED', `1, SYSDATE(), 1, 1, 1, '{}'`);
    await sign('no seq', 'registered', `NULL, SYSDATE(), 1000, 1000, 1, '{}'`);
    await sign('huge', 'registered', `${HUGE}, SYSDATE(), ${HUGE}, ${HUGE}, ${HUGE}, '{broken'`);
    await sign('negative', 'registered', `-${HUGE}, SYSDATE(), -1, -1, -1, '[1]'`);
    await sign('future', 'registered', `1, ${FAR}, 1000, 1000, 1, '7'`);
    await sign('past', 'registered', `1, ${LONG_AGO}, 1000, 1000, 1, NULL`);
    await works(store);
    const views = await store.fleet();
    for (const view of views) {
      expect(view.meta).toEqual(expect.any(Object));
      expect(view.ageMs).toBeGreaterThanOrEqual(0);
      expect(view.silentForMs).toBeGreaterThanOrEqual(0);
    }
    expect(await store.evict(views.map(({ pod }) => pod))).toEqual(expect.arrayContaining([]));
    for (let times = 0; times < 3; times++) await store.prune({ keepMs: 3_600_000 });
    await driver.run('SELECT * FROM POD_HEALTH');
  });
});
