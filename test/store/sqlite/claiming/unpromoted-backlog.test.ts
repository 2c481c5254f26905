/** A backlog of steps that became due together: claims follow rank, however little of it has been promoted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Claim } from '../../../../src/store/contract.js';
import { MOST_SEEKS } from '../../../../src/store/sqlite/claiming/unpromoted-backlog.js';
import type { SynchronousCore } from '../../../../src/store/sqlite/synchronous-core.js';
import type { NewStep } from '../../../../src/step/submission.js';
import {
  claimRequest,
  pendingAgain,
  ids,
  newStep,
  newSteps,
  type ClaimRequestOver,
} from '../../../conformance/harness.js';
import { newCore, newStore, POD } from '../support/files.js';

const DUE = 1_000_000;

function joined(): { readonly core: SynchronousCore; readonly run: (sql: string) => void; readonly end: () => void } {
  const { core, connection } = newCore();
  core.register(
    { now: 0, wallMs: 0, hostMs: 0, boot: '' },
    { ...POD, heartbeatMs: 1_000, deadAfterMs: 1e12, meta: {} },
    undefined,
  );
  return { core, run: (sql) => void connection.exec(sql), end: () => void connection.close() };
}

const exchange = (core: SynchronousCore, now: number, over: ClaimRequestOver) =>
  core.exchange(now, { pod: POD, settlements: [], claim: claimRequest(over) }, 10_000);

/** Repeats the claim while it is blocked until more is promoted, as the store does. */
function claim(core: SynchronousCore, now: number, over: ClaimRequestOver): readonly Claim[] {
  for (;;) {
    const { claims, blocked } = exchange(core, now, over);
    if (claims.length > 0 || !blocked) return claims;
  }
}

/** The steps that a claim must take: the first due ones by rank, and steps of equal rank as they were submitted. */
class Model {
  readonly #steps: NewStep[] = [];
  readonly #taken = new Set<string>();

  add(steps: readonly NewStep[]): void {
    this.#steps.push(...steps);
  }

  next(now: number, free: number, types: Readonly<Record<string, number>>): string[] {
    const left = new Map(Object.entries(types));
    const due = this.#steps.filter(({ stepId, runAt }) => runAt! <= now && !this.#taken.has(stepId));
    const next: string[] = [];
    for (const { stepId, type } of due.sort((a, b) => b.priority - a.priority || a.runAt! - b.runAt!)) {
      const most = left.get(type) ?? 0;
      if (most === 0 || next.length === free) continue;
      left.set(type, most - 1);
      next.push(stepId);
      this.#taken.add(stepId);
    }
    return next;
  }
}

