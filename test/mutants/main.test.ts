/** The command line of `npm run mutants`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

test.each([
  [['--onyl', 'fleet'], /^Unknown option '--onyl'.*\nexpected \[--json\] \[--only TEXT\]\.\.\. \[--jobs N\]\n$/],
  [['--jobs', '0'], /^--jobs: expected a whole number from 1 to 64, got 0\n$/],
])('refuses %j with one sentence and exit code 2', { timeout: 60_000 }, (args, message) => {
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], { encoding: 'utf8' });
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});
