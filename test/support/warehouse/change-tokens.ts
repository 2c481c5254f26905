/**
 * When each table last changed, for SYSTEM$LAST_CHANGE_COMMIT_TIME, from the changes that the proxy has seen.
 *
 * Invariants:
 * - Without a fault a token moves with each change, after the change can be read, and it only rises.
 * - A fault changes what is answered. `version` is always right.
 */

const NS_PER_MS = 1_000_000n;

/**
 * What is wrong with the tokens that are answered:
 *
 * - `late`: a token moves `faultMs` after its change can be read.
 * - `early`: it moves `faultMs` before that, and not again. It moves for a statement that changes no row, too.
 * - `frozen`: no token moves any more.
 * - `flapping`: two answers in a row never agree.
 */
export type ChangeFault = 'late' | 'early' | 'frozen' | 'flapping';

export class Changes {
  /** How long a token of the faults `late` and `early` is off. */
  faultMs = 500;

  readonly #now: () => number;
  readonly #start: number;
  /** When each table changed: the last time, and what `late` may still have to answer. */
  readonly #moves = new Map<string, number[]>();
  /** Tokens that have moved before their change. */
  readonly #early = new Map<string, number>();
  #fault: ChangeFault | undefined;
  /** As the tokens were when they froze. */
  #frozen = new Map<string, string>();
  #answers = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#start = now();
  }

  get fault(): ChangeFault | undefined {
    return this.#fault;
  }

  set fault(fault: ChangeFault | undefined) {
    this.#frozen = new Map([...this.#moves.keys()].map((table) => [table, this.of(table)]));
    this.#early.clear();
    for (const moves of this.#moves.values()) moves.splice(0, moves.length - 1);
    this.#fault = fault;
  }

  /** `table` is about to change. The result is how long the statement has to wait before it runs, in ms. */
  announce(table: string): number {
    if (this.#fault !== 'early') return 0;
    this.#early.set(table, this.#after(Math.max(this.#latest(table), this.#early.get(table) ?? 0)));
    return this.faultMs;
  }

  /** `table` has changed now. Its token only rises, also if the clock stands still. */
  note(table: string): void {
    const moves = this.#moves.get(table) ?? [this.#start];
    moves.push(this.#after(this.#latest(table)));
    this.#moves.set(table, moves);
    const needed = this.#now() - (this.#fault === 'late' ? this.faultMs : 0);
    while (moves.length > 1 && moves[1]! <= needed) moves.shift();
  }

  /** All tables of a schema have changed now, as far as any of their changes was seen. */
  noteSchema(schema: string): void {
    for (const table of this.#moves.keys()) if (table.startsWith(`${schema}.`)) this.note(table);
  }

  /** Differs after each change of `table`, whatever the fault. */
  version(table: string): string {
    return token(this.#latest(table));
  }

  /** What is answered now. In ns, as Snowflake has it: more digits than a JavaScript number keeps. */
  of(table: string): string {
    switch (this.#fault) {
      case 'late':
        return token(this.#settled(table));
      case 'early':
        return token(this.#early.get(table) ?? this.#latest(table));
      case 'frozen':
        return this.#frozen.get(table) ?? token(this.#start);
      case 'flapping':
        return token(this.#latest(table) - (this.#answers++ % 2));
      case undefined:
        return this.version(table);
    }
  }

  /** The last move that `late` shows already. It never goes behind what was answered before. */
  #settled(table: string): number {
    const moves = this.#moves.get(table) ?? [this.#start];
    return moves.findLast((move) => move <= this.#now() - this.faultMs) ?? moves[0]!;
  }

  #latest(table: string): number {
    return this.#moves.get(table)?.at(-1) ?? this.#start;
  }

  #after(before: number): number {
    return Math.max(this.#now(), before + 1);
  }
}

/** Of a move at `ms`. */
function token(ms: number): string {
  return String(BigInt(ms) * NS_PER_MS);
}
