/**
 * The declarations of the package, read by the oldest and the newest TypeScript that it supports.
 *
 * The libraries are checked too (`skipLibCheck: false`), so that a declaration may use nothing that one of them does not
 * know. The compilers come from the fixture's own lockfile: npm would link only one `tsc` in this project.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addPackageTo } from '../support/application.js';

const run = promisify(execFile);
const project = fileURLToPath(new URL('../..', import.meta.url));
const fixture = fileURLToPath(new URL('fixture', import.meta.url));
const INSTALL_MS = 120_000;
const COMPILE_MS = 60_000;

/** The oldest first. Before 5.4 there is no `NoInfer`. */
const COMPILERS = [
  ['5.4', 'typescript54'],
  ['5.6', 'typescript56'],
  ['7', 'typescript7'],
] as const;

const root = mkdtempSync(path.join(tmpdir(), 'fleet-q-compilers-'));
/** Applications with and without snowflake-sdk. */
const [whole, small] = [path.join(root, 'whole'), path.join(root, 'small')];

beforeAll(async () => {
  cpSync(fixture, root, { recursive: true, filter: (file) => !file.includes('node_modules') });
  await run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: root });
  for (const [app, program] of [
    [whole, 'main.ts'],
    [small, 'without-snowflake.ts'],
  ] as const) {
    mkdirSync(path.join(app, 'node_modules'), { recursive: true });
    writeFileSync(path.join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    cpSync(path.join(root, 'app', program), path.join(app, 'main.ts'));
    addPackageTo(app);
    link('@types/node', app);
  }
  link('snowflake-sdk', whole);
}, INSTALL_MS);

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
}, INSTALL_MS);

/** Makes a package of this project one of the application's. */
function link(name: string, app: string): void {
  const there = path.join(app, 'node_modules', name);
  mkdirSync(path.dirname(there), { recursive: true });
  symlinkSync(path.join(project, 'node_modules', name), there);
}

/** What the compiler prints for the application's program. */
async function compile(compiler: string, app: string, moduleResolution: string): Promise<string> {
  const options = {
    target: 'es2022',
    module: moduleResolution === 'bundler' ? 'esnext' : moduleResolution,
    moduleResolution,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
  };
  writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['main.ts'] }));
  const tsc = path.join(root, 'node_modules', compiler, 'bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '-p', app]).catch(
    (error: unknown) => error as { stdout: string },
  );
  return stdout;
}

test('the oldest is the one that the docs promise', () => {
  const [[oldest]] = COMPILERS;
  const guide = readFileSync(path.join(project, 'docs/installation.md'), 'utf8');
  expect(guide).toContain(`TypeScript ${oldest} or later`);
});

describe.each(COMPILERS)('TypeScript %s', (version, compiler) => {
  test.each(['node16', 'bundler'])(
    'compiles a program that uses every entry point (moduleResolution: %s)',
    async (resolution) => {
      expect(await compile(compiler, whole, resolution)).toBe('');
    },
    COMPILE_MS,
  );

  test(
    'compiles a program without snowflake-sdk',
    async () => {
      expect(await compile(compiler, small, 'node16')).toBe('');
    },
    COMPILE_MS,
  );

  test('has the version that its name says', () => {
    const manifest = readFileSync(path.join(root, 'node_modules', compiler, 'package.json'), 'utf8');
    expect((JSON.parse(manifest) as { version: string }).version).toMatch(new RegExp(`^${version}\\.`));
  });
});
