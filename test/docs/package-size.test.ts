/** docs/installation.md has the sizes of the package: packed, installed alone, and with its dependencies. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { read, table } from './markdown.js';

const project = fileURLToPath(new URL('../../', import.meta.url));
const text = read('docs/installation.md');
const MB = 1_000_000;
/** The sizes in the page are rounded, and change a little with each release of a dependency. */
const TOLERANCE = 0.25;

const rows = table(text.slice(text.indexOf('## The drivers')));
const documented = (installed: string): { packages: number; bytes: number } => {
  const row = rows.find((one) => one['installed'] === installed);
  return { packages: Number(row?.['packages']), bytes: Number.parseFloat(row?.['size'] ?? '') * MB };
};

function expectNear(bytes: number, page: number): void {
  expect(bytes).toBeGreaterThan(page * (1 - TOLERANCE) - MB / 2);
  expect(bytes).toBeLessThan(page * (1 + TOLERANCE) + MB / 2);
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
}
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** The folder of a package, as Node.js finds it from another folder. */
function folderOf(name: string, from: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const found = join(at, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (at === dirname(at)) return undefined;
  }
}

/** The packages that npm installs with this one, without optional ones. */
function dependencies(folder = project, found = new Set<string>()): Set<string> {
  for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
    const next = folderOf(name, folder);
    if (next === undefined || found.has(next)) continue;
    found.add(next);
    dependencies(next, found);
  }
  return found;
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
    }, 0);
}

test('the sizes are those of the package and of what it installs', { timeout: 120_000 }, async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    ...{ cwd: project, maxBuffer: 64 * MB },
  });
  const [packed] = JSON.parse(stdout) as { readonly size: number; readonly unpackedSize: number }[];
  expect(packed).toBeDefined();
  const { size, unpackedSize } = packed!;
  const download = Number(/The download of `fleet-q` is (\d+) MB/.exec(text)?.[1]) * MB;
  expectNear(size, download);
  expectNear(unpackedSize, documented('`fleet-q` alone').bytes);
  const others = [...dependencies()];
  const whole = documented('`fleet-q` with its dependencies, without drivers');
  expect(whole.packages).toBe(1 + others.length);
  expectNear(unpackedSize + others.reduce((sum, folder) => sum + sizeOf(folder), 0), whole.bytes);
});
