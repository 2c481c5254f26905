/**
 * The package on every supported Node.js, with the driver that npm installs there and with one that does not work there.
 *
 * The Node.js binaries come from npm, by the fixture's lockfile: for Linux on x64 only.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { addPackageTo } from '../support/application.js';

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));
const fixture = fileURLToPath(new URL('fixture', import.meta.url));
const INSTALL_MS = 300_000;
const RUN_MS = 60_000;

type Version = 20 | 22 | 24 | 26;

const root = mkdtempSync(path.join(tmpdir(), 'fleet-q-nodes-'));
const [app12, app13] = [path.join(root, 'app12'), path.join(root, 'app13')];
const nodeOf = (version: Version): string => path.join(root, `nodes/node_modules/node${version}/bin/node`);
/** Version 12 is compiled, for the Node.js that installed this project: here it is there only on Node.js 20. */
const has12 = process.versions.modules === '115';
const available = process.platform === 'linux' && process.arch === 'x64';

const PROGRAM = `
  import { FleetQ } from 'fleet-q';
  import { sqlite } from 'fleet-q/sqlite';
  const queue = new FleetQ({ store: sqlite({ path: process.argv[2] }) })
    .register('double', (n) => n * 2)
    .register('fail', () => { throw new Error('no'); }, { maxRetries: 0 });
  try {
    await queue.start();
    const ids = await queue.submitMany(Array.from({ length: 2_000 }, (_, i) => ({ type: 'double', args: i })));
    const results = await Promise.all(ids.map((id) => queue.waitFor(id)));
    const failure = await queue.waitFor(await queue.submit({ type: 'fail' })).catch(({ code }) => code);
    const { completedSteps, failedSteps } = await queue.stats();
    console.log(JSON.stringify({ right: results.every((n, i) => n === 2 * i), failure, completedSteps, failedSteps }));
  } catch ({ code, message, transient }) {
    console.log(JSON.stringify({ code, message, transient }));
  }
  await queue.stop();`;

/** What only a Node.js that strips types can load. */
const TYPESCRIPT = `
  import { defineStep, type StepContext } from 'fleet-q';
  interface Args { readonly n: number }
  export const double = defineStep({
    type: 'double',
    run: async ({ n }: Args, { attempt }: StepContext): Promise<string> => \`\${2 * n} in attempt \${attempt}\`,
  });`;

const WORKS = { right: true, failure: 'STEP_FAILED', completedSteps: 2_000, failedSteps: 1 };

beforeAll(async () => {
  if (!available) return;
  cpSync(fixture, path.join(root, 'nodes'), { recursive: true, filter: (file) => !file.includes('node_modules') });
  await run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: path.join(root, 'nodes'),
  });
  for (const app of [app12, app13]) {
    mkdirSync(app);
    writeFileSync(path.join(app, 'program.mjs'), PROGRAM);
  }
  if (has12) addPackageTo(app12);
  await npm(24, app13, ['install', `./${await packed(app13)}`]);
}, INSTALL_MS);

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
}, INSTALL_MS);

async function packed(folder: string): Promise<string> {
  if (!existsSync(path.join(project, 'dist/index.js'))) throw new Error('There is no build to pack: npm run build');
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const { stdout } = await run('npm', args, { cwd: project });
  const [tarball] = JSON.parse(stdout) as [{ filename: string }];
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true }));
  return tarball.filename;
}

/** Runs npm on another Node.js. Its PATH has that Node.js alone: no compiler, no make and no Python. */
async function npm(version: Version, folder: string, args: readonly string[]): Promise<void> {
  const PATH = path.dirname(nodeOf(version));
  await run(nodeOf(version), [npmCli(), ...args, '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: { ...process.env, PATH },
  });
}

function npmCli(): string {
  const beside = path.join(path.dirname(realpathSync(process.execPath)), '../lib/node_modules/npm/bin/npm-cli.js');
  const found = [process.env['npm_execpath'] ?? '', beside].find(
    (file) => file.endsWith('npm-cli.js') && existsSync(file),
  );
  if (found === undefined) throw new Error('npm was not found beside Node.js; run the tests with npm test');
  return found;
}

