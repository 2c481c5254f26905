/**
 * The package as its users get it: packed, installed into an empty application, and run from there.
 *
 * It tests what `npm run build` made last (`npm test` builds first). The application's packages come from the cache that
 * the installation of this project filled, or from the registry.
 */
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire, SourceMap, type SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);

const project = fileURLToPath(new URL('..', import.meta.url));
const INSTALL_MS = 120_000;

const app = mkdtempSync(path.join(tmpdir(), 'fleet-q-package-'));
let packed: readonly string[];

beforeAll(async () => {
  if (!existsSync(path.join(project, 'dist/index.js'))) throw new Error('there is no build to pack; run npm run build');
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', app], {
    cwd: project,
  });
  const [tarball] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = tarball.files.map((file) => file.path);
  await install(tarball.filename);
}, INSTALL_MS);

afterAll(() => {
  rmSync(app, { recursive: true, force: true });
}, INSTALL_MS);

/**
 * Installs the tarball without compiling better-sqlite3 anew, which takes a minute: the application gets the very
 * version that this project has, and with it the binary that was compiled here.
 */
async function install(tarball: string): Promise<void> {
  const driver = path.dirname(resolve('better-sqlite3/package.json'));
  const { version } = JSON.parse(readFileSync(path.join(driver, 'package.json'), 'utf8')) as { version: string };
  write('package.json', JSON.stringify({ private: true, overrides: { 'better-sqlite3': version } }));
  await run('npm', ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], {
    cwd: app,
  });
  const binary = 'build/Release/better_sqlite3.node';
  mkdirSync(path.join(app, 'node_modules/better-sqlite3/build/Release'), { recursive: true });
  copyFileSync(path.join(driver, binary), path.join(app, 'node_modules/better-sqlite3', binary));
}

function write(name: string, text: string): string {
  const file = path.join(app, name);
  writeFileSync(file, text);
  return file;
}

/** The first program of a new user: submits a step, runs it, reads its result. It must also end by itself. */
const program = (file: string) => `
  const queue = new FleetQ({ store: sqlite({ path: ${JSON.stringify(file)} }) })
    .register('double', async (args) => ({ doubled: args.n * 2 }));
  await queue.start();
  const stepId = await queue.submit({ type: 'double', args: { n: 21 } });
  const result = await queue.waitFor(stepId, { timeoutMs: 20_000 });
  const step = await queue.getStep(stepId);
  await queue.stop();
  console.log(JSON.stringify({ result, status: step.status }));
`;

