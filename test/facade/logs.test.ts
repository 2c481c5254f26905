/** Log lines are structured, show payloads only on request, and never show secrets. */
import { expect, test } from 'vitest';
import type { Logger } from 'fleet-q';
import { newQueue } from '../support/queues.js';

/** A logger that keeps every line, down to `debug` or not. */
function recorder(debug: boolean): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const write = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return {
    lines,
    debug: write,
    info: write,
    warn: write,
    error: write,
    isLevelEnabled: (level) => debug || level !== 'debug',
  };
}

async function work(options: { logger: Logger; logPayloads?: boolean }): Promise<void> {
  const queue = newQueue(options).register('greet', ({ name }: { name: string }) => `hello ${name}`);
  await queue.start();
  await queue.waitFor(await queue.submit({ type: 'greet', args: { name: 'xyzzy' } }));
  await queue.stop();
}

test('lines name the part and the step, and hold no payload', async () => {
  const logger = recorder(true);
  await work({ logger });
  const line = logger.lines.find((each) => each.startsWith('step completed'));
  expect(line).toContain('"type":"greet"');
  expect(line).toContain('"part":"settler"');
  expect(logger.lines.join('\n')).not.toContain('xyzzy');
});

test('logPayloads puts args and results into debug lines', async () => {
  const logger = recorder(true);
  await work({ logger, logPayloads: true });
  const line = logger.lines.find((each) => each.startsWith('step completed'));
  expect(line).toContain('"args":{"name":"xyzzy"}');
  expect(line).toContain('hello xyzzy');
});

test('a logger that writes no debug lines gets none for a step', async () => {
  const logger = recorder(false);
  await work({ logger, logPayloads: true });
  expect(logger.lines.some((line) => line.startsWith('step completed'))).toBe(false);
});
