/** The step ids of a command line: the arguments, or standard input for `-`. */
import { UsageError } from '../exit-codes.js';
import type { Io } from '../io.js';
import { lineBatches } from './lines.js';

/** Longer than any id, so that a wrong line is still reported as an id. */
const LONGEST_LINE = 10_000;

/**
 * The ids: all arguments at once, or batches of lines.
 *
 * @throws UsageError
 */
export async function* stepIds(io: Io, given: readonly string[]): AsyncGenerator<readonly string[]> {
  if (!given.includes('-')) {
    yield given;
    return;
  }
  if (given.length > 1) throw new UsageError('expected either ids, or - for ids on standard input, got both');
  for await (const lines of lineBatches(io.stdin, LONGEST_LINE)) yield lines.map(({ text }) => text);
}
