/** Prints one line of JSON for each test as it ends, so that a run that is cut short is counted too. */
import type { Reporter, TestCase } from 'vitest/node';

/** Begins each line that is meant for `run.ts`. */
export const MARK = '@live ';

export default class LineReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    const [error] = result.errors ?? [];
    const line = { title: test.fullName, state: result.state, ...(error && { message: error.message }) };
    process.stdout.write(`${MARK}${JSON.stringify(line)}\n`);
  }
}
