/** Pods that want more types than one exchange looks at: every type comes to its turn, and an idle look finds its end. */
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

/** Claims by so many exchanges at most, as a pod that asks again for as long as it is told to. */
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
    'claims it past any number of others (%s) that nobody handles, though it is idle',
    (word) => {
      const core = joinedCore();
      submit(core, names(word, 5_000));
      const mine = submit(core, [MINE[0]!, MINE[500]!]);
      expect(claimedBy(core, 20)).toEqual(mine);
    },
  );

  it('claims of every type where all have something, and sees the end', () => {
    const core = joinedCore();
    const all = submit(core, MINE);
    expect(claimedBy(core, 500, () => ({ free: 5 })).sort()).toEqual(all.sort());
    expect(exchange(core)).toMatchObject({ claims: [], nextDueInMs: null });
  });

  it('does so too where the limits of its types change with every exchange', () => {
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

  it('looks at the next types with each exchange, and passes over none', () => {
    const core = joinedCore();
    submit(core, MINE);
    const turns = Array.from({ length: 4 }, () => exchange(core, { free: 300 }).claims.map(({ type }) => type));
    expect(turns.map((types) => types.length)).toEqual([300, 300, 300, 100]);
    expect(turns.flat()).toEqual(MINE);
  });

  it('claims what ranked first before beside the types whose turn it is', () => {
    const core = joinedCore();
    const urgent = newSteps(10, { type: MINE[0]!, priority: 5 });
    core.submit(NOW, urgent);
    submit(core, MINE.slice(1));
    expect(claimedBy(core, 10)).toEqual(ids(urgent));
  });

  it.each([
    ['nothing is ready', 0],
    ['a thousand types are ready that nobody handles', 1_000],
  ])('is told to rest after one look where %s', (_, count) => {
    const core = joinedCore();
    submit(core, names('other', count));
    for (let i = 0; i < 3; i++) expect(exchange(core)).toMatchObject({ claims: [], nextDueInMs: null });
  });

  it('is told to rest after a round where more are ready than it goes through at a time', () => {
    const core = joinedCore();
    submit(core, names('other', 5_000));
    const looks = Array.from({ length: 3 }, () => exchange(core).nextDueInMs);
    expect(looks).toEqual([0, 0, null]);
  });
});
