/** A deliberate break of the library's source: some test must fail while it stands. */
export interface Break {
  /** Unique over all lists: `<room>/<file>: <what is broken>`, the file without its ending. */
  readonly name: string;
  /** Path of the file, from the project's root. */
  readonly file: string;
  /** Text that occurs exactly once in the file, and what stands in its place while broken. */
  readonly find: string;
  readonly replace: string;
  /** Test files that can see it, the cheapest first. */
  readonly tests: readonly string[];
  /** Why no test can see it; only for a break that may survive. */
  readonly survives?: string;
}
