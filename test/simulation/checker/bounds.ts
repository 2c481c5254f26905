/**
 * What a world permits: how late its reads may be, and how long things may take. The checker judges by these, and by nothing
 * that it knows of a world.
 *
 * Invariant: times are ms of the world.
 */
export interface Bounds {
  /** The longest by which a read may miss what others have committed, or an UPDATE's source may be old. */
  readonly latenessMs: number;
  /** The longest that a statement works from its read to its commit: what is committed meanwhile it does not see. */
  readonly workMs: number;
  /** How late a process must expect reads to be. */
  readonly staleReadMs: number;
  /** Whether a step may have two rows: the table has no unique key. */
  readonly twoRows: boolean;
  /** By how much the store's clock may differ from the world's, for what it says is due. */
  readonly clockSlackMs: number;
  /** The store claims in exact order, by one consistent read. Otherwise the order within a statement is not judged. */
  readonly exactOrder: boolean;
  /** Whether the host of the pods proves that a process was killed. */
  readonly provesExits: boolean;
  /** Whether a call may be applied again, or later than its caller has given it up. */
  readonly lateCalls: boolean;
  /** Whether a request may stay without an answer for as long as a pod may be silent. */
  readonly mayHang: boolean;
  /** Above this many crashes a step is never claimed again. */
  readonly maxCrashes: number;
  /** An ended step may be removed when it has ended for so long. */
  readonly keepMs: number;
  /** From the calm on: the longest time that a step which is due stays pending. */
  readonly waitBoundMs: number;
  /** From the calm on: the longest time that a claim is held. */
  readonly claimBoundMs: number;
  /** From the calm on: the longest time that a call takes, other than `waitFor`. */
  readonly answerBoundMs: number;
  /** How long after the step's end a process that is well resolves `waitFor`. */
  readonly noticeBoundMs: number;
  /** How long a process that is well may take to emit the event of its settlement. */
  readonly eventBoundMs: number;
  /** How long a pod may sleep on while a step is due. */
  readonly wakeBoundMs: number;
  /** For so long a pod that stops waits for its handlers. */
  readonly drainMs: number;
  /** For so long after the end of a fault its effects may show. */
  readonly faultEchoMs: number;
}

export const DEFAULT_BOUNDS: Bounds = {
  latenessMs: 0,
  workMs: 0,
  staleReadMs: 0,
  twoRows: false,
  clockSlackMs: 5,
  exactOrder: true,
  provesExits: false,
  lateCalls: false,
  mayHang: false,
  maxCrashes: 3,
  keepMs: Infinity,
  waitBoundMs: 120_000,
  claimBoundMs: 120_000,
  answerBoundMs: 60_000,
  noticeBoundMs: 60_000,
  eventBoundMs: 60_000,
  wakeBoundMs: 60_000,
  drainMs: 2_000,
  faultEchoMs: 15_000,
};