describe('a claim', () => {
  it.each([
    ['few types', 3],
    ['more types than are walked one by one', 70],
  ])('terminates with a priority beyond JavaScript’s safe integers (%s)', (_name, count) => {
    const { core, run, end } = joined();
    const types = Object.fromEntries(Array.from({ length: count }, (_, i) => [`type-${i}`, 100]));
    core.submit(0, newSteps(700, { type: 'type-1', runAt: DUE }));
    const [odd] = newSteps(1, { type: 'type-2', runAt: DUE });
    core.submit(0, [odd!]);
    run(`UPDATE STEP_TRACKER SET priority = 9223372036854775807 WHERE step_id = '${odd!.stepId}'`);
    const taken: string[] = [];
    for (let i = 0; i < 20 && taken.length < 10; i++) {
      taken.push(...ids(exchange(core, DUE, { free: 10, types }).claims));
    }
    expect(taken.length).toBeGreaterThanOrEqual(10);
    end();
  });

  it.each([
    ['of few priorities', { max: 3 }],
    ['of more priorities than one exchange reads', { max: 1e9 }],
  ])('takes the first by rank of any backlog, promoted or not (%s)', { timeout: 120_000 }, (_name, priorities) => {
    const type = fc.constantFrom('a', 'b', 'c', '__proto__');
    const step = fc.record({
      type,
      priority: fc.integer({ min: -2, ...priorities }),
      runAt: fc.integer({ min: DUE - 3, max: DUE + 3 }),
    });
    const act = fc.record({
      arrive: fc.array(step, { maxLength: 3 }),
      passMs: fc.integer({ min: 0, max: 2 }),
      free: fc.integer({ min: 1, max: 4 }),
      types: fc.dictionary(type, fc.integer({ min: 0, max: 5 }), { minKeys: 1, noNullPrototype: false }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 400, maxLength: 1_500, size: 'max' }),
        fc.array(act, { minLength: 3, maxLength: 12 }),
        (burst, acts) => {
          const { core, end } = joined();
          const model = new Model();
          const submit = (now: number, given: readonly Partial<NewStep>[]): void => {
            const steps = given.map((over) => newStep(over));
            core.submit(now, steps);
            model.add(steps);
          };
          submit(0, burst);
          let now = DUE - 1;
          for (const { arrive, passMs, free, types } of acts) {
            now += passMs;
            submit(now, arrive);
            expect(ids(claim(core, now, { free, types }))).toEqual(model.next(now, free, types));
          }
          end();
        },
      ),
      { numRuns: 25, endOnFailure: true }, // a burst takes too long to shrink
    );
  });

  it.each([20_000, 100_000])('finds the urgent step behind %i steps that were due before it', (count) => {
    const { core, run } = joined();
    const fill = (name: string, many: number, runAt: number, priority: number): void =>
      run(`INSERT INTO STEP_TRACKER (step_id, step_type, priority, run_at, created_ts, payload)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many})
        SELECT '${name}' || i, 'work', ${priority}, ${runAt}, 1, '{"type":"work"}' FROM n`);
    fill('burst', count, DUE, 0);
    fill('future', 100_000, DUE + 1e9, 1_000);
    const urgent = newStep({ priority: 100, runAt: DUE + 50 });
    core.submit(0, [urgent]);
    expect(ids(exchange(core, DUE, { free: 2 }).claims)).toEqual(['burst1', 'burst2']);
    expect(ids(exchange(core, DUE + 50, { free: 2 }).claims)).toEqual([urgent.stepId, 'burst3']);
  });

  it('is not blocked by a backlog of a type without a handler', () => {
    const { core } = joined();
    core.submit(0, newSteps(2_000, { type: 'other', priority: 5, runAt: DUE }));
    core.submit(0, newSteps(1_000, { runAt: DUE }));
    const mine = newStep({ priority: 5, runAt: DUE + 1 });
    core.submit(0, [mine]);
    expect(ids(exchange(core, DUE + 1, { free: 1 }).claims)).toEqual([mine.stepId]);
  });

  it('takes nothing that an unknown step may outrank, and reports so, until enough is promoted', () => {
    const { core } = joined();
    const future = Array.from({ length: MOST_SEEKS + 10 }, (_, i) => newStep({ priority: 10 + i, runAt: DUE + 1e6 }));
    core.submit(0, future);
    const burst = newSteps(650, { runAt: DUE });
    core.submit(0, burst);
    const first = exchange(core, DUE, { free: 2 });
    expect(first).toMatchObject({ claims: [], blocked: true, nextDueInMs: 0 });
    expect(ids(claim(core, DUE, { free: 2 }))).toEqual(ids(burst.slice(0, 2)));
  });

  it('takes a waiting step before a ready one of the same priority that was due later', () => {
    const { core } = joined();
    core.submit(0, newSteps(400, { type: 'other', runAt: DUE }));
    const [waiting, ready] = [newStep({ runAt: DUE + 1 }), newStep({ runAt: DUE + 2 })];
    core.submit(0, [waiting]);
    core.submit(DUE + 2, [ready]);
    expect(ids(exchange(core, DUE + 2, { free: 1 }).claims)).toEqual([waiting.stepId]);
  });

  it('reads as far down as the last step that it may take, not counting steps beyond the limit of their type', () => {
    const { core } = joined();
    core.submit(0, newSteps(400, { type: 'other', runAt: DUE }));
    const waiting = newStep({ type: 'b', priority: 5, runAt: DUE + 1 });
    core.submit(0, [waiting]);
    const ready = [
      ...newSteps(2, { type: 'a', priority: 9, runAt: DUE }),
      newStep({ type: 'b', priority: 1, runAt: DUE }),
    ];
    core.submit(DUE + 1, ready);
    const { claims } = exchange(core, DUE + 1, { free: 2, types: { a: 1, b: 5 } });
    expect(ids(claims)).toEqual([ready[0]!.stepId, waiting.stepId]);
  });

  it('applies the limit of a type across all priorities, and continues with other types', () => {
    const { core } = joined();
    core.submit(0, newSteps(400, { type: 'other', runAt: DUE }));
    const narrow = [9, 8, 7].map((priority) => newStep({ type: 'a', priority, runAt: DUE + 1 }));
    const wide = newStep({ type: 'b', priority: 5, runAt: DUE + 1 });
    core.submit(0, [...narrow, wide]);
    const { claims } = exchange(core, DUE + 1, { free: 2, types: { a: 1, b: 5 } });
    expect(ids(claims)).toEqual([narrow[0]!.stepId, wide.stepId]);
  });

  // A walk costs one seek for each priority, and one for each type in it.
  const future = (priorities: number): NewStep[] =>
    Array.from({ length: priorities }, (_, i) => newStep({ type: 'a', priority: 100 + i, runAt: DUE + 1e6 }));

  it('takes nothing of the priority before which a walk ends, until that priority is known', () => {
    const { core } = joined();
    core.submit(0, [...future(MOST_SEEKS / 2), ...newSteps(650, { type: 'a', runAt: DUE })]);
    const waiting = newStep({ type: 'a', priority: 5, runAt: DUE + 1 });
    core.submit(0, [waiting]);
    const ready = newStep({ type: 'a', priority: 5, runAt: DUE + 2 });
    core.submit(DUE + 2, [ready]);
    const types = { a: 1 };
    expect(exchange(core, DUE + 2, { free: 1, types })).toMatchObject({ claims: [], blocked: true });
    expect(ids(claim(core, DUE + 2, { free: 1, types }))).toEqual([waiting.stepId]);
  });

  it('takes nothing of the priority within which a walk ends, until that priority is known', () => {
    const { core } = joined();
    const types = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((type) => [type, 1]));
    core.submit(0, [...future(Math.floor(MOST_SEEKS / 7)), ...newSteps(650, { type: 'a', runAt: DUE })]);
    // Six types and their priority are seven seeks: only the last type of this priority is not read.
    const [last, first] = ['f', 'a'].map((type, i) => newStep({ type, priority: 5, runAt: DUE + 1 + i }));
    core.submit(0, [last!, first!]);
    expect(exchange(core, DUE + 2, { free: 1, types })).toMatchObject({ claims: [], blocked: true });
    expect(ids(claim(core, DUE + 2, { free: 1, types }))).toEqual([last!.stepId]);
  });

  it('walks through a bounded number of types', () => {
    const { core } = joined();
    const names = Array.from({ length: MOST_SEEKS + 10 }, (_, i) => `type-${String(i).padStart(3, '0')}`);
    const types = Object.fromEntries(names.map((type) => [type, 1]));
    core.submit(0, newSteps(400, { type: 'other', runAt: DUE }));
    core.submit(
      0,
      names.map((type) => newStep({ type, priority: 5, runAt: DUE + 1 })),
    );
    expect(exchange(core, DUE + 1, { free: 1, types })).toMatchObject({ claims: [], blocked: true });
    expect(claim(core, DUE + 1, { free: 1, types })).toHaveLength(1);
  });

  it('takes no step that crashed pods while an unread step may outrank it', () => {
    const { core, run } = joined();
    core.submit(0, [...future(MOST_SEEKS / 2 + 10), newStep({ type: 'a', priority: 50, runAt: DUE })]);
    run('UPDATE STEP_TRACKER SET crashes = 2');
    const burst = newSteps(650, { type: 'a', runAt: DUE - 1 });
    core.submit(0, burst);
    const ready = newStep({ type: 'a', priority: 9, runAt: DUE });
    core.submit(DUE, [ready]);
    run(`UPDATE STEP_TRACKER SET crashes = 2, due = 2 WHERE step_id = '${ready.stepId}'`);
    const demand = { free: 1, quarantine: 1, types: { a: 1 } } as const;
    expect(ids(exchange(core, DUE, demand).claims)).toEqual([burst[0]!.stepId]);
  });

  it('is repeated by the store until it is known what may be taken', async () => {
    const runtime = new VirtualRuntime();
    const store = await newStore({ path: ':memory:' }, runtime);
    await store.register({ ...POD, heartbeatMs: 1_000, deadAfterMs: 1e9, meta: {} });
    await store.submit(Array.from({ length: MOST_SEEKS + 10 }, (_, i) => newStep({ priority: 10 + i, delayMs: 1e6 })));
    const burst = newSteps(650, { delayMs: 10 });
    await store.submit(burst);
    await runtime.advance(10);
    const exchanged = store.exchange({ pod: POD, settlements: [], claim: claimRequest({ free: 2 }) });
    expect(ids((await runtime.until(exchanged)).claims)).toEqual(ids(burst.slice(0, 2)));
  });

  it('finds one step that crashed pods in a backlog, before the steps that rank behind it, and no second one', () => {
    const { core, run } = joined();
    const [first, second] = newSteps(2, { priority: 3, runAt: DUE + 1 });
    const burst = newSteps(700, { runAt: DUE });
    core.submit(0, [...burst, second!, first!]);
    run(`UPDATE STEP_TRACKER SET crashes = 2 WHERE priority = 3`);
    const { claims } = exchange(core, DUE + 1, { free: 2, quarantine: 1 });
    expect(ids(claims)).toEqual([second!.stepId, burst[0]!.stepId]);
    expect(ids(exchange(core, DUE + 1, { free: 2 }).claims)).toEqual(ids(burst.slice(1, 3)));
  });

  it('sets the dates of a row that was inserted by hand and is claimed before it was promoted', () => {
    const { core, run } = joined();
    core.submit(0, newSteps(700, { runAt: DUE }));
    run(`INSERT INTO STEP_TRACKER (step_id, step_type, priority, run_at) VALUES ('by-hand', 'work', 9, ${DUE + 1})`);
    const [taken] = exchange(core, DUE + 1, { free: 1 }).claims;
    expect(taken).toMatchObject({ stepId: 'by-hand', createdAt: DUE + 1 });
    expect(core.find(['by-hand'], 0, () => false).steps[0]).toMatchObject({ createdAt: DUE + 1, status: 'claimed' });
  });
});

describe('steps of equal rank', () => {
  it('are claimed in the order of submission, whatever their ids, after rows were deleted or a step was given back', () => {
    const { core, run } = joined();
    const steps = ['z', 'm', 'a', 'q', 'b'].map((stepId) => newStep({ stepId, runAt: DUE }));
    core.submit(DUE, steps.slice(0, 3));
    run(`DELETE FROM STEP_TRACKER WHERE step_id = 'a'`); // the newest row, whose number SQLite uses again
    core.submit(DUE, steps.slice(3));
    const [z] = exchange(core, DUE, { free: 1 }).claims;
    expect(z!.stepId).toBe('z');
    core.settle(DUE, POD, [pendingAgain(z!)]);
    expect(ids(exchange(core, DUE, { free: 9 }).claims)).toEqual(['z', 'm', 'q', 'b']);
  });
});
