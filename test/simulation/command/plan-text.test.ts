import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import type { Plan } from '../plan/plan.js';
import { planFrom, wordOf } from './plan-text.js';

const PLAN: Plan = {
  ...{ seed: 3, world: 'warehouse', pods: [{ types: ['a b', 'ü'], slots: 2, heartbeatMs: 1_000, deadAfterMs: 5_000 }] },
  hazards: {
    ...{ latencyMs: 20, lostReply: 0.1, failure: 0.1, lateApplication: 0, duplicate: 0, lateReadMs: 0 },
    ...{ oldSources: true, tokenLateMs: 0, suspendAfterMs: 0 },
  },
  ...{ actions: [{ at: 5, do: 'crash', pod: 2, when: 'now' }], calmAt: 100 },
};

test('a plan becomes one word that a shell takes as it is, and back', () => {
  expect(wordOf(PLAN)).toMatch(/^z:[\w-]+$/);
  expect(planFrom(wordOf(PLAN))).toEqual(PLAN);
});

test('a plan can be a file', () => {
  const file = path.join(temporaryFolder(), 'plan.json');
  writeFileSync(file, JSON.stringify(PLAN));
  expect(planFrom(file)).toEqual(PLAN);
});

test.each([
  [() => wordOf(PLAN).slice(0, -9), 'which cannot be decoded: was it copied whole?'],
  [() => wordOf({ ...PLAN, world: 'moon' as 'sqlite' }), 'which is no plan'],
  [() => wordOf(null as unknown as Plan), 'which is no plan'],
  [
    () => 'nowhere.json',
    '--plan: expected a file with a plan, or the word that a failing run printed, got "nowhere.json", which is no file',
  ],
  [() => import.meta.filename, 'which cannot be read: '],
])('what is no plan is refused', (given, message) => {
  expect(() => planFrom(given())).toThrow(message);
});
