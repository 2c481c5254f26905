/**
 * Reads standard input line by line.
 *
 * Invariants:
 * - Lines are handed on as they arrive, in batches, so that a producer may run for long.
 * - Neither many lines nor a long one fill the memory: a line that is too long is refused.
 */
import { FailedError, UsageError } from '../exit-codes.js';

/** The most lines that are handed on at once. */
const MOST_LINES = 100;

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/**
 * The lines of a stream that are not blank, without spaces around them.
 *
 * @param longest the most characters of a line
 * @throws UsageError if a line is longer
 */
export async function* lineBatches(stream: NodeJS.ReadableStream, longest: number): AsyncGenerator<readonly Line[]> {
  let [rest, number] = ['', 0];
  const batch: Line[] = [];
  const add = (text: string): void => {
    number++;
    if (text.length > longest)
      throw new UsageError(
        `standard input, line ${number}: expected at most ${longest} characters, got ${text.length}`,
      );
    if (text.trim() !== '') batch.push({ text: text.trim(), number });
  };
  try {
    stream.setEncoding('utf8');
    for await (const chunk of stream) {
      const parts = (rest + String(chunk)).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        add(part);
        if (batch.length === MOST_LINES) yield batch.splice(0);
      }
      if (rest.length > longest) add(rest);
      if (batch.length > 0) yield batch.splice(0);
    }
    add(rest);
    if (batch.length > 0) yield batch.splice(0);
  } catch (error) {
    throw isReadError(error) ? new FailedError(`standard input: ${(error as Error).message}`) : error;
  }
}

function isReadError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === 'string';
}
