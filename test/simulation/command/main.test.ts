/** `npm run sim` as a process: its exit codes. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

test.each([
  [['--wrold', 'sqlite'], 2, "arguments: Unknown option '--wrold'; did you mean --world?", ''],
  [['--seeds', 'many'], 2, '--seeds: expected a whole number from 1 to 100000000, got "many"\n', ''],
  [['--help'], 0, '', 'Usage: npm run sim -- [flags]\n'],
])('%j ends with %i', { timeout: 60_000 }, (args, code, said, printed) => {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], {
    encoding: 'utf8',
  });
  expect(stderr).toContain(said);
  expect(stdout).toContain(printed);
  expect(status).toBe(code);
});
