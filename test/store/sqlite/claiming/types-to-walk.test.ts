/** Pods that request more types than one exchange reads: every type gets its turn, and an idle pod comes to rest. */
import { describe, expect, it } from 'vitest';
import type { SynchronousCore } from '../../../../src/store/sqlite/synchronous-core.js';
import { claimRequest, ids, newStep, newSteps, type ClaimRequestOver } from '../../../conformance/harness.js';
import { newCore, POD } from '../support/files.js';

const NOW = 1_000_000;

const names = (word: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${word}-${String(i).padStart(5, '0')}`);
const MINE = names('mine', 1_000);
const wanted = new Map(MINE.map((type) => [type, Infinity]));

function joinedCore(): SynchronousCore {
  const { core } = newCore();
  const instant = { now: NOW, hostMs: 0, boot: '', wallMs: NOW };
  core.register(instant, { ...POD, heartbeatMs: 1_000, deadAfterMs: 1_000_000, meta: {} }, undefined);
  return core;
}

const exchange = (core: SynchronousCore, over: ClaimRequestOver = {}) =>
  core.exchange(NOW, { pod: POD, settlements: [], claim: claimRequest({ free: 1, types: wanted, ...over }) }, 10_000);

/** Claims with at most the given number of exchanges, as a pod that repeats while the reply asks it to. */
function claimedBy(core: SynchronousCore, exchanges: number, over: () => ClaimRequestOver = () => ({})): string[] {
  const found: string[] = [];
  for (let i = 0; i < exchanges; i++) {
    const { claims, nextDueInMs } = exchange(core, over());
    found.push(...ids(claims));
    if (nextDueInMs !== 0) break;
  }
  return found;
}

const submit = (core: SynchronousCore, types: readonly string[]): string[] => {
  const steps = types.map((type) => newStep({ type }));
  core.submit(NOW, steps);
  return ids(steps);
};

describe('a pod of 1,000 types', () => {
  it.each([0, 299, 300, 301, 999])('claims the only ready step, of its type number %i', (i) => {
    const core = joinedCore();
    const [only] = submit(core, [MINE[i]!]);
    expect(claimedBy(core, 1)).toEqual([only]);
  });

  it.each(['before', 'zzz'])(
    'claims its steps behind many steps of types without a handler (%s), even when it is idle',
    (word) => {
      const core = joinedCore();
      submit(core, names(word, 5_000));
      const mine = submit(core, [MINE[0]!, MINE[500]!]);
      expect(claimedBy(core, 20)).toEqual(mine);
    },
  );

  it('claims steps of every type if all types have some, and notices when none are left', () => {
    const core = joinedCore();
    const all = submit(core, MINE);
    expect(claimedBy(core, 500, () => ({ free: 5 })).sort()).toEqual(all.sort());
    expect(exchange(core)).toMatchObject({ claims: [], nextDueInMs: null });
  });

  it('claims steps of every type if the limits of its types change with every exchange', () => {
    const core = joinedCore();
    const all = submit(core, MINE);
    let turn = 0;
    const others = () => {
      const types = new Map(wanted);
      types.delete(MINE[turn++ % 7]!);
      return { types, free: 5 };
    };
    expect(claimedBy(core, 500, others).sort()).toEqual(all.sort());
  });

  it('reads the next types with each exchange, and skips none', () => {
    const core = joinedCore();
    submit(core, MINE);
    const turns = Array.from({ length: 4 }, () => exchange(core, { free: 300 }).claims.map(({ type }) => type));
    expect(turns.map((types) => types.length)).toEqual([300, 300, 300, 100]);
    expect(turns.flat()).toEqual(MINE);
  });

  it('claims the steps that ranked first before, along with the types whose turn it is', () => {
    const core = joinedCore();
    const urgent = newSteps(10, { type: MINE[0]!, priority: 5 });
    core.submit(NOW, urgent);
    submit(core, MINE.slice(1));
    expect(claimedBy(core, 10)).toEqual(ids(urgent));
  });

  it.each([
    ['nothing is ready', 0],
    ['a thousand types without a handler are ready', 1_000],
  ])('may rest after one exchange if %s', (_, count) => {
    const core = joinedCore();
    submit(core, names('other', count));
    for (let i = 0; i < 3; i++) expect(exchange(core)).toMatchObject({ claims: [], nextDueInMs: null });
  });

  it('may rest after a full round if more types are ready than one exchange reads', () => {
    const core = joinedCore();
    submit(core, names('other', 5_000));
    const dueIn = Array.from({ length: 3 }, () => exchange(core).nextDueInMs);
    expect(dueIn).toEqual([0, 0, null]);
  });
});
