/** Thrown when a test fleet cannot do what the test waits for. */
/** A step that has not ended, and why. */
export interface LeftStep {
  readonly stepId: string;
  readonly type: string;
  readonly status: 'pending' | 'claimed';
  /** A sentence for people, such as `runs at 2030-01-01T00:05:00.000Z, in 300000 ms`. */
  readonly why: string;
}

/**
 * Why a test fleet is stuck:
 *
 * - `unhandled`: no pod has a handler for the steps that are left.
 * - `no-pod`: every pod has crashed, or is frozen, disconnected, paused or stopped.
 * - `running`: a handler did not return within `realTimeoutMs` of real time, while the clock stood still.
 * - `idle`: nothing happened for `realTimeoutMs` of real time, although time moved: a handler waits for the fleet, for very long.
 * - `runs`: more than `maxRuns` handlers ran: steps that are retried, released or submitted again and again.
 * - `time`: the virtual time that the call may take has passed.
 */
export type StuckReason = 'unhandled' | 'no-pod' | 'running' | 'idle' | 'runs' | 'time';

/** How many steps a message names. */
const SHOWN = 5;

/** A test fleet cannot do what the test waits for. The message lists the steps that are left, and what to do. */
export class FleetStuckError extends Error {
  override readonly name = 'FleetStuckError';
  readonly reason: StuckReason;
  /** The steps that have not ended: at most 1,000. */
  readonly left: readonly LeftStep[];

  constructor(reason: StuckReason, problem: string, left: readonly LeftStep[]) {
    const lines = left.slice(0, SHOWN).map(({ stepId, type, why }) => `\n  - ${type} ${stepId}: ${why}`);
    const more = left.length > SHOWN ? `\n  - and ${left.length - SHOWN} more` : '';
    super(`${problem}${lines.join('')}${more}`);
    this.reason = reason;
    this.left = left;
  }
}
