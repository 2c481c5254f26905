/** The Dockerfile: linted, checked against the code, and its steps played in an empty folder, without Docker. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { authorized, Process, TOKEN } from '../cli/worker/service.js';
import { describeOnTestBed } from '../support/warehouse/suite.js';
import { temporaryFolder } from '../support/temp.js';
import { freePort } from '../support/free-port.js';
import { Build, execForm, filesBelow, ignorePatterns, readDockerfile, variablesOf } from './support/dockerfile.js';
import { pythonTool } from './support/python-tool.js';

const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);
const project = fileURLToPath(new URL('../../', import.meta.url));
const file = path.join(project, 'deploy/Dockerfile');
const dockerfile = readDockerfile(readFileSync(file, 'utf8'));
const [build, image] = dockerfile.stages as [(typeof dockerfile.stages)[0], (typeof dockerfile.stages)[0]];
const TOOL_MS = 300_000;
const BUILD_MS = 400_000;

describeOnTestBed('the linter', () => {
  test('has nothing to say about the Dockerfile', { timeout: TOOL_MS }, async () => {
    expect(await pythonTool('hadolint', ['--no-color', file])).toEqual({ code: 0, output: '' });
  });

  test('would report what is wrong', { timeout: TOOL_MS }, async () => {
    const bad = path.join(temporaryFolder(), 'Dockerfile');
    writeFileSync(bad, 'FROM node:latest\nRUN cd /app && npm install\nCMD node worker.js\n');
    const { code, output } = await pythonTool('hadolint', ['--no-color', bad]);
    expect(code).toBe(1);
    expect(output).toMatch(/DL3007[^]*DL3003[^]*DL3025/);
  });
});

describe('the image', () => {
  const { bin, engines, version } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
    engines: { node: string };
    version: string;
  };

  test('is built in one stage, and runs in another on the same base', () => {
    expect(dockerfile.stages).toHaveLength(2);
    expect(build.name).toBe('build');
    expect(image.image).toBe(build.image);
    const [major] = /\d+/.exec(dockerfile.args.join().replace('NODE_VERSION=', ''))!;
    expect(Number(major)).toBeGreaterThanOrEqual(Number(/\d+/.exec(engines.node)![0]));
    expect(version).toBeTruthy();
  });

  test('runs as a user that is not root, by number', () => {
    const users = image.lines.filter(({ keyword }) => keyword === 'USER').map(({ text }) => text);
    expect(users).toEqual(['1000:1000']);
    const at = (keyword: string) => image.lines.findIndex((line) => line.keyword === keyword);
    expect(at('USER')).toBeLessThan(at('ENTRYPOINT'));
    expect(image.lines.slice(at('USER')).filter(({ keyword }) => keyword === 'RUN' || keyword === 'COPY')).toEqual([]);
  });

  test('starts Node.js itself, so that Node.js gets the signals', () => {
    const cli = `node_modules/fleet-q/${bin['fleet-q']!.replace('./', '')}`;
    expect(execForm(image, 'ENTRYPOINT')).toEqual(['node', cli]);
    expect(execForm(image, 'CMD')).toEqual(['worker', 'dist/steps.js']);
    expect(execForm(image, 'HEALTHCHECK')).toEqual(['node', cli, 'probe', 'livez']);
  });

  test('exposes the port that it listens at', () => {
    const exposed = image.lines.find(({ keyword }) => keyword === 'EXPOSE')!.text;
    expect(variablesOf(image)['FLEET_Q_API_PORT']).toBe(exposed);
  });

  test('installs packages of the system in the build stage alone, and leaves no lists', () => {
    const [install, ...others] = build.lines.filter(({ text }) => text.includes('apt-get'));
    expect(others).toEqual([]);
    expect(install!.text).toMatch(/^apt-get update\s+&& apt-get install --yes --no-install-recommends /);
    expect(install!.text).toContain('rm -rf /var/lib/apt/lists/*');
    expect(image.lines.filter(({ text }) => text.includes('apt-get'))).toEqual([]);
  });

  test('sets only variables that the documentation explains', () => {
    const configuration = readFileSync(path.join(project, 'docs/configuration.md'), 'utf8');
    const names = Object.keys(variablesOf(image)).filter((name) => name !== 'NODE_ENV');
    expect(names.length).toBeGreaterThan(2);
    expect(names.filter((name) => !configuration.includes(`\`${name}\``))).toEqual([]);
  });
});

test(
  'the steps of the Dockerfile build examples/worker in an empty folder, and what they build runs',
  { timeout: BUILD_MS },
  async () => {
    const context = await buildContext();
    const ignored = ignorePatterns(`${file}.dockerignore`);
    const { root, cwd } = await new Build(context, ignored, imageFolder()).play(
      dockerfile,
      // The installation comes from the cache, and the driver is not compiled anew, which takes a minute.
      { ...process.env, npm_config_ignore_scripts: 'true', npm_config_prefer_offline: 'true' },
      (line, folder) => line.text.startsWith('npm ci') && addNativeDriver(folder),
    );
    const files = filesBelow(cwd);
    expect(files.filter((name) => /^node_modules\/(typescript|@types\/node)$/.test(name))).toEqual([]);
    const own = files.filter((name) => !name.startsWith('node_modules'));
    expect(own.toSorted()).toEqual(['dist', 'dist/steps.js', 'package.json']);

    const port = await freePort();
    const variables = Object.entries(variablesOf(image)).map(([name, value]) => [
      name,
      value.replace('/data', `${root}/data`),
    ]);
    const env = { ...Object.fromEntries(variables), FLEET_Q_API_PORT: String(port) } as NodeJS.ProcessEnv;
    const [node, ...entry] = execForm(image, 'ENTRYPOINT');
    expect(node).toBe('node');
    const command = [...entry, ...execForm(image, 'CMD')];
    const refused = await new Process(cwd, command, env).ended;
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('FLEET_Q_API_TOKEN is not set');

    const worker = new Process(cwd, command, { ...env, FLEET_Q_API_TOKEN: TOKEN });
    const url = (await worker.becomesReady()).replace('0.0.0.0', '127.0.0.1');
    const [, ...health] = execForm(image, 'HEALTHCHECK');
    expect(await new Process(cwd, health, env).ended).toMatchObject({ code: 0 });
    const stepId = await submit(url, { type: 'count_words', args: { text: 'built without Docker' } });
    await expect.poll(() => step(url, stepId), { timeout: 30_000 }).toMatchObject({ status: 'completed' });
    expect(existsSync(path.join(root, 'data/fleet-q.db'))).toBe(true);
    expect(await worker.terminate()).toMatchObject({ code: 0, signal: null });
    expect(await new Process(cwd, health, env).ended).toMatchObject({ code: 1 });
  },
);

/** examples/worker, with this package as it would be published, and with files that no image should have. */
async function buildContext(): Promise<string> {
  const [packed, context] = [temporaryFolder(), temporaryFolder()];
  cpSync(path.join(project, 'examples/worker'), context, { recursive: true });
  const manifest = JSON.parse(readFileSync(path.join(context, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    overrides?: Record<string, string>;
  };
  manifest.dependencies['fleet-q'] = `file:${await pack(project, packed)}`;
  // The driver of Snowflake is large, and nothing here needs it.
  const [empty, name] = [temporaryFolder(), 'snowflake-sdk'];
  writeFileSync(path.join(empty, 'package.json'), JSON.stringify({ name, version: versionOf(name) }));
  manifest.overrides = { 'better-sqlite3': versionOf('better-sqlite3'), [name]: `file:${await pack(empty, packed)}` };
  writeFileSync(path.join(context, 'package.json'), JSON.stringify(manifest));
  await run(
    'npm',
    ['install', '--package-lock-only', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'],
    {
      cwd: context,
    },
  );
  mkdirSync(path.join(context, 'node_modules'));
  for (const name of ['.env', '.npmrc', 'node_modules/junk.js', 'left.db', 'src/left.db-wal'])
    writeFileSync(path.join(context, name), 'not for the image');
  return context;
}

/** @returns the tarball */
async function pack(cwd: string, destination: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return path.join(destination, filename);
}

const driver = path.dirname(resolve('better-sqlite3/package.json'));

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(resolve(`${name}/package.json`), 'utf8')) as { version: string }).version;
}

function addNativeDriver(folder: string): void {
  const binary = 'build/Release/better_sqlite3.node';
  const target = path.join(folder, 'node_modules/better-sqlite3', binary);
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(path.join(driver, binary), target);
}

/** Removed after the test, which may take a while: an installation has thousands of files. */
function imageFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-image-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }), TOOL_MS);
  return folder;
}

const headers = { ...authorized, connection: 'close' };

async function submit(url: string, body: unknown): Promise<string> {
  const answer = await fetch(`${url}/submit`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { step_id: string }).step_id;
}

async function step(url: string, stepId: string): Promise<unknown> {
  return (await fetch(`${url}/status/${stepId}`, { headers })).json();
}
