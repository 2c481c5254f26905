/** The store under a chaos run, and what the run itself does to it. */
export interface Ground {
  /** How many times as long as on SQLite the intervals and the faults last. */
  readonly scale: number;
  /** Records every change of a step from now on. The pods have created the tables, and there is no step yet. */
  keepHistory(): Promise<void>;
  /** Keeps other writers out of the table for so long. @returns whether it could */
  lock(lastsMs: number): Promise<boolean>;
  /** Whether a step is pending or claimed. */
  isWorkLeft(): Promise<boolean>;
  /** Brings the tables and their history into the file that the checker reads, when no process runs any more. */
  collect(): Promise<void>;
  /** Ends what it has started; it may be called at any time. */
  close(): Promise<void>;
}
