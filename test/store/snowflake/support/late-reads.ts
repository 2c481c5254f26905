/** Late reads in a test: all statements see others' commits as of one instant, or late by the given ms. */
import { onTestFinished } from 'vitest';
import type { TestBed } from '../../../support/warehouse/test-bed.js';

export interface Late {
  /** From now on others' commits are seen late by the given ms of the store's time. */
  by(ms: number): void;
  /** Now, on the store's clock. */
  now(): number;
  /** From now on others' commits are seen as of that instant. */
  asOf(instant: number): void;
  /** Others' commits are seen at once. */
  off(): void;
  /** The session of every statement from now on is a new one. */
  newSessions(): void;
}

/** Ends with the test. */
export function lateOn(bed: TestBed): Late {
  const { lateReads, clock, sessions } = bed.proxy;
  const off = () => lateReads.off();
  onTestFinished(off);
  return {
    by: (ms) => void (lateReads.draw = () => ms),
    now: () => clock.nowMs,
    asOf: (instant) => void (lateReads.draw = () => Math.max(0, clock.nowMs - instant)),
    off,
    newSessions: () => sessions.put('gone', () => true),
  };
}
