/** How many steps there are. */
import type { StepStatus } from '../../step/step.js';

/** The number of steps of each status. */
export type StatusCounts = Readonly<Record<StepStatus, number>>;

export interface StoreStats {
  readonly byStatus: StatusCounts;
  readonly byType: Readonly<Record<string, StatusCounts>>;
  /** Pending steps by priority. */
  readonly pendingByPriority: Readonly<Record<string, number>>;
  /** Pending steps that are due now. */
  readonly due: number;
  /** How long the oldest of them has been due, in ms; `null` if no step is due. */
  readonly oldestDueMs: number | null;
}
