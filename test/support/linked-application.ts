/**
 * An application that installed this package without one driver or the other.
 *
 * Invariants:
 * - The package is what `npm run build` made last. It is copied, so that Node.js looks for its dependencies in the
 *   application's folder, and not in this project's.
 * - Dependencies are links to this project's `node_modules`. Nothing is installed, and the network is not used.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from './temp.js';

const project = fileURLToPath(new URL('../..', import.meta.url));

export type Driver = 'better-sqlite3' | 'snowflake-sdk';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** @returns the application's folder, which is removed when the test ends */
export function linkedApplication({ drivers }: { readonly drivers: readonly Driver[] }): string {
  if (!existsSync(path.join(project, 'dist/index.js'))) throw new Error('There is no build to copy: npm run build');
  const app = temporaryFolder();
  const own = path.join(app, 'node_modules/fleet-q');
  mkdirSync(own, { recursive: true });
  for (const part of ['dist', 'package.json']) {
    cpSync(path.join(project, part), path.join(own, part), { recursive: true });
  }
  for (const name of [...required(), ...drivers]) link(app, name);
  return app;
}

/** Copies better-sqlite3 into an application, but for its native code. */
export function addDriverWithoutNativeCode(app: string): void {
  const from = path.join(project, 'node_modules/better-sqlite3');
  const filter = (file: string): boolean => !/better-sqlite3\/(build|prebuilds|deps|src)$/.test(file);
  cpSync(from, path.join(app, 'node_modules/better-sqlite3'), { recursive: true, filter });
  for (const name of Object.keys(manifestOf(from).dependencies ?? {})) link(app, name);
}

/** The dependencies that no installation leaves out. */
function required(): readonly string[] {
  const { dependencies = {}, optionalDependencies = {} } = manifestOf(project);
  return Object.keys(dependencies).filter((name) => !(name in optionalDependencies));
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

function link(app: string, name: string): void {
  const [from, to] = [project, app].map((folder) => path.join(folder, 'node_modules', name)) as [string, string];
  if (!existsSync(from)) return;
  mkdirSync(path.dirname(to), { recursive: true });
  symlinkSync(from, to, 'junction');
}
