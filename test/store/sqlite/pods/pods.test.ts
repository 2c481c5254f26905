/** The table of pods: living pods are found among any number of pods that left, and those are deleted in pieces. */
import { describe, expect, it } from 'vitest';
import { FLEET, NEWEST_HEARTBEAT, LIVING_HEARTBEATS } from '../../../../src/store/sqlite/pods/statements.js';
import { PRUNE_PODS } from '../../../../src/store/sqlite/steps/statements.js';
import { newSteps, settlement } from '../../../conformance/harness.js';
import { kept } from '../../../support/contexts.js';
import { newCore, newStore, POD } from '../support/files.js';

const HOUR = 3_600_000;

function departed(count: number) {
  const { core, connection } = newCore();
  connection.exec(`INSERT INTO POD_HEALTH (incarnation, pod_id, birth_ts, last_heartbeat_ts, heartbeat_ms, dead_after_ms, final)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    SELECT 'life' || i, 'pod' || i, i, i, 1000, 1000, iif(i % 2, 'left', 'evicted') FROM n`);
  const pods = (): unknown => connection.prepare('SELECT count(*) FROM POD_HEALTH').pluck().get();
  return { core, connection, pods };
}

describe('the query plan', () => {
  it.each([
    [
      'the fleet',
      FLEET,
      /^SCAN p USING INDEX POD_LIVING; SEARCH t USING COVERING INDEX \S+ \(incarnation=\?\) LEFT-JOIN$/,
    ],
    ['the heartbeats', LIVING_HEARTBEATS, /^SCAN POD_HEALTH USING INDEX POD_LIVING$/],
    ['the newest heartbeat', NEWEST_HEARTBEAT, /^SEARCH POD_HEALTH USING COVERING INDEX POD_HEARD$/],
    ['the deletion of pods', PRUNE_PODS, /SEARCH p USING INDEX POD_HEARD \(last_heartbeat_ts<\?\)/],
  ])('of %s skips the pods that left', (_what, sql, expected) => {
    const { connection } = newCore();
    const rows = connection.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
    const details = rows.all(...Array<number>(sql.split('?').length - 1).fill(1)).map(({ detail }) => detail);
    expect(details.join('; ')).toMatch(expected);
    expect(details.join('; ')).not.toMatch(/SCAN (p|POD_HEALTH)(;|$)/);
  });
});

describe('the step types of a pod', () => {
  const register = { heartbeatMs: 1_000, deadAfterMs: HOUR };
  const instant = { now: 1, wallMs: 1, hostMs: 0, boot: '' };

  it('are written once and after a change, not with each heartbeat', () => {
    const { core, connection } = newCore();
    const stored = () => connection.prepare('SELECT seq, types FROM POD_TYPES').raw().all();
    const beat = (types: readonly string[], running: number) =>
      core.heartbeat(instant, POD, { eligible: true, asleep: false, meta: { types, running } });
    const types = Array.from({ length: 20_000 }, (_, i) => `type-${i}`);
    core.register(instant, { ...POD, ...register, meta: { types } }, undefined);
    for (let i = 0; i < 3; i++) beat(types, i);
    expect(stored()).toEqual([[1, JSON.stringify(types)]]);
    expect(connection.prepare('SELECT meta FROM POD_HEALTH').pluck().get()).toBe('{"running":2}');
    beat(['a'], 3);
    expect(stored()).toEqual([[2, '["a"]']]);
  });

  it('are deleted when the pod leaves or is evicted, and late calls do not write them again', () => {
    const { core, connection } = newCore();
    const stored = () => connection.prepare('SELECT incarnation FROM POD_TYPES').pluck().all();
    const [left, evicted] = [POD, { podId: 'b', incarnation: 'b' }];
    for (const pod of [left, evicted])
      core.register(instant, { ...pod, ...register, meta: { types: ['a'] } }, undefined);
    core.leave(left);
    expect(stored()).toEqual(['b']);
    expect(core.evict(2 + HOUR, [evicted], new Map())).toEqual([evicted]);
    expect(stored()).toEqual([]);
    for (const pod of [left, evicted])
      core.heartbeat(instant, pod, { eligible: true, asleep: false, meta: { types: ['b'] } });
    expect(stored()).toEqual([]);
  });

  it('are written again if the transaction that wrote them was rolled back', () => {
    const { core, connection } = newCore();
    const types = ['a'];
    const beat = (wallMs: number) =>
      core.heartbeat({ ...instant, wallMs }, POD, { eligible: true, asleep: false, meta: { types } });
    core.register(instant, { ...POD, ...register, meta: {} }, undefined);
    expect(() => beat(NaN)).toThrow(); // a wall clock that no column accepts
    for (let beats = 0; beats < 2; beats++) beat(1);
    expect(connection.prepare('SELECT types FROM POD_TYPES').pluck().get()).toBe('["a"]');
  });

  it('are deleted with their pod', async () => {
    const { core } = newCore();
    core.register(instant, { ...POD, ...register, meta: { types: { name: 'types' } } }, undefined);
    const read = (): WeakRef<{ name: string }> => {
      const [member] = core.members(1);
      return new WeakRef(member!.view.meta['types'] as { name: string });
    };
    const types = read();
    core.leave(POD);
    core.members(1);
    expect(await kept([types])).toEqual([]);
    expect(core.members(1)).toEqual([]);
  });

  it('are shown to other pods with the rest of its meta until the pod leaves', async () => {
    const store = await newStore({ path: ':memory:' });
    const meta = { types: ['a', '__proto__'], running: 1 };
    await store.register({ ...POD, ...register, meta });
    expect((await store.fleet())[0]!.meta).toEqual(meta);
    const view = await store.heartbeat(POD, { eligible: true, asleep: false, meta: { ...meta, running: 2 } });
    expect(view.pods[0]!.meta).toEqual({ ...meta, running: 2 });
    await store.leave(POD);
    expect(await store.fleet()).toEqual([]);
  });
});

