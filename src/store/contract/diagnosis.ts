/** The result of `diagnose`: what a store finds when it examines itself. */
import type { PodView } from './fleet.js';
import type { StoreStats } from './stats.js';

/**
 * `ok`: nothing to do, or the check could not be made and the queue works without it. `warning`: the queue works, and
 * something costs money, time or safety, or could not be checked. `failure`: the queue does not work, or will not soon.
 */
export type FindingLevel = 'ok' | 'warning' | 'failure';

/** The result of one check. It holds no secret. */
export interface Finding {
  /** Names the check, in kebab-case: `free-space`. Unique within a diagnosis; never renamed. */
  readonly check: string;
  readonly level: FindingLevel;
  /** What was found, with the values. */
  readonly message: string;
  /** Why the check matters. */
  readonly why: string;
  /** What to do; `null` if there is nothing to do. */
  readonly advice: string | null;
}

/** What a store reports of itself. */
export interface StoreDiagnosis {
  /** One for each check that was made. */
  readonly findings: readonly Finding[];
  /** The counts of the steps; `undefined` if they could not be read. A finding says why. */
  readonly counts: StoreStats | undefined;
  /** The fleet, as `fleet()` shows it; `undefined` if it could not be read. */
  readonly pods: readonly PodView[] | undefined;
}
