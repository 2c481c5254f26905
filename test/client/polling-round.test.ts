/** The round over awaited steps: each once, some at each look. */
import { expect, it } from 'vitest';
import { PollingRound } from '../../src/client/polling-round.js';

const awaiting = (count: number) => new Map(Array.from({ length: count }, (_, i) => [`s${i}`, i]));

/** What the round asks for at each ms. */
function pieces(round: PollingRound, ms: number, from = 0): string[][] {
  return Array.from({ length: ms }, (_, i) => round.next(from + i)).filter(({ length }) => length > 0);
}

it('goes once over all steps, in pieces that are an interval apart', () => {
  const awaited = awaiting(250);
  const round = new PollingRound(awaited, 10);
  round.begin();
  const found = pieces(round, 100);
  expect(found.map(({ length }) => length)).toEqual([100, 100, 50]);
  expect(found.flat()).toEqual([...awaited.keys()]);
  expect(round.next(9)).toEqual([]);
});

it('is not due before its interval is over', () => {
  const round = new PollingRound(awaiting(250), 10);
  round.begin();
  expect(round.next(0)).toHaveLength(100);
  expect(round.next(9)).toEqual([]);
  expect(round.next(10)).toHaveLength(100);
});

it('goes on where the last one stopped, and begins anew behind the last step', () => {
  const awaited = awaiting(150);
  const round = new PollingRound(awaited, 10);
  round.begin();
  expect(round.next(0)[0]).toBe('s0');
  round.begin();
  expect(pieces(round, 100, 10).flat().slice(0, 51)).toEqual([...[...awaited.keys()].slice(100), 's0']);
});

it('ends where nothing is awaited any more, and when it is ended', () => {
  const awaited = awaiting(150);
  const round = new PollingRound(awaited, 10);
  round.begin();
  round.next(0);
  awaited.clear();
  expect(round.next(10)).toEqual([]);
  const other = new PollingRound(awaiting(150), 10);
  other.begin();
  other.end();
  expect(other.next(0)).toEqual([]);
});