async function output(name: string, text: string): Promise<unknown> {
  const { stdout, stderr } = await run(process.execPath, [write(name, text)], { cwd: app, timeout: 30_000 });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('the packed files', () => {
  test('contain what a user needs and nothing else', () => {
    const wanted =
      /^(dist\/.+\.(js|d\.ts)(\.map)?|src\/.+\.ts|docs\/.+\.md|examples\/.+\.(ts|json|mjs)|deploy\/.+|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
    expect(packed.filter((file) => !wanted.test(file))).toEqual([]);
    expect(packed).toEqual(expect.arrayContaining(['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE']));
  });

  test('contain every entry point', () => {
    const { exports } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
      exports: Record<string, { types: string; default: string }>;
    };
    const entries = Object.values(exports).flatMap((entry) => [entry.types, entry.default]);
    expect(packed).toEqual(expect.arrayContaining(entries.map((file) => file.replace('./', ''))));
  });

  test('were built from sources that still exist', () => {
    const source = (file: string) => file.replace(/^dist\//, 'src/').replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    const built = packed.filter((file) => file.startsWith('dist/'));
    expect(built.filter((file) => !existsSync(path.join(project, source(file))))).toEqual([]);
  });
});

/** Every link of the README, without its fragment. */
const links = [...readFileSync(path.join(project, 'README.md'), 'utf8').matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(
  ([, link = '']) => link,
);

describe('a link of the README', () => {
  test('leads to a packed file, or is absolute', () => {
    expect(links.length).toBeGreaterThan(5);
    const packedFiles = new Set(packed);
    expect(links.filter((link) => !link.startsWith('https://') && !packedFiles.has(path.normalize(link)))).toEqual([]);
  });

  // The page of the package resolves a relative link against the repository.
  test('can be resolved by the page of the package', () => {
    const { repository, homepage } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as {
      repository: { url: string };
      homepage: string;
    };
    expect(repository.url).toMatch(/^git\+https:\/\/github\.com\/[\w-]+\/[\w-]+\.git$/);
    expect(homepage).toContain(repository.url.slice('git+'.length, -'.git'.length));
  });
});

describe('the maps', () => {
  const installed = path.join(app, 'node_modules/fleet-q');

  test('stand beside every module and every declaration, and name sources that are packed', () => {
    const modules = packed.filter((file) => /^dist\/.+\.(js|d\.ts)$/.test(file));
    expect(modules.length).toBeGreaterThan(100);
    for (const file of modules) {
      const map = `${path.basename(file)}.map`;
      expect(readFileSync(path.join(installed, file), 'utf8'), file).toContain(`//# sourceMappingURL=${map}`);
      const { sources, sourceRoot } = JSON.parse(readFileSync(path.join(installed, `${file}.map`), 'utf8')) as {
        sources: string[];
        sourceRoot?: string;
      };
      const from = path.join(installed, path.dirname(file), sourceRoot ?? '');
      expect(sources, file).toHaveLength(1);
      expect(sources.filter((source) => !existsSync(path.join(from, source)))).toEqual([]);
    }
  });

  test('lead a stack trace to the source', async () => {
    const text = `
      import { FleetQ } from 'fleet-q';
      try {
        new FleetQ({ maxRetries: -1 });
      } catch (error) {
        console.log(JSON.stringify(error.stack));
      }`;
    const file = write('stack.mjs', text);
    const { stdout } = await run(process.execPath, ['--enable-source-maps', file], { cwd: app });
    const [, source = '', line] = /\((?:file:\/\/)?([^()]*\/fleet-q\/src\/fleetq\.ts):(\d+):\d+\)/.exec(stdout) ?? [];
    const read = readFileSync(source, 'utf8').split('\n')[Number(line) - 1];
    expect(read).toContain('resolveOptions(');
  });

  test('lead an editor from a declaration to the source', () => {
    const declarations = path.join(installed, 'dist/fleetq.d.ts');
    const lines = readFileSync(declarations, 'utf8').split('\n');
    const line = lines.findIndex((text) => text.includes('const FleetQ'));
    const map = new SourceMap(JSON.parse(readFileSync(`${declarations}.map`, 'utf8')) as SourceMapPayload);
    const entry = map.findEntry(line, lines[line]?.indexOf('FleetQ') ?? -1);
    if (!('originalSource' in entry)) throw new Error(`line ${line} of ${declarations} has no source`);
    const source = path.join(path.dirname(declarations), entry.originalSource);
    expect(readFileSync(source, 'utf8').split('\n')[entry.originalLine]).toContain('const FleetQ');
  });
});

describe('an application that installed it', () => {
  const expected = { result: { doubled: 42 }, status: 'completed' };

  test('runs it from an ES module', async () => {
    const text = `
      import { FleetQ } from 'fleet-q';
      import { sqlite } from 'fleet-q/sqlite';
      ${program('esm.db')}`;
    expect(await output('esm.mjs', text)).toEqual(expected);
  });

  test('runs it from CommonJS', async () => {
    const text = `
      const { FleetQ } = require('fleet-q');
      const { sqlite } = require('fleet-q/sqlite');
      async function main() { ${program('cjs.db')} }
      main();`;
    expect(await output('cjs.cjs', text)).toEqual(expected);
  });

  test('loads no driver before a store opens', async () => {
    const text = `
      const { FleetQ } = require('fleet-q');
      const { sqlite } = require('fleet-q/sqlite');
      new FleetQ({ store: sqlite({ path: 'never.db' }) });
      process.on('exit', () => {
        console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file.includes('better-sqlite3'))));
      });`;
    expect(await output('lazy.cjs', text)).toEqual([]);
  });

  // Its declarations must not need types that only this project has installed.
  test('compiles against its types, with the libraries checked too', async () => {
    write(
      'app.ts',
      `
      import { FleetQ } from 'fleet-q';
      import { sqlite } from 'fleet-q/sqlite';
      import * as testing from 'fleet-q/testing';
      const queue = new FleetQ({ store: sqlite({ path: 'types.db' }) })
        .register('double', async (args: { n: number }) => ({ doubled: args.n * 2 }));
      export async function main(): Promise<number> {
        const { doubled } = await queue.waitFor(await queue.submit({ type: 'double', args: { n: 21 } }));
        // @ts-expect-error args are typed
        await queue.submit({ type: 'double', args: { n: '21' } });
        return doubled + Object.keys(testing).length;
      }
    `,
    );
    const compilerOptions = {
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [path.join(project, 'node_modules/@types')],
    };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    const tsc = resolve('typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '-p', app]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe('');
  }, 60_000);
});

test('npx fleet-q demo runs from the installed package, and leaves nothing', { timeout: 120_000 }, async () => {
  const left = mkdtempSync(path.join(tmpdir(), 'fleet-q-demo-test-'));
  const { stdout, stderr } = await run('npx', ['--no', 'fleet-q', 'demo', '--files', '300', '--json'], {
    cwd: app,
    env: { ...process.env, DEBUG: '', TMPDIR: left },
  });
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, number>;
  expect(summary, stderr).toMatchObject({ submitted: 300, completed: 300, lost: 0, wrong: 0, settledTwice: 0 });
  expect(stderr).toContain(`300 files below ${path.join(app, 'node_modules')}, 3 pods, one SQLite file`);
  expect(readdirSync(left)).toEqual([]);
  rmSync(left, { recursive: true });
});

test('the demo on Snowflake says that it needs a checkout', { timeout: 60_000 }, async () => {
  const ended = run('npx', ['--no', 'fleet-q', 'demo', '--store', 'snowflake'], { cwd: app });
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is not part of the package') as string,
  });
});
