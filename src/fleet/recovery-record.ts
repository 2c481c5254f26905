/** What a recovery cycle leaves behind: its summary, and of each orphan whose it was and what was decided. */
import type { RecoverySummary } from '../events.js';
import type { SerializedError } from '../step/serialized-error.js';
import type { Orphan, PodRef } from '../store/contract.js';

/** What was decided about an orphan. `lost`: somebody else had settled it by then. */
export interface Decision {
  readonly stepId: string;
  readonly type: string;
  readonly holder: PodRef;
  readonly reason: Orphan['reason'];
  readonly decision: 'requeued' | 'failed' | 'lost';
}

/** A recovery cycle, as the journal keeps it. */
export interface RecoveryRecord extends RecoverySummary {
  /** The leader that ran it. */
  readonly podId: string;
  readonly decisions: readonly Decision[];
  /** Why it broke off, if it did. */
  readonly error: SerializedError | undefined;
}

/** The parts of a record that the lists of a summary are made from. */
export type RecordParts = Omit<RecoveryRecord, 'orphans' | 'requeued' | 'failed' | 'lost'>;

export function recoveryRecord(parts: RecordParts): RecoveryRecord {
  const idsOf = (wanted?: Decision['decision']): string[] =>
    parts.decisions.filter(({ decision }) => wanted === undefined || decision === wanted).map(({ stepId }) => stepId);
  return { ...parts, orphans: idsOf(), requeued: idsOf('requeued'), failed: idsOf('failed'), lost: idsOf('lost') };
}

/** A record as the summary that events and `runRecovery` carry. */
export function summaryOf({
  podId: _podId,
  decisions: _decisions,
  error: _error,
  ...summary
}: RecoveryRecord): RecoverySummary {
  return summary;
}
