/** Logs more than a pipe holds, then exits with 7. Argument: the format. */
import { consoleLogger, type LogLevel } from '../../../src/index.js';

const logger = consoleLogger('debug', process.argv[2] as 'json' | 'console');
const text = 'x'.repeat(1_000);
for (let i = 0; i < 500; i++) {
  for (const level of ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[])
    logger[level]({ i }, text);
  await new Promise((resolve) => setImmediate(resolve));
}
process.exitCode = 7;