describe('the fleet', () => {
  it('is listed by age, and pods of the same birth by their incarnation', () => {
    const { core } = newCore();
    const join = (incarnation: string, now: number): void =>
      core.register(
        { now, wallMs: now, hostMs: 0, boot: '' },
        { podId: 'pod', incarnation, heartbeatMs: 1_000, deadAfterMs: HOUR, meta: {} },
        undefined,
      );
    join('c', 5);
    join('b', 9);
    join('a', 9);
    join('d', 9);
    expect(core.members(10).map(({ incarnation }) => incarnation)).toEqual(['c', 'a', 'b', 'd']);
  });
});

describe('an eviction', () => {
  it('happens after the silence that the pod may keep, not at its very end', () => {
    const { core } = newCore();
    const at = { now: 1_000, wallMs: 1_000, hostMs: 0, boot: '' };
    core.register(at, { ...POD, heartbeatMs: 100, deadAfterMs: 1_000.5, meta: {} }, undefined);
    expect(core.evict(2_001, [POD], new Map())).toEqual([]);
    expect(core.evict(2_002, [POD], new Map())).toEqual([POD]);
  });

  it('is postponed by a repeated registration as by a heartbeat, and an older one takes back no newer one', () => {
    const { core } = newCore();
    const at = (now: number) => ({ now, wallMs: now, hostMs: 0, boot: '' });
    const registration = { ...POD, heartbeatMs: 100, deadAfterMs: 1_000, meta: {} };
    const beats = () => core.members(3_000).map(({ view: { beat, silentForMs } }) => ({ beat, silentForMs }));
    core.register(at(1_000), registration, undefined);
    const [first] = beats();
    core.register(at(1_500), registration, undefined);
    const [second] = beats();
    expect(second!.beat).not.toBe(first!.beat);
    expect(core.evict(2_100, [POD], new Map())).toEqual([]);
    core.heartbeat(at(1_200), POD, { eligible: true, asleep: false, meta: {} });
    expect(beats()).toMatchObject([{ silentForMs: 1_500 }]);
    expect(beats()[0]!.beat).not.toBe(second!.beat);
  });
});

describe('pruning', () => {
  it('deletes any number of pods in bounded pieces, and reports more until none are left', () => {
    const { core, pods } = departed(1_000);
    core.register(
      { now: 1, wallMs: 1, hostMs: 0, boot: '' },
      { ...POD, heartbeatMs: 1_000, deadAfterMs: 1_000, meta: {} },
      undefined,
    );
    const left: unknown[] = [];
    for (let more = true; more; left.push(pods())) more = core.prune(2 * HOUR, HOUR, () => 0).more;
    expect(left).toEqual([901, 801, 701, 601, 501, 401, 301, 201, 101, 1, 1]);
  });

  it('deletes pods beside a long history of steps', () => {
    const { core, pods } = departed(300);
    core.register(
      { now: 1, wallMs: 1, hostMs: 0, boot: '' },
      { ...POD, heartbeatMs: 1_000, deadAfterMs: HOUR, meta: {} },
      undefined,
    );
    core.submit(1, newSteps(1_200));
    for (let left = 1_200; left > 0; left -= 300) {
      const claim = {
        token: `t${left}`,
        free: 300,
        prefetch: 0,
        quarantine: 0,
        types: new Map([['work', 300]]),
      } as const;
      const { claims } = core.exchange(1, { pod: POD, settlements: [], claim }, 300);
      const settlements = claims.map((each) => settlement(each));
      core.exchange(1, { pod: POD, settlements }, 300);
    }
    expect(core.prune(2 * HOUR, HOUR, () => 0)).toEqual({ removed: 500, more: true });
    expect(pods()).toBe(201);
  });

  it('keeps a pod that still has claimed steps', () => {
    const { core, connection, pods } = departed(3);
    connection.exec(
      `INSERT INTO STEP_TRACKER (step_id, status, claimed_incarnation) VALUES ('a', 'claimed', 'life2'), ('b', 'claimed', NULL)`,
    );
    expect(core.prune(2 * HOUR, HOUR, () => 0).more).toBe(false);
    expect(pods()).toBe(1);
  });
});
