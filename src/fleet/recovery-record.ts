/** The record of a recovery cycle: its summary, and the decision about each orphan. */
import type { RecoverySummary } from '../events.js';
import type { SerializedError } from '../step/serialized-error.js';
import type { Orphan, PodRef } from '../store/contract.js';

/** The decision about an orphan. `alreadySettled`: another pod had settled it by then. */
export interface Decision {
  readonly stepId: string;
  readonly type: string;
  readonly holder: PodRef;
  readonly reason: Orphan['reason'];
  readonly decision: 'requeued' | 'failed' | 'alreadySettled';
}

/** A recovery cycle as the journal keeps it. */
export interface RecoveryRecord extends RecoverySummary {
  /** The leader that ran it. */
  readonly podId: string;
  readonly decisions: readonly Decision[];
  /** Why it ended early, if it did. */
  readonly error: SerializedError | undefined;
}

/** A record without the lists that follow from its decisions. */
export type RecordedCycle = Omit<RecoveryRecord, 'orphans' | Decision['decision']>;

export function recoveryRecord(cycle: RecordedCycle): RecoveryRecord {
  const idsOf = (wanted?: Decision['decision']): string[] =>
    cycle.decisions.filter(({ decision }) => wanted === undefined || decision === wanted).map(({ stepId }) => stepId);
  return {
    ...cycle,
    orphans: idsOf(),
    requeued: idsOf('requeued'),
    failed: idsOf('failed'),
    alreadySettled: idsOf('alreadySettled'),
  };
}

/** The summary that events and `runRecovery` carry. */
export function summaryOf({
  podId: _podId,
  decisions: _decisions,
  error: _error,
  ...summary
}: RecoveryRecord): RecoverySummary {
  return summary;
}
