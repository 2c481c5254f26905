/** The rows that a claim reads and takes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SynchronousCore } from '../../../../src/store/sqlite/synchronous-core.js';
import {
  ANY_SUSPECT,
  CLAIM,
  CLAIMED_UNDER,
  HELD_BY,
  NEXT_READY_TYPES,
  NEXT_WAITING,
  NEXT_WAITING_PRIORITY,
  NEXT_WAITING_TYPE,
  ORPHANS,
  PROMOTE,
  WALK,
  WALK_KEYS,
  WALK_WAITING_KEYS,
} from '../../../../src/store/sqlite/claiming/statements.js';
import { FINISH_ALIKE, PRUNE_STEPS } from '../../../../src/store/sqlite/steps/statements.js';
import { MOVE_RUN_AT_STEPS, RUN_AT_STEPS_AFTER } from '../../../../src/store/sqlite/clock/statements.js';
import {
  claimRequest,
  ids,
  newStep,
  newSteps,
  settlement,
  type ClaimRequestOver,
} from '../../../conformance/harness.js';
import { newCore, POD } from '../support/files.js';

const NOW = 1_000_000;
const INSTANT = { now: NOW, hostMs: 0, boot: '', wallMs: NOW };

function joinedCore() {
  const { core, connection } = newCore();
  core.register(INSTANT, { ...POD, heartbeatMs: 1_000, deadAfterMs: 1_000_000, meta: {} }, undefined);
  return { core, connection };
}

function claim(core: SynchronousCore, over: ClaimRequestOver, now = NOW, most = 10_000) {
  return core.exchange(now, { pod: POD, settlements: [], claim: claimRequest(over) }, most);
}

describe('the query plan', () => {
  const plan = (sql: string): string =>
    newCore()
      .connection.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
      .all(...Array<number>(sql.split('?').length - 1).fill(1))
      .map(({ detail }) => detail)
      .join('; ');

  it.each<[string, string, RegExp]>([
    ['a walk', WALK, /^SEARCH s USING INDEX STEP_READY \(due=\? AND step_type=\?\)$/],
    [
      'a walk over keys, in the index alone',
      WALK_KEYS,
      /^SEARCH s USING COVERING INDEX STEP_READY \(due=\? AND step_type=\?\)$/,
    ],
    [
      'the next types',
      NEXT_READY_TYPES,
      /SUBQUERY 1; SEARCH s USING COVERING INDEX STEP_READY \(due=\? AND step_type>\?\); .*SUBQUERY 3; SEARCH s USING COVERING INDEX STEP_READY \(due=\? AND step_type>\?\); SCAN ready$/,
    ],
    [
      'the next priority of a backlog',
      NEXT_WAITING_PRIORITY,
      /^SEARCH s USING INDEX STEP_WAITING_RANK \(<expr>=\? AND priority<\?\)$/,
    ],
    [
      'the next type of a backlog',
      NEXT_WAITING_TYPE,
      /^SEARCH s USING INDEX STEP_WAITING_RANK \(<expr>=\? AND priority=\? AND step_type>\?\)$/,
    ],
    [
      'a walk through a backlog',
      WALK_WAITING_KEYS,
      /^SEARCH s USING INDEX STEP_WAITING_RANK \(<expr>=\? AND priority=\? AND step_type=\? AND run_at<\?\)$/,
    ],
    ['a claim', CLAIM, /^SEARCH STEP_TRACKER USING INTEGER PRIMARY KEY \(rowid=\?\); LIST SUBQUERY/],
    [
      'what ends alike',
      FINISH_ALIKE,
      /^SEARCH STEP_TRACKER USING INDEX sqlite_autoindex_\S+ \(step_id=\?\); LIST SUBQ/,
    ],
    ['a search for suspects', ANY_SUSPECT, /^SEARCH s USING COVERING INDEX STEP_READY \(due=\?\)$/],
    ['the next waiting step', NEXT_WAITING, /^SCAN STEP_TRACKER USING INDEX STEP_WAITING$/],
    ['a promotion', PROMOTE, /SEARCH STEP_TRACKER USING COVERING INDEX STEP_WAITING \(run_at<\?\)/],
    ['the claims under a token', CLAIMED_UNDER, /^SCAN s USING INDEX STEP_HELD; USE TEMP B-TREE FOR ORDER BY$/],
    ['the claims of a pod', HELD_BY, /^SCAN s USING INDEX STEP_HELD$/],
    ['orphans, in their order', ORPHANS, /^SCAN s USING INDEX STEP_HELD; SEARCH p USING INDEX .* LEFT-JOIN$/],
    [
      'a piece of the timed steps, in the index alone',
      RUN_AT_STEPS_AFTER,
      /^MERGE .*COVERING INDEX STEP_TIMED \(run_at_wall=\? AND rowid>\?\); .*COVERING INDEX STEP_TIMED \(run_at_wall>\?\)$/,
    ],
    [
      'moving timed steps',
      MOVE_RUN_AT_STEPS,
      /^SEARCH STEP_TRACKER USING INTEGER PRIMARY KEY \(rowid=\?\); LIST SUBQUERY/,
    ],
    ['a piece of the retention', PRUNE_STEPS, /SEARCH STEP_TRACKER USING INDEX STEP_ENDED \(last_update_ts<\?\)/],
  ])('of %s stays in its index', (_what, sql, expected) => {
    expect(plan(sql)).toMatch(expected);
    expect(plan(sql)).not.toMatch(/SCAN (s|STEP_TRACKER)(;|$)/);
  });

  it.each([
    ['a claim', CLAIM],
    ['a promotion', PROMOTE],
    ['a settlement', FINISH_ALIKE],
  ])('of %s writes nothing to the index of timed steps', (_what, sql) => {
    const { connection } = newCore();
    const index = connection.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'STEP_TIMED'").pluck().get();
    const written = connection
      .prepare<unknown[], { opcode: string; p2: number }>(`EXPLAIN ${sql}`)
      .all(...Array<number>(sql.split('?').length - 1).fill(1))
      .flatMap(({ opcode, p2 }) => (opcode === 'OpenWrite' ? [p2] : []));
    expect(written.length).toBeGreaterThan(1);
    expect(written).not.toContain(index);
  });
});

describe('a claim', () => {
  it('promotes due steps in bounded pieces, and reports that there are more', () => {
    const { core, connection } = joinedCore();
    core.submit(0, newSteps(700, { delayMs: 10 }));
    const ready = () => connection.prepare('SELECT count(*) FROM STEP_TRACKER WHERE due > 0').pluck().get();
    expect(claim(core, { free: 0 }, 9).nextDueInMs).toBe(1);
    expect(ready()).toBe(0);
    expect(claim(core, { free: 0 }, 10).nextDueInMs).toBe(0);
    expect(ready()).toBe(300);
    claim(core, { free: 0 }, 10);
    claim(core, { free: 0 }, 10);
    expect(ready()).toBe(700);
  });

  it('takes a step that is due behind a full piece of promotions', () => {
    const { core } = joinedCore();
    core.submit(0, newSteps(300, { type: 'other', delayMs: 10 }));
    const mine = newStep({ delayMs: 11 });
    core.submit(0, [mine]);
    expect(ids(claim(core, { free: 1 }, 11).claims)).toEqual([mine.stepId]);
  });

  it('reports when to come back if many steps of other types hide what waits behind them', () => {
    const { core } = joinedCore();
    core.submit(0, newSteps(49, { type: 'other', delayMs: 10 }));
    core.submit(0, [newStep({ delayMs: 20 })]);
    expect(claim(core, {}, 1).nextDueInMs).toBe(19);
    core.submit(0, newSteps(1, { type: 'other', delayMs: 11 }));
    expect(claim(core, {}, 1).nextDueInMs).toBe(10);
  });

  it('reports when a row without a type is due, because it may be of a requested type', () => {
    const { core, connection } = joinedCore();
    const row = connection.prepare('INSERT INTO STEP_TRACKER (step_id, payload, run_at) VALUES (?, ?, ?)');
    row.run('by-hand', '{"type":"work"}', NOW + 5);
    expect(claim(core, {}).nextDueInMs).toBe(5);
    expect(ids(claim(core, {}, NOW + 5).claims)).toEqual(['by-hand']);
  });

  it('continues to promote while there may be more steps of any type', () => {
    const { core } = joinedCore();
    core.submit(0, newSteps(310, { type: 'other', delayMs: 10 }));
    const next = [1, 2, 3].map(() => claim(core, { free: 1 }, 10).nextDueInMs);
    expect(next).toEqual([0, null, null]);
  });

  it('waits until a fraction of a millisecond has passed', () => {
    const { core } = joinedCore();
    core.submit(NOW, [newStep({ delayMs: 0.25 })]);
    expect(claim(core, {})).toMatchObject({ claims: [], nextDueInMs: 1 });
    const [taken] = claim(core, {}, NOW + 1).claims;
    core.settle(NOW + 1, POD, [settlement(taken!, { status: 'pending', delayMs: 0.25 })]);
    expect(claim(core, {}, NOW + 1)).toMatchObject({ claims: [], nextDueInMs: 1 });
    expect(claim(core, {}, NOW + 2).claims).toHaveLength(1);
  });

  it('gives nothing to a pod that sleeps', () => {
    const { core } = joinedCore();
    core.submit(NOW, newSteps(1));
    const beat = (asleep: boolean) => core.heartbeat(INSTANT, POD, { eligible: true, asleep, meta: {} });
    beat(true);
    expect(claim(core, {}).claims).toEqual([]);
    beat(false);
    expect(claim(core, {}).claims).toHaveLength(1);
  });

  it('promotes by priority the steps that are due at the same instant', () => {
    const { core } = joinedCore();
    core.submit(0, newSteps(400, { delayMs: 10 }));
    const urgent = newStep({ delayMs: 10, priority: 5 });
    core.submit(0, [urgent]);
    expect(ids(claim(core, { free: 1 }, 10).claims)).toEqual([urgent.stepId]);
  });

  it('reaches a step that crashed pods behind a thousand others, which do not block it', () => {
    const { core, connection } = joinedCore();
    const innocents = newSteps(1_500, { priority: 1 });
    const [first, ...others] = newSteps(1_200, { priority: 0 });
    core.submit(NOW, innocents);
    core.submit(NOW, [first!, ...others]);
    connection.prepare(`UPDATE STEP_TRACKER SET crashes = 2, due = 2 WHERE priority = 0`).run();
    const all = { free: 3_000, types: { work: 3_000 } };
    const without = claim(core, { ...all, free: 5, quarantine: 0 }).claims;
    expect(without.every(({ crashes }) => crashes === 0)).toBe(true);
    const taken = claim(core, { ...all, quarantine: 1 }).claims;
    expect(taken).toHaveLength(1_496);
    expect(taken.filter(({ crashes }) => crashes > 0).map(({ stepId }) => stepId)).toEqual([first!.stepId]);
    connection.prepare(`UPDATE STEP_TRACKER SET priority = 9 WHERE crashes = 2`).run();
    const more = newSteps(3);
    core.submit(NOW, more);
    expect(ids(claim(core, { ...all, quarantine: 0 }).claims)).toEqual(ids(more));
  });

  it('takes no more than fits its transaction, and reports that there is more', () => {
    const { core } = joinedCore();
    core.submit(NOW, newSteps(10));
    const reply = claim(core, { free: 10 }, NOW, 4);
    expect(reply.claims).toHaveLength(4);
    expect(reply.nextDueInMs).toBe(0);
  });

  it('reports a step that is left behind others of its type, or that may not be prefetched', () => {
    const { core, connection } = joinedCore();
    core.submit(NOW, newSteps(3, { type: 'a' }));
    const reply = claim(core, { free: 2, types: { a: 5, b: 5 } });
    expect(reply.claims).toHaveLength(2);
    expect(reply.nextDueInMs).toBe(0);
    const [suspect] = newSteps(1);
    core.submit(NOW, [suspect!]);
    connection.prepare('UPDATE STEP_TRACKER SET crashes = 1 WHERE step_id = ?').run(suspect!.stepId);
    expect(claim(core, { free: 0, prefetch: 3 })).toMatchObject({ claims: [], nextDueInMs: 0 });
    expect(ids(claim(core, { free: 1 }).claims)).toEqual([suspect!.stepId]);
  });

  it('takes no lock for a step that crashed pods if it may not claim one', () => {
    const { core, connection } = joinedCore();
    core.submit(NOW, newSteps(1));
    connection.exec('UPDATE STEP_TRACKER SET crashes = 2, due = 2');
    const before = core.pulse();
    expect(claim(core, { quarantine: 0 })).toMatchObject({ claims: [], nextDueInMs: null });
    expect(core.pulse()).toBe(before);
    expect(claim(core, { quarantine: 1 }).claims).toHaveLength(1);
  });

  it('merges many types as if they were one list', () => {
    const type = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.record({ type, priority: fc.integer({ min: 0, max: 2 }), runAt: fc.integer({ min: 1, max: 4 }) });
    const limits = fc.dictionary(type, fc.integer({ min: 0, max: 30 }), { minKeys: 1 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), limits, fc.integer({ min: 0, max: 25 }), (given, types, free) => {
        const { core, connection } = joinedCore();
        const steps = given.map((over) => newStep(over));
        core.submit(NOW, steps);
        const expected = steps
          .sort((a, b) => b.priority - a.priority || a.runAt! - b.runAt!) // stable: equals as they were submitted
          .filter((one, index, all) => {
            const before = all.slice(0, index).filter((other) => other.type === one.type).length;
            return before < (types[one.type] ?? 0);
          })
          .slice(0, free);
        expect(ids(claim(core, { free, types }).claims)).toEqual(ids(expected));
        connection.close();
      }),
      { numRuns: 60 },
    );
  });

  it('reads further only in types that may still hold a step that ranks before the taken ones', () => {
    const { core } = joinedCore();
    // The first 600 belong to one of 300 types, so a few of each type are not enough.
    const types = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`t${n}`, 10_000]));
    const urgent = newSteps(600, { type: 't7', priority: 5 });
    core.submit(NOW, urgent);
    for (const type of Object.keys(types)) core.submit(NOW, newSteps(5, { type }));
    const { claims } = claim(core, { free: 500, types });
    expect(ids(claims)).toEqual(ids(urgent).slice(0, 500));
  });

  it('reads past the steps beyond the limits of their types until there are enough', () => {
    const { core } = joinedCore();
    // One step of each limited type is read but may not be taken, so the first read is not enough.
    const narrow = Array.from({ length: 10 }, (_, i) => `narrow-${i}`);
    for (const type of narrow) core.submit(NOW, newSteps(2, { type, priority: 9 }));
    core.submit(NOW, newSteps(200, { type: 'wide' }));
    const types = { ...Object.fromEntries(narrow.map((type) => [type, 1])), wide: 1_000 };
    expect(claim(core, { free: 105, types }).claims).toHaveLength(105);
  });

  it('claims rows that were inserted by hand', () => {
    const { core, connection } = joinedCore();
    connection.exec(`INSERT INTO STEP_TRACKER (step_id, payload) VALUES ('by-hand', '{"type":"work","args":[1]}')`);
    connection.exec(`INSERT INTO STEP_TRACKER (step_id, payload) VALUES ('broken', 'no json')`);
    const [taken, ...more] = claim(core, { free: 10 }).claims;
    expect(more).toEqual([]);
    expect(taken).toMatchObject({ stepId: 'by-hand', type: 'work', maxRetries: 3, createdAt: NOW, version: 1 });
    core.settle(NOW, POD, [settlement(taken!, { status: 'failed' })]);
    connection.exec(`UPDATE STEP_TRACKER SET status = 'pending' WHERE step_id = 'by-hand'`);
    expect(ids(claim(core, { free: 10 }).claims)).toEqual(['by-hand']);
  });
});
