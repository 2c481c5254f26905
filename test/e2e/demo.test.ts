/** The demo, as a newcomer runs it, on fewer files: the summary keeps every promise of the README. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Summary } from '../../examples/demo/summary.js';
import { TIMING } from '../../examples/demo/settings.js';

const FILES = 2_500;

test('a killed leader and a frozen pod lose nothing and settle nothing twice', { timeout: 90_000 }, async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'examples/demo/main.ts', '--json', '--files', String(FILES)],
    {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  expect(code, stderr).toBe(0);
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Summary;
  expect(summary).toMatchObject({ submitted: FILES, completed: FILES, lost: 0, wrong: 0, settledTwice: 0 });
  expect(summary.recovered).toBeGreaterThanOrEqual(1);
  expect(summary.staleRefused).toBeGreaterThanOrEqual(1);
  expect(summary.ranTwice).toBeGreaterThanOrEqual(1);
  expect(summary.recoveryMs).toBeGreaterThan(0);
  expect(summary.recoveryMs).toBeLessThanOrEqual(TIMING.deadAfterMs + 2 * TIMING.recoveryIntervalMs + 1_000);
  expect(Object.keys(summary)).toEqual([
    ...['submitted', 'completed', 'lost', 'wrong', 'settledTwice', 'ranTwice'],
    ...['recovered', 'staleRefused', 'recoveryMs', 'seconds'],
  ]);
});
