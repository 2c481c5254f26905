/** The number of steps in one transaction. */
import { describe, expect, it } from 'vitest';
import type { Claim, Settlement } from '../../../../src/store/contract.js';
import { charactersOf, BatchSize } from '../../../../src/store/sqlite/exchange/batch-size.js';

describe('the batch size', () => {
  const after = (rows: number, tookMs: number, times: number): number => {
    const pace = new BatchSize();
    for (let i = 0; i < times; i++) pace.learn(rows, tookMs, 0);
    return pace.batch;
  };

  it('starts at about 250 steps', () => {
    expect(new BatchSize().batch).toBe(250);
  });

  it('approaches what fits 2 ms', () => {
    expect(after(250, 1, 200)).toBeCloseTo(500, -1);
    expect(after(250, 4, 400)).toBeCloseTo(125, -1);
  });

  it('stays within its bounds', () => {
    expect(after(250, 0.001, 200)).toBe(1_000);
    expect(after(250, 500, 200)).toBe(100);
  });

  it('learns nothing from a transaction of a few steps, whose time is that of the commit', () => {
    expect(after(3, 100, 100)).toBe(250);
  });

  it('counts large texts by their length, even if there are few', () => {
    const pace = new BatchSize();
    for (let i = 0; i < 10; i++) pace.learn(8, 2, 8 * 250_000);
    expect(pace.batch).toBe(8);
    for (let i = 0; i < 10; i++) pace.learn(1, 9, 5_000_000);
    expect(pace.batch).toBe(1);
    for (let i = 0; i < 20; i++) pace.learn(1, 0.1, 100);
    expect(pace.batch).toBe(250);
  });

  it('counts incoming results and outgoing payloads', () => {
    const claim = { payload: 'x'.repeat(30) } as Claim;
    const settlements = ['y'.repeat(7), null].map((result) => ({ result }) as Settlement);
    const request = { pod: { podId: 'a', incarnation: 'b' }, settlements };
    expect(charactersOf(request, [claim, claim])).toBe(67);
  });

  it('hardly changes after a transaction that other processes have slowed down', () => {
    const pace = new BatchSize();
    for (let i = 0; i < 100; i++) pace.learn(250, 2, 0);
    pace.learn(250, 20, 0);
    expect(pace.batch).toBeGreaterThan(150);
  });
});
