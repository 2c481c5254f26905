/** `npm run warehouse`, as a new user runs it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ConnectionOptions } from 'snowflake-sdk';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { snowflake, type SnowflakeOptions } from '../../../src/snowflake.js';
import { newStep } from '../../conformance/harness.js';
import { startScript } from '../child.js';
import { BED_MS, describeOnTestBed } from './suite.js';

const WAREHOUSE = 'test/support/warehouse/main.ts';

async function ended(child: ChildProcess) {
  const said = [text(child.stdout!), text(child.stderr!)] as const;
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, stdout: await said[0], stderr: await said[1] };
}

/** A port on which somebody listens already. */
async function taken(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

test('a port that cannot be had is refused, with the usage, and before anything is started', async () => {
  const port = String(await taken());
  for (const [given, message] of [
    [port, `--port: ${port} is taken`],
    ['many', `--port: expected a number from 0 to 65535, got 'many'`],
  ] as const) {
    const { code, stdout, stderr } = await ended(startScript(WAREHOUSE, ['--port', given]));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^${message}\n\nUsage: `));
    expect(stderr).not.toContain('    at ');
  }
});

describeOnTestBed('npm run warehouse', () => {
  test(
    'prints the very lines that make a store, ends with a signal, and says what was seen',
    { timeout: BED_MS },
    async () => {
      const child = startScript(WAREHOUSE, []);
      let said = '';
      child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
      await expect.poll(() => said, { timeout: BED_MS }).toContain('End it with Ctrl-C');

      const printed = /const connection = (\{[^}]*\});\nconst store = snowflake\((\{.*\})\);\n/.exec(said)!;
      const connection = JSON.parse(printed[1]!) as ConnectionOptions;
      const [, database, schema] = /^\{ connection, database: '(\w+)', schema: '(\w+)' \}$/.exec(printed[2]!)!;
      const options: SnowflakeOptions = { connection, database: database!, schema: schema! };
      const log = createLog('store', { debug() {}, info() {}, warn() {}, error() {} });
      const store = await snowflake(options).create({ runtime: systemRuntime, log });
      onTestFinished(() => store.close());
      await store.open();
      expect(await store.submit([newStep()])).toEqual(['created']);

      child.kill('SIGTERM');
      expect(await once(child, 'close')).toEqual([0, null]); // with all that it said, which `exit` does not wait for
      expect(said).toMatch(/byKind: \{[^}]*insert: \d/);
    },
  );
});