/** The output of the program there. Throws a separate error if a signal ends the process. */
async function outcome(version: Version, app: string): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(path.join(root, 'run-'));
  const args = [path.join(app, 'program.mjs'), path.join(folder, 'queue.db')];
  const { stdout, stderr } = await run(nodeOf(version), args, { cwd: folder, timeout: RUN_MS });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Record<string, unknown>;
}

function refusal(...words: string[]): object {
  const message = expect.stringMatching(new RegExp(words.join('.*'))) as string;
  return { code: 'STORE_DRIVER_MISSING', transient: false, message };
}

describe.skipIf(!available)('the package', { timeout: RUN_MS }, () => {
  test('is installed with version 13 of the driver, and compiles nothing', () => {
    const driver = path.join(app13, 'node_modules/better-sqlite3');
    expect(readFileSync(path.join(driver, 'package.json'), 'utf8')).toContain('"version": "13.');
    expect(existsSync(path.join(driver, 'build'))).toBe(false);
  });

  test.each<Version>([22, 24, 26])('works on Node.js %i as it was installed', async (version) => {
    expect(await outcome(version, app13)).toEqual(WORKS);
  });

  test.each<Version>([22, 24, 26])('runs a worker of a TypeScript module on Node.js %i', async (version) => {
    const folder = mkdtempSync(path.join(app13, 'typescript-'));
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    writeFileSync(path.join(folder, 'm.ts'), TYPESCRIPT);
    const cli = path.join(app13, 'node_modules/fleet-q/dist/cli.js');
    const worker = spawn(nodeOf(version), [cli, 'worker', 'm.ts', '--no-http'], {
      cwd: folder,
      env: { ...process.env, FLEET_Q_LOG_LEVEL: 'error' },
      stdio: 'inherit',
    });
    const exited = once(worker, 'exit');
    onTestFinished(() => void worker.kill('SIGKILL'));
    const args = [cli, 'submit', 'double', '{"n":21}', '--wait', '30s'];
    const { stdout } = await run(nodeOf(version), args, { cwd: folder, timeout: RUN_MS });
    expect(stdout).toBe('"42 in attempt 1"\n');
    worker.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  test.each<[Version, string]>([
    [20, '12'],
    [22, '13'],
    [26, '13'],
  ])('gets the driver that fits Node.js %i from npm', async (version, driver) => {
    const folder = mkdtempSync(path.join(root, 'choice-'));
    const { optionalDependencies } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
      optionalDependencies: object;
    };
    const chosen = Object.fromEntries(
      Object.entries(optionalDependencies).filter(([name]) => name === 'better-sqlite3'),
    );
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ optionalDependencies: chosen }));
    await npm(version, folder, ['install', '--package-lock-only']);
    const lock = JSON.parse(readFileSync(path.join(folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    expect(lock.packages['node_modules/better-sqlite3']?.version).toMatch(new RegExp(`^${driver}\\.`));
  });

  test('refuses version 13 on Node.js 20, because it would crash the process', async () => {
    expect(await outcome(20, app13)).toEqual(refusal('Node.js 20', 'npm install better-sqlite3@12'));
  });

  test.each([
    ['its native code', 'node_modules/better-sqlite3/prebuilds', 'native code', 'build-release'],
    ['the driver', 'node_modules/better-sqlite3', 'better-sqlite3 is not installed', 'npm install better-sqlite3@13'],
    ['a package of the driver', 'node_modules/better-sqlite3/lib/util.js', 'cannot be loaded', 'better-sqlite3@13'],
  ])('says what to install where %s is missing', async (_, part, ...words) => {
    const [here, away] = [path.join(app13, part), path.join(app13, 'away')];
    renameSync(here, away);
    onTestFinished(() => renameSync(away, here));
    expect(await outcome(24, app13)).toEqual(refusal(...words));
  });

  describe.skipIf(!has12)('with version 12 of the driver, compiled for Node.js 20', () => {
    test('works on Node.js 20.19', async () => {
      expect(await outcome(20, app12)).toEqual(WORKS);
    });

    test('asks for a rebuild on Node.js 22', async () => {
      expect(await outcome(22, app12)).toEqual(refusal('Node.js 22', 'npm rebuild better-sqlite3'));
    });

    test.each<Version>([24, 26])('refuses it on Node.js %i, because it could abort the process', async (version) => {
      expect(await outcome(version, app12)).toEqual(refusal(`Node.js ${version}`, 'npm install better-sqlite3@13'));
    });
  });
});
