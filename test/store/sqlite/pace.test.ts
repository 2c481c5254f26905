/** How many steps a transaction should carry. */
import { describe, expect, it } from 'vitest';
import { Pace } from '../../../src/store/sqlite/pace.js';

describe('the pace', () => {
  const after = (rows: number, tookMs: number, times: number): number => {
    const pace = new Pace();
    for (let i = 0; i < times; i++) pace.learn(rows, tookMs);
    return pace.batch;
  };

  it('begins with some 250 steps', () => {
    expect(new Pace().batch).toBe(250);
  });

  it('comes to what fits 2 ms', () => {
    expect(after(250, 1, 200)).toBeCloseTo(500, -1);
    expect(after(250, 4, 400)).toBeCloseTo(125, -1);
  });

  it('stays within reason', () => {
    expect(after(250, 0.001, 200)).toBe(1_000);
    expect(after(250, 500, 200)).toBe(100);
  });

  it('learns nothing from a transaction of a few steps, which tells of the commit', () => {
    expect(after(3, 100, 100)).toBe(250);
  });

  it('is hardly moved by one that others on the machine have slowed down', () => {
    const pace = new Pace();
    for (let i = 0; i < 100; i++) pace.learn(250, 2);
    pace.learn(250, 20);
    expect(pace.batch).toBeGreaterThan(200);
  });
});
