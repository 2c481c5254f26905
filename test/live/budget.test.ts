/** What a check may cost. */
import { describe, expect, test } from 'vitest';
import { Budget, type BudgetOptions } from './budget.js';
import { warehouseFrom } from './warehouse.js';

const MINUTE = 60_000;

function budgetAt(over: Partial<BudgetOptions> = {}) {
  const clock = { ms: 0, statements: 0 };
  const options = { maxCredits: 1, maxMinutes: 60, creditsPerHour: 1, tailSeconds: 60 };
  const budget = new Budget({ ...options, statements: () => clock.statements, now: () => clock.ms, ...over });
  return { budget, clock };
}

describe('the budget', () => {
  test('counts the time since the first statement, and the time until the warehouse suspends', () => {
    const { budget, clock } = budgetAt();
    expect(budget.credits).toBeCloseTo(1 / 60);
    clock.ms = 29 * MINUTE;
    expect(budget.credits).toBeCloseTo(0.5);
  });

  test('counts each resume as a minute, and every statement', () => {
    const { budget, clock } = budgetAt();
    const before = budget.credits;
    budget.resumed();
    clock.statements = 100;
    expect(budget.credits - before).toBeCloseTo(1 / 60 + 0.01);
  });

  test('fits what passes neither limit', () => {
    const { budget, clock } = budgetAt({ maxCredits: 0.5, maxMinutes: 20 });
    clock.ms = 15 * MINUTE;
    expect([budget.fits(5), budget.fits(5.1)]).toEqual([true, false]);
    const costly = budgetAt({ maxCredits: 0.5, maxMinutes: 60, creditsPerHour: 2 });
    costly.clock.ms = 10 * MINUTE;
    expect([costly.budget.fits(3.9), costly.budget.fits(4.1)]).toEqual([true, false]);
  });

  test('says how long the check may still run, so that it never costs more than the limit', () => {
    const { budget, clock } = budgetAt({ maxCredits: 0.5 });
    expect(budget.remainingMs).toBeCloseTo(29 * MINUTE);
    clock.ms = budget.remainingMs;
    expect(budget.credits).toBeCloseTo(0.5);
    expect(budget.remainingMs).toBeCloseTo(0);
    expect(budgetAt({ maxCredits: 0.01 }).budget.remainingMs).toBe(0);
  });
});

describe('the price of a warehouse', () => {
  const row = { name: 'WH', size: 'X-Small', type: 'STANDARD', state: 'STARTED', max_cluster_count: '1' };
  test.each([
    [{}, 1],
    [{ size: 'Small' }, 2],
    [{ size: 'X-Large' }, 16],
    [{ size: '4X-Large' }, 128],
    [{ max_cluster_count: '3' }, 3],
    [{ resource_constraint: 'STANDARD_GEN_2' }, 1.5],
    [{ type: 'SNOWPARK-OPTIMIZED', size: 'Medium' }, 6],
    [{ size: 'Adaptive' }, undefined],
    [{ size: '' }, undefined],
  ])('of %o is %s credits an hour', (over, credits) => {
    expect(warehouseFrom({ ...row, ...over })?.creditsPerHour).toBe(credits);
  });
});
