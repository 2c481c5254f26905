/** The round through awaited steps: each once, a piece at each poll. */
import { expect, it } from 'vitest';
import { AwaitedSweep } from '../../src/client/awaited-sweep.js';

const awaiting = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`s${i}`, i]));

/** The pieces that are due at each ms. */
function pieces(round: AwaitedSweep, ms: number, from = 0): string[][] {
  return Array.from({ length: ms }, (_, i) => round.next(from + i)).filter(({ length }) => length > 0);
}

it('visits every step once, in pieces that are an interval apart', () => {
  const awaited = awaiting(250);
  const round = new AwaitedSweep(awaited, 10);
  round.begin();
  const found = pieces(round, 100);
  expect(found.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(found.flat()).toEqual([...awaited.keys()]);
  expect(round.next(9)).toEqual([]);
});

it('returns nothing before its interval is over', () => {
  const round = new AwaitedSweep(awaiting(250), 10);
  round.begin();
  expect(round.next(0)).toHaveLength(100);
  expect(round.next(9)).toEqual([]);
  expect(round.next(10)).toHaveLength(100);
});

it('continues where the last round stopped, and wraps after the last step', () => {
  const awaited = awaiting(150);
  const round = new AwaitedSweep(awaited, 10);
  round.begin();
  expect(round.next(0)[0]).toBe('s0');
  round.begin();
  expect(pieces(round, 100, 10).flat().slice(0, 51)).toEqual([...[...awaited.keys()].slice(100), 's0']);
});

it('ends if nothing is awaited any more, and when end is called', () => {
  const awaited = awaiting(150);
  const round = new AwaitedSweep(awaited, 10);
  round.begin();
  round.next(0);
  awaited.clear();
  expect(round.next(10)).toEqual([]);
  const other = new AwaitedSweep(awaiting(150), 10);
  other.begin();
  other.end();
  expect(other.next(0)).toEqual([]);
});
