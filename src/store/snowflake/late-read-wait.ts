/**
 * How late a session may see what other sessions have committed, and how to wait that out.
 *
 * Under `READ_CONSISTENCY_MODE = SESSION`, Snowflake's default, a session sees its own changes at once and those of other
 * sessions later. A row that is missing, or looks old, proves something only after that time.
 */
export class LateReads {
  /** The longest delay, in ms. 0: every read is fresh. */
  readonly maxMs: number;
  readonly #pause: (ms: number) => Promise<void>;

  constructor(maxMs: number, pause: (ms: number) => Promise<void>) {
    this.maxMs = maxMs;
    this.#pause = pause;
  }

  get arePossible(): boolean {
    return this.maxMs > 0;
  }

  /** Resolves when everything that was committed before the call must be visible. @throws StoreError `STORE_CLOSED` */
  waitOut(): Promise<void> {
    return this.#pause(this.maxMs);
  }
}
