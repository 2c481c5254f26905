import type { Patch } from './patch.js';

/** A deliberate break of the library's source. Some test must fail while it is applied. */
export interface Break extends Patch {
  /** Unique over all lists: `<room>/<file>: <what is broken>`, the file without its ending. */
  readonly name: string;
  /** The test files that can fail for it, the cheapest first. */
  readonly tests: readonly string[];
  /** Why no test can fail for it. Only for a break that may survive. */
  readonly survives?: string;
}
