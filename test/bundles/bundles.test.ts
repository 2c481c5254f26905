/**
 * Bundled applications: each is built as docs/installation.md says, then run.
 *
 * The bundlers come from the fixture's own lockfile, so that this project does not depend on them. better-sqlite3 stays
 * outside of the bundle; snowflake-sdk stays outside too and is not installed.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { addPackageTo } from '../support/application.js';
import { temporaryFolder } from '../support/temp.js';
import { freePort } from '../support/free-port.js';

const run = promisify(execFile);
const fixture = fileURLToPath(new URL('fixture', import.meta.url));
const INSTALL_MS = 240_000;
const BUILD_MS = 120_000;

const app = mkdtempSync(path.join(tmpdir(), 'fleet-q-bundles-'));

beforeAll(async () => {
  cpSync(fixture, app, { recursive: true, filter: (file) => !file.includes('node_modules') });
  await run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: app });
  addPackageTo(app);
}, INSTALL_MS);

afterAll(() => {
  rmSync(app, { recursive: true, force: true });
}, INSTALL_MS);

const env = { ...process.env, DEBUG: '', NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };

/** What a program of Node.js prints, run in the application's folder. */
async function node(
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, [...args], { cwd: app, env: { ...env, ...more }, timeout: BUILD_MS });
}

const bin = (name: string): string => path.join(app, 'node_modules', name);

const INLINE = 'no helper thread: checkpoints, stats and long lists run inline';

/** Runs a bundle of app.js on a new file. */
async function answer(bundle: string, helper?: string): Promise<unknown> {
  const file = path.join(temporaryFolder(), 'queue.db');
  const { stdout, stderr } = await node([bundle, file, ...(helper === undefined ? [] : [helper])]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** The bundle runs. If the helper's own bundle is given, its thread runs too. */
async function expectToRun(folder: string, extension: string, withoutHelper: readonly string[]): Promise<void> {
  const [bundle, helper] = [`out/${folder}/app.${extension}`, `out/${folder}/helper.${extension}`];
  expect(await answer(bundle)).toEqual({ result: 42, completedSteps: 1, warnings: withoutHelper });
  expect(await answer(bundle, path.join(app, helper))).toEqual({ result: 42, completedSteps: 1, warnings: [] });
}

describe('esbuild', { timeout: BUILD_MS }, () => {
  const outside = ['--external:better-sqlite3', '--external:snowflake-sdk'];

  test.each([
    ['esm', 'mjs'],
    ['cjs', 'cjs'],
  ])('runs an application as %s, and warns once that it has no helper thread', async (format, extension) => {
    const entries = ['app.js', 'helper=fleet-q/sqlite/helper'];
    const output = [`--format=${format}`, `--out-extension:.js=.${extension}`, `--outdir=out/esbuild-${format}`];
    const built = await node([
      bin('esbuild/bin/esbuild'),
      ...entries,
      '--bundle',
      '--platform=node',
      ...outside,
      ...output,
      '--log-level=warning',
    ]);
    expect(built.stderr).toBe('');
    await expectToRun(`esbuild-${format}`, extension, [INLINE]);
  });

  test('an ES module bundle writes the log that DEBUG enables', async () => {
    const output = ['--format=esm', '--outfile=out/logs.mjs', '--log-level=warning'];
    await node([bin('esbuild/bin/esbuild'), 'app.js', '--bundle', '--platform=node', ...outside, ...output]);
    const file = path.join(temporaryFolder(), 'queue.db');
    const { stderr } = await node(['out/logs.mjs', file], { DEBUG: 'fleet-q:queue' });
    expect(stderr).toMatch(/fleet-q:queue info started/);
  });
});

test('webpack makes a production build that runs', { timeout: BUILD_MS }, async () => {
  const { stdout } = await node(['webpack.mjs']);
  expect(stdout.trim()).toBe('');
  // webpack writes the path of each module into the bundle, so the helper is found as long as the folder exists.
  await expectToRun('webpack', 'cjs', []);
});

test('rollup makes ES modules and CommonJS that run', { timeout: BUILD_MS }, async () => {
  const { stderr } = await node([bin('rollup/dist/bin/rollup'), '--config', '--silent']);
  expect(stderr).toBe('');
  await expectToRun('rollup-es', 'mjs', [INLINE]);
  await expectToRun('rollup-cjs', 'cjs', [INLINE]);
});

test('a route of a Next.js production build submits what a worker runs', { timeout: 2 * BUILD_MS }, async () => {
  const next = bin('next/dist/bin/next');
  await node([next, 'build']);
  const port = await freePort();
  const more = { QUEUE_FILE: path.join(temporaryFolder(), 'queue.db') };
  const worker = started(['worker.js'], more);
  const server = started([next, 'start', '--hostname', '127.0.0.1', '--port', String(port)], more);
  await Promise.all([printed(worker, 'ready'), printed(server, 'Ready')]);
  const response = await fetch(`http://127.0.0.1:${port}/api/double`, { method: 'POST', body: '21' });
  expect(await response.json()).toEqual({ result: 42, completedSteps: 1 });
});

test(
  "Jest waits for a held file, also in its second test file, whose realm is not the driver's",
  {
    timeout: BUILD_MS,
  },
  async () => {
    for (const name of ['first', 'second']) {
      cpSync(path.join(app, 'jest/realm.test.js'), path.join(app, `jest-files/${name}.test.js`));
    }
    const flags = ['--rootDir', 'jest-files', '--runInBand', '--transform', '{}'];
    const args = ['--experimental-vm-modules', '--no-warnings', bin('jest/bin/jest.js'), ...flags];
    const { stderr } = await node(args, { NODE_ENV: 'test', NODE_PATH: path.join(app, 'node_modules') });
    expect(stderr).toContain('4 passed, 4 total');
  },
);

/** A process in a group of its own, ended with all of its children when the test ends. */
function started(args: readonly string[], more: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, args, {
    cwd: app,
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await exited;
  });
  return child;
}

function printed(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(text)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`exited with ${code}: ${output}`)));
  });
}
