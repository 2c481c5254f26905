/** Runs the chaos test on what `npm run build` made last (`npm test` builds first). */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../support/temp.js';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';
import type { Summary } from './chaos.js';
import { fileIn } from './settings.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SEED = 7;

/** As `npm run chaos` does, with a folder for temporary files of its own. */
function chaos(folder: string, ...args: readonly string[]): ChildProcess {
  if (!existsSync(`${ROOT}dist/index.js`)) throw new Error('there is no build to test; run npm run build');
  return spawn(process.execPath, ['--import', 'tsx', 'test/chaos/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, TSX_TSCONFIG_PATH: 'tsconfig.build.json', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** What a run has left behind: its files, and the processes that use them. */
async function leftIn(folder: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'args']);
  const files = readdirSync(folder).filter((name) => name.startsWith('fleet-q'));
  return [...files, ...stdout.split('\n').filter((line) => line.includes(folder))];
}

async function summaryOf(child: ChildProcess): Promise<Summary> {
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary;
}

test('keeps every promise through 20 s of kills, freezes, restarts and locks', { timeout: 180_000 }, async () => {
  const folder = temporaryFolder();
  const summary = await summaryOf(chaos(folder, '--seconds', '20', '--pods', '4', '--seed', String(SEED), '--json'));
  expect(Object.keys(summary)).toEqual([
    ...['acknowledged', 'terminal', 'lost', 'settledTwice', 'staleAccepted'],
    ...['kills', 'freezes', 'restarts', 'violations'],
  ]);
  expect(summary).toMatchObject({ lost: 0, settledTwice: 0, staleAccepted: 0, violations: 0 });
  expect(summary.terminal).toBe(summary.acknowledged);
  expect(summary.acknowledged).toBeGreaterThan(100);
  expect(Math.min(summary.kills, summary.freezes, summary.restarts)).toBeGreaterThanOrEqual(4);
  expect(await leftIn(folder)).toEqual([]);
});

describeOnTestBed('on Snowflake', () => {
  test(
    'pods that combine keep every promise through 60 s of kills, freezes, restarts and locks',
    { timeout: 2 * BED_MS },
    async () => {
      const [folder, kept] = [temporaryFolder(), temporaryFolder()];
      const length = ['--seconds', '60', '--pods', '4', '--seed', String(SEED)];
      const summary = await summaryOf(chaos(folder, '--store', 'snowflake', ...length, '--keep', kept, '--json'));
      expect(summary).toMatchObject({ lost: 0, settledTwice: 0, staleAccepted: 0, violations: 0 });
      expect(summary.terminal).toBe(summary.acknowledged);
      // How much work there is depends on the machine: the emulator is slow.
      expect(summary.acknowledged).toBeGreaterThan(0);
      expect(Math.min(summary.kills, summary.freezes, summary.restarts)).toBeGreaterThanOrEqual(4);
      const evidence = new Database(fileIn(kept), { readonly: true });
      onTestFinished(() => void evidence.close());
      const asked = evidence.prepare('SELECT COUNT(*) AS pods FROM EXCHANGE_REQUEST').get();
      expect((asked as { pods: number }).pods).toBeGreaterThan(1);
      expect(await leftIn(folder)).toEqual([]);
    },
  );
});

test('leaves no process and no file behind if it is interrupted', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const child = chaos(folder, '--seconds', '60', '--pods', '3', '--seed', String(SEED));
  const ended = once(child, 'exit');
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false }))
    if (String(chunk).includes('submitters are running')) break;
  await pause(2_500); // by now some processes are frozen and others are starting
  expect((await leftIn(folder)).length).toBeGreaterThan(3);
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(await leftIn(folder)).toEqual([]);
});
