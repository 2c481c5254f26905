/** Suspects, and the proof that a claim was taken by an empty pod. */
import { expect, it } from 'vitest';
import { claimTokenOf, isAlone, isSuspect } from '../../src/step/crash-suspect.js';

it('a step is a suspect from its second crash on', () => {
  expect([0, 1, 2, 3].map((crashes) => isSuspect({ crashes }))).toEqual([false, false, true, true]);
});

it('a token proves that its pod was empty only if the pod said so', () => {
  expect(isAlone({ claimToken: claimTokenOf('0198-uuid', true) })).toBe(true);
  expect(isAlone({ claimToken: claimTokenOf('0198-uuid', false) })).toBe(false);
  expect(isAlone({ claimToken: claimTokenOf('not-alone-at-all', false) })).toBe(false);
});
