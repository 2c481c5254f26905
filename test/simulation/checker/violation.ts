/** What a rule reports: something that the history shows and must not. */
export interface Violation {
  /** The name of the rule. */
  readonly rule: string;
  readonly stepId?: string;
  readonly process?: string;
  /** When it showed, in ms of the world. */
  readonly at: number;
  readonly message: string;
  /** The places in the history of the entries that show it. */
  readonly entries: readonly number[];
}
