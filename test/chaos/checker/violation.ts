/** A promise that was broken. */
export type Kind =
  | 'lost' // an acknowledged step is not there, or is not terminal at the end
  | 'settledTwice'
  | 'staleAccepted'
  | 'retries' // out of bounds
  | 'leftClaimed'
  | 'submission' // a second step for one submission or key, or one that nobody submitted
  | 'history' // a version or a status went where it may not
  | 'receipt' // an event told what did not happen, or did not tell what did
  | 'run' // a handler ran where or when it may not
  | 'outcome' // the wrong end or result for what the step was
  | 'eviction' // a pod was declared dead that was neither killed nor frozen
  | 'process'; // one broke, hung, or ended by itself

export interface Violation {
  readonly kind: Kind;
  readonly stepId?: string;
  readonly text: string;
}
