/** Without Python, the Snowflake tests are skipped with a message. If CI is `true`, they fail. Each case is a run of its own. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MISSING = /Python 3\.11 or newer with its venv module was not found as no-such-python/;

/** Runs one small file on the test bed, without Python. */
function run(env: NodeJS.ProcessEnv): Promise<{ failed: boolean; said: string }> {
  const args = ['run', 'test/support/warehouse/slots.test.ts', '--typecheck=false', '--no-color'];
  const root = new URL('../../../', import.meta.url);
  const vitest = fileURLToPath(new URL('node_modules/vitest/vitest.mjs', root));
  // A run by hand, not a worker of this one.
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|CI$)/.test(name));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [vitest, ...args],
      { cwd: fileURLToPath(root), env: { ...Object.fromEntries(own), FLEET_Q_TEST_PYTHON: 'no-such-python', ...env } },
      (error, stdout, stderr) => resolve({ failed: error !== null, said: stdout + stderr }),
    );
  });
}

test.concurrent('without Python they are skipped, with a message', { timeout: 60_000 }, async () => {
  const { failed, said } = await run({});
  expect(failed, said).toBe(false);
  expect(said).toMatch(new RegExp(String.raw`\*\*\* SNOWFLAKE TESTS SKIPPED: .*${MISSING.source} \*\*\*`));
  expect(said).toMatch(/Tests +\d+ skipped/);
  expect(said).not.toMatch(/Tests .*passed/);
});

test.concurrent('they fail instead if CI is true', { timeout: 60_000 }, async () => {
  const { failed, said } = await run({ CI: 'true' });
  expect(failed, said).toBe(true);
  expect(said).toMatch(new RegExp(`The Snowflake tests cannot run: .*${MISSING.source}`));
});
