/** Finds the module that the user named: a file, or a package of the folder in which the command runs. */
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UsageError } from '../exit-codes.js';

/**
 * @returns the URL of the module
 * @throws UsageError
 */
export function resolveModule(name: string, cwd: string): string {
  if (name.startsWith('file:')) return existing(fileURLToPath(name), name);
  const file = path.resolve(cwd, name);
  if (/^\.{0,2}([/\\]|$)/.test(name) || path.isAbsolute(name)) return existing(file, name);
  // `node steps.js` runs a file of this folder, so `fleet-q worker steps.js` does too.
  if (kindOf(file) === 'file') return pathToFileURL(file).href;
  try {
    return pathToFileURL(createRequire(path.join(cwd, 'noop.js')).resolve(name)).href;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'MODULE_NOT_FOUND' ? `there is no file ${file}, and no package of that name` : message;
    throw new UsageError(`module ${JSON.stringify(name)}: ${why}`);
  }
}

function existing(file: string, name: string): string {
  const kind = kindOf(file);
  if (kind === 'file') return pathToFileURL(file).href;
  const why = kind === 'folder' ? 'is a folder; name a file in it' : 'does not exist';
  throw new UsageError(`module ${JSON.stringify(name)}: ${file} ${why}`);
}

function kindOf(file: string): 'file' | 'folder' | undefined {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  return stats.isDirectory() ? 'folder' : 'file';
}
