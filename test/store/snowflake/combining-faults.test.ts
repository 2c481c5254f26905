/** Pods that combine their exchanges, with real faults: each step is settled once, whichever pod stops in the middle of serving. */
import { expect, onTestFinished, test } from 'vitest';
import type { Logger } from 'fleet-q';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { groupOf } from '../../../src/store/snowflake/exchange/request-bind.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { Refusal } from '../../support/warehouse/wire-replies.js';
import { hurryDriver } from './support/accelerated-runtime.js';
import { CombiningFleet, PATIENCE, SLOTS } from './support/combining-fleet.js';
import { useStores } from './support/stores.js';

const HOUR_MS = 3_600_000;
/** A holder that nobody knows is taken for a late read until its claim is this old: `UNSEEN_MS` of `pods/pod-log.ts`. */
const UNSEEN_MS = 61_000;
const HUGE = '900000000000000000';

describeOnTestBed('pods that combine', { timeout: 180_000 }, () => {
  const used = useStores();

  /** How many steps a pod holds, and how many no other pod has ended. */
  const open = async (podId: string) => {
    const driver = await used.byHand();
    return async () => {
      const [row] = await driver.run(
        `SELECT COUNT(IFF(claimed_by = '${podId}', 1, NULL)) AS held, COUNT(IFF(claimed_by = '${podId}', NULL, 1)) AS others
         FROM STEP_TRACKER WHERE status IN ('pending', 'claimed')`,
      );
      return { held: Number(row!['HELD']), others: Number(row!['OTHERS']) };
    };
  };

  test.each([
    { when: 'between its UPDATE and its look', at: 'answer' },
    { when: 'before its UPDATE', at: 'request' },
  ] as const)('go on while the head is frozen $when, and it takes its claims once when it wakes', async ({ at }) => {
    const fleet = new CombiningFleet(used);
    await fleet.start(['a', 'b', 'c']);
    const restore = fleet.turnAway(['b', 'c']);
    const frozen = fleet.freeze('a', at);
    await fleet.submit(4 * SLOTS, 'b');
    const { thaw } = await frozen;
    restore();
    const left = await open('a');
    // All but what the frozen pod was given.
    await expect.poll(async () => (await left()).others, PATIENCE).toBe(0);
    expect((await left()).held).toBeGreaterThan(0);
    thaw();
    await fleet.done();
    await fleet.submit(20, 'a');
    await fleet.done();
    const driver = await used.byHand();
    await fleet.isSound(driver);
    expect(fleet.ranTwice()).toEqual([]);
    expect(fleet.workers()).toEqual(['a', 'b', 'c']);
    expect([await fleet.evicted(driver), fleet.fenced]).toEqual([[], []]);
  });

  test('recover what a head was given that died, and what one was given that wakes after it was evicted', async () => {
    onTestFinished(hurryDriver(10));
    const fleet = new CombiningFleet(used);
    await fleet.start(['a', 'b', 'c', 'd'], { deadAfterMs: 4_000 });
    const restore = fleet.turnAway(['c', 'd']);
    const [frozen, died] = [fleet.freeze('a', 'answer'), fleet.kill('b')];
    await fleet.submit(6 * SLOTS, 'c');
    const [{ thaw }] = await Promise.all([frozen, died]);
    restore();
    // What the two had started, they may not have handed in.
    const started = new Set(
      fleet.submitted.filter((id) => fleet.ran.get(id)?.some((pod) => pod === 'a' || pod === 'b')),
    );
    const driver = await used.byHand();
    await expect.poll(() => fleet.evicted(driver), PATIENCE).toEqual(expect.arrayContaining(['a', 'b']));
    await fleet.settled(driver);
    const before = new Map([...fleet.ran].map(([id, pods]) => [id, pods.length]));
    thaw();
    await expect
      .poll(
        () =>
          fleet.queues
            .get('c')!
            .leader()
            .then(({ eligiblePods }) => eligiblePods),
        PATIENCE,
      )
      .toContain('a');
    await fleet.submit(40, 'c');
    await fleet.settled(driver);
    await fleet.isSound(driver, ['a', 'b']);
    expect([...before].filter(([id, runs]) => fleet.ran.get(id)!.length !== runs)).toEqual([]);
    expect(fleet.ranTwice().filter((id) => !started.has(id))).toEqual([]);
  });

  test('lose nothing when the warehouse suspends under load, and resumes slowly or not at all for a while', async () => {
    const { suspension } = used.bed().proxy;
    onTestFinished(() => suspension.configure({ resumeMs: 0, resumable: true }));
    onTestFinished(hurryDriver(10));
    const fleet = new CombiningFleet(used);
    await fleet.start(['a', 'b', 'c']);
    suspension.configure({ resumeMs: 1_000 });
    const { resumes } = suspension;
    for (let times = 1; times <= 3; times++) {
      await fleet.submit(40, 'a');
      if (times === 3) suspension.configure({ resumable: false });
      suspension.suspend();
      if (times < 3) await expect.poll(() => suspension.resumes - resumes, PATIENCE).toBe(times);
    }
    await expect.poll(() => fleet.said.length, PATIENCE).toBeGreaterThan(0);
    suspension.configure({ resumable: true });
    await fleet.done();
    const driver = await used.byHand();
    await fleet.isSound(driver);
    expect(fleet.ranTwice()).toEqual([]);
    expect([await fleet.evicted(driver), fleet.fenced]).toEqual([[], []]);
  });

  test('need no clocks that agree: one pod is an hour ahead, one is an hour behind, and one is set back an hour', async () => {
    const offsets = { ahead: HOUR_MS, behind: -HOUR_MS, jumps: 0 };
    const fleet = new CombiningFleet(used);
    for (const podId of ['behind', 'ahead', 'jumps'] as const) {
      await fleet.start([podId], {
        runtime: { ...systemRuntime, wallMs: () => systemRuntime.wallMs() + offsets[podId] },
      });
    }
    for (let times = 0; times < 3; times++) {
      await fleet.submit(20, times % 2 === 0 ? 'behind' : 'ahead');
      await fleet.done();
      offsets.jumps = -HOUR_MS;
    }
    await fleet.submit(30, 'jumps');
    await fleet.done();
    const driver = await used.byHand();
    await fleet.isSound(driver);
    expect(fleet.ranTwice()).toEqual([]);
    expect(fleet.workers()).toEqual(['ahead', 'behind', 'jumps']);
    expect([await fleet.evicted(driver), fleet.fenced]).toEqual([[], []]);
    for (const queue of fleet.queues.values()) {
      const { currentLeader, eligiblePods } = await queue.leader();
      expect([currentLeader, eligiblePods]).toEqual(['behind', ['behind', 'ahead', 'jumps']]);
    }
  });

  test('share the work with pods of a version that does not combine', async () => {
    const fleet = new CombiningFleet(used);
    await fleet.start(['old 1', 'old 2'], { combines: false });
    await fleet.start(['new 1', 'new 2'], { combines: true });
    for (const podId of ['old 1', 'new 1', 'old 2', 'new 2']) await fleet.submit(20, podId);
    await fleet.done();
    const driver = await used.byHand();
    await fleet.isSound(driver);
    expect(fleet.ranTwice()).toEqual([]);
    expect(fleet.workers()).toEqual(['new 1', 'new 2', 'old 1', 'old 2']);
    const asked = await driver.run('SELECT DISTINCT pod_id AS p FROM EXCHANGE_REQUEST ORDER BY 1');
    expect(asked.map((row) => row['P'])).toEqual(['new 1', 'new 2']);
  });

  test.each([
    { refused: 'the INSERT of its request', kinds: ['insert'] },
    { refused: 'every UPDATE that serves its request', kinds: ['update'] },
  ] as const)(
    'are not held up by an outcome of another pod for which the store refuses $refused',
    async ({ kinds }) => {
      const { faults } = used.bed().proxy;
      onTestFinished(() => faults.clear());
      const refusal = new Refusal('100132', '22003', 'Number out of representable range');
      const fleet = new CombiningFleet(used, (args) => {
        if (args !== 'culprit') return null;
        faults.inject({ kind: 'refused', refusal }, { kinds: [...kinds], binds: /UNSTORABLE VALUE/, times: Infinity });
        // From now on the log has a request that fails each UPDATE that serves all.
        if (kinds[0] === 'update')
          faults.inject(
            { kind: 'refused', refusal },
            { kinds: ['update'], binds: /windowMs\\":60000/, times: Infinity },
          );
        return 'UNSTORABLE VALUE';
      });
      await fleet.start(['a', 'b', 'c']);
      await fleet.submit(20, 'a');
      const [culprit] = await fleet.submit(1, 'b', 'culprit');
      await fleet.submit(60, 'c');
      await fleet.done();
      fleet.submitted.splice(fleet.submitted.indexOf(culprit!), 1);
      const driver = await used.byHand();
      await fleet.isSound(driver);
      expect(fleet.ranTwice()).toEqual([]);
      expect([fleet.ran.get(culprit!)?.length, fleet.ended.get(culprit!)]).toEqual([1, ['failed']]);
      expect(await fleet.queues.get('a')!.getStep(culprit!)).toMatchObject({ error: { code: 'RESULT_UNSTORABLE' } });
      const about = fleet.said.map(({ podId, line }) => `${podId} ${(line as { stepId?: string }).stepId}`);
      expect([...new Set(about)]).toEqual([`${fleet.ran.get(culprit!)![0]} ${culprit}`]);
    },
  );

  test('settle every step beside requests that were written by hand, which are reported and removed', async () => {
    const fleet = new CombiningFleet(used);
    await fleet.start(['a', 'b', 'c'], { deadAfterMs: HOUR_MS });
    const driver = await used.byHand();
    const [life] = await driver.run(`SELECT incarnation AS i FROM POD_LOG WHERE pod_id = 'b' LIMIT 1`);
    const list = `PARSE_JSON('[null, 7, "x", [[]], {"type": {}, "most": "many"}, {"id": 5, "token": [], "version": "x"}]')`;
    const wants = `PARSE_JSON('[{"type": "work", "most": 1000000}]')`;
    const group = groupOf(['work']);
    const byHand = async (times: number) => {
      const request = (name: string, columns: readonly string[], incarnation = `${name} ${times}`) =>
        driver.run(`INSERT INTO EXCHANGE_REQUEST
            (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, limits, settlements, slot_ms, asked_ts)
          SELECT '${name} ${times}', 'hand', '${incarnation}', ${columns.join(', ')}`);
      const now = 'SYSDATE()';
      await request('nothing', ['0', `''`, '0', '0', '0', 'NULL', 'NULL', 'NULL', now]);
      await request('scalars', [
        '-5',
        `'${group}'`,
        '99',
        '-7',
        '9',
        `PARSE_JSON('"text"')`,
        `PARSE_JSON('3')`,
        '-1000',
        now,
      ]);
      await request('lists', ['1', `'${group}'`, HUGE, HUGE, '1', list, list, HUGE, now]);
      await request('json nulls', [
        '1',
        `'${group}'`,
        '1',
        '1',
        '0',
        `PARSE_JSON('null')`,
        `PARSE_JSON('{}')`,
        '1',
        now,
      ]);
      await request('ahead', ['1', `'${group}'`, '9', '9', '0', wants, list, '1', `DATEADD(hour, 1, ${now})`]);
      // Nobody runs what these are given: a pod that does not exist, and one that has to look under a token that is not its own.
      await request('nobody', ['1', `'${group}'`, '5', '0', '0', wants, list, '1', now]);
      await request('of a live pod', ['1e15', `'${group}'`, '2', '0', '0', wants, list, '1', now], String(life!['I']));
    };
    for (let times = 0; times < 2; times++) {
      await byHand(times);
      await fleet.submit(20, 'a');
    }
    await fleet.settledBeside(driver, 'hand');
    used.pass(UNSEEN_MS); // from now on the holder of those claims counts as unknown
    await fleet.done();
    // By now the request in the name of b, which stood for all that b has asked, is too old to count.
    const workers = async () => {
      await fleet.submit(SLOTS, 'a');
      await fleet.done();
      return fleet.workers();
    };
    await expect.poll(workers, PATIENCE).toEqual(['a', 'b', 'c']);
    await fleet.isSound(driver);
    expect([await fleet.evicted(driver), fleet.fenced]).toEqual([[], []]);
    for (const queue of fleet.queues.values()) await queue.stop();

    const warned: object[] = [];
    const logger = { debug() {}, info() {}, warn: (line: object) => void warned.push(line), error() {} } as Logger;
    const store = await used.open({}, logger);
    await store.prune({ keepMs: HOUR_MS });
    expect(warned).toEqual([expect.objectContaining({ invalidRequests: expect.any(Number) as number })]);
    used.pass(3 * HOUR_MS);
    // First the registration of a pod goes, then the rest of its log, and then its newest request.
    for (let times = 0; times < 3; times++) await store.prune({ keepMs: HOUR_MS });
    expect(await driver.run(`SELECT token FROM EXCHANGE_REQUEST WHERE pod_id = 'hand'`)).toEqual([]);
  });
});
