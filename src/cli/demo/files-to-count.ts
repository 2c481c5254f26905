/**
 * Finds the files that the demo counts.
 *
 * Invariants: the demo never reads outside of a `node_modules` folder.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesBelow } from './check.js';
import { NoStageError } from './stage.js';

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));

/** An installation may have a hundred thousand files. A checkout counts them all, as its README says. */
const MOST_OF_AN_INSTALLATION = 5_000;

export interface FilesToCount {
  readonly root: string;
  /** Paths from the root. If there are fewer files than were asked for, some are named twice. */
  readonly files: readonly string[];
}

/**
 * @param count how many; default: all in a checkout, at most 5,000 elsewhere
 * @throws NoStageError if there is no file to count
 */
export function filesToCount(count?: number): FilesToCount {
  const cwd = process.cwd();
  for (const root of [...nodeModulesAbove(cwd), ...nodeModulesAbove(PACKAGE)]) {
    const found = filesBelow(root);
    if (found.length === 0) continue;
    const isCheckout = path.dirname(root) === path.resolve(PACKAGE);
    const wanted = count ?? (isCheckout ? found.length : Math.min(found.length, MOST_OF_AN_INSTALLATION));
    return { root, files: Array.from({ length: wanted }, (_, i) => found[i % found.length] ?? '') };
  }
  throw new NoStageError(
    `The demo counts the files of a node_modules folder. There is none above ${cwd} or ${PACKAGE}.`,
  );
}

/** The folders `node_modules` that the folder is in or has beside it, the nearest first. */
function nodeModulesAbove(folder: string): readonly string[] {
  const at = path.resolve(folder);
  const own = path.basename(at) === 'node_modules' ? at : path.join(at, 'node_modules');
  const above = path.dirname(at);
  return [...(existsSync(own) ? [own] : []), ...(above === at ? [] : nodeModulesAbove(above))];
}
