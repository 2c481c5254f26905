/** Each rule, over histories made by hand: one that keeps it and one that breaks it. */
import { describe, expect, it } from 'vitest';
import { HistoryBuilder } from './cases/history-builder.js';
import { CASES } from './cases/all.js';
import { check } from './check.js';
import { RULES } from './rules.js';

describe.each(RULES)('the rule "$name"', ({ name, says }) => {
  const cases = CASES.filter(({ rule }) => rule === name);

  it('has a sentence and a case', () => {
    expect(says).toMatch(/^[A-Z`].*\.$/);
    expect(cases).not.toEqual([]);
  });

  it.each(cases)('finds: $shows', ({ good, broken, bounds }) => {
    const [kept, breaks] = [new HistoryBuilder(), new HistoryBuilder()];
    good(kept);
    broken(breaks);
    expect(check(kept.entries, bounds)).toEqual([]);
    const found = check(breaks.entries, bounds).filter(({ rule }) => rule === name);
    expect(found).not.toEqual([]);
    for (const { entries, message } of found) {
      expect(message).not.toBe('');
      expect(entries.length).toBeGreaterThan(0);
      for (const index of entries) expect(breaks.entries[index]).toBeDefined();
    }
  });
});

it('names each rule once, and tests none that is not there', () => {
  const names = RULES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(CASES.filter(({ rule }) => !names.includes(rule))).toEqual([]);
});
