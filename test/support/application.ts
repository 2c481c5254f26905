/**
 * An application that has this package among its node_modules, without a package manager: what `npm run build` made
 * last, and what it needs at run time, copied from this project. snowflake-sdk, which is large, is left out.
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function addPackageTo(app: string): void {
  if (!existsSync(path.join(project, 'dist/index.js'))) throw new Error('There is no build to copy: npm run build');
  const modules = path.join(app, 'node_modules');
  const own = path.join(modules, 'fleet-q');
  mkdirSync(own, { recursive: true });
  for (const part of ['dist', 'package.json'])
    cpSync(path.join(project, part), path.join(own, part), { recursive: true });
  // The driver beside it, where bundles find it; the rest below it, out of the way of the application's own packages.
  for (const name of needed(project)) {
    if (name === 'better-sqlite3') addDependency(modules, name);
    else if (name !== 'snowflake-sdk') addDependency(path.join(own, 'node_modules'), name);
  }
}

function addDependency(modules: string, name: string): void {
  const from = path.join(project, 'node_modules', name);
  // The sources of SQLite are needed to compile only.
  const filter = (file: string): boolean =>
    !/better-sqlite3\/(deps|src|build\/(?!Release$|Release\/better_sqlite3\.node$))/.test(file);
  cpSync(from, path.join(modules, name), { recursive: true, dereference: true, filter });
  for (const next of needed(from)) if (!existsSync(path.join(modules, next))) addDependency(modules, next);
}

function needed(folder: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
  const { dependencies = {}, optionalDependencies = {} } = manifest;
  return [...Object.keys(dependencies), ...Object.keys(optionalDependencies)].filter((name) =>
    existsSync(path.join(project, 'node_modules', name)),
  );
}
