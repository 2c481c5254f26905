/** The groups of the conformance suite, as `--conformance` names them. */
export const GROUPS = [
  ...['submit', 'claim', 'settle', 'fence', 'late and repeated calls', 'suspects', 'cancel', 'retry'],
  ...['list and stats', 'prune', 'membership', 'orphans and eviction', 'clocks', 'concurrency', 'exact texts'],
  ...['ended and cancelled steps', 'diagnose', 'pulse and watch', 'open and close'],
] as const;

/** What an account could do otherwise than the test bed, in the time that most budgets allow. */
export const DEFAULT_GROUPS: readonly string[] = ['fence', 'claim', 'settle', 'concurrency'];

/** The name of the suite, within which the groups are. */
export const SUITE = 'live account';

/** The pattern of test names for vitest; a group's name holds no special character. */
export const patternOf = (groups: readonly string[]): string => `${SUITE} (${groups.join('|')}) `;
