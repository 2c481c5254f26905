/** When each table last changed, for SYSTEM$LAST_CHANGE_COMMIT_TIME, from the changes that the proxy has seen. */

const NS_PER_MS = 1_000_000n;

export class Changes {
  readonly #last = new Map<string, number>();
  readonly #start = Date.now();

  /** `table` has changed now. The token only rises, also if the clock stands still. */
  note(table: string): void {
    this.#last.set(table, Math.max(Date.now(), (this.#last.get(table) ?? this.#start) + 1));
  }

  /** In ns, as Snowflake has it: more digits than a JavaScript number keeps. */
  of(table: string): string {
    return String(BigInt(this.#last.get(table) ?? this.#start) * NS_PER_MS);
  }
}
