/** A promise that was broken. */
export type Kind =
  | 'lost' // an acknowledged step is not there, or is not terminal at the end
  | 'settledTwice'
  | 'staleAccepted'
  | 'retries' // out of bounds
  | 'leftClaimed'
  | 'submission' // a second step for one submission or key, or a step without a submission
  | 'history' // a version or a status went where it may not
  | 'receipt' // an event without a settlement, or a settlement without an event
  | 'run' // a handler ran where or when it may not
  | 'outcome' // the wrong end or result for the step's type and args
  | 'eviction' // a pod was declared dead that was neither killed nor frozen
  | 'process'; // one failed, hung, or ended by itself

export interface Violation {
  readonly kind: Kind;
  readonly stepId?: string;
  readonly text: string;
}
