/**
 * The simulation and the library as one file of JavaScript, so that a process that runs seeds starts at once.
 *
 * Invariants:
 * - Packages are not bundled: drivers are native, and Node.js finds the others from where the file is.
 * - A patch changes what is bundled, never the sources.
 * - What tests start from beside their modules is found.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, stop, type Plugin } from 'esbuild';
import { patched, type Patch } from '../../mutants/patch.js';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
/** Below `node_modules`, so that the bundle finds the packages. */
export const CACHE = path.join(PROJECT, 'node_modules/.cache/fleet-q');

export interface BundleOptions {
  readonly patch?: Patch | undefined;
  /** With all code of its modules, used or not, and a source map in `worker.mjs.map`. */
  readonly isMeasured?: boolean;
}

export class Bundle {
  readonly #folder: string;
  readonly file: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.file = path.join(folder, 'worker.mjs');
  }

  /**
   * @param entry the module with which the process begins
   * @throws if the patch does not apply, or if something does not compile
   */
  static async make(entry: string, { patch, isMeasured = false }: BundleOptions = {}): Promise<Bundle> {
    mkdirSync(CACHE, { recursive: true });
    const bundle = new Bundle(mkdtempSync(path.join(CACHE, `sim-${process.pid}-`)));
    try {
      await build({
        entryPoints: [entry],
        outfile: bundle.file,
        ...{ bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20' },
        ...{ tsconfig: path.join(PROJECT, 'tsconfig.json'), logLevel: 'silent' },
        ...(isMeasured && { sourcemap: 'linked', sourcesContent: false, treeShaking: false }),
        plugins: [ownPlaces, ...(patch === undefined ? [] : [patching(patch)])],
      });
      return bundle;
    } catch (error) {
      bundle.remove();
      throw error;
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Ends the program that bundles. The next bundle starts it again. */
export function stopBundling(): Promise<void> {
  return stop();
}

/** Programs and files of tests are found from where their module is, which is not where the bundle is. */
const ownPlaces: Plugin = {
  name: 'own places',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]test[\\/]support[\\/].*\.ts$/ }, ({ path: loaded }) => {
      const text = readFileSync(loaded, 'utf8');
      return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(loaded).href)), loader: 'ts' };
    });
  },
};

function patching(patch: Patch): Plugin {
  const file = path.join(PROJECT, patch.file);
  const filter = new RegExp(`${path.basename(patch.file).replaceAll('.', '\\.')}$`);
  return {
    name: 'patch',
    setup({ onLoad, onEnd }) {
      let isApplied = false;
      onLoad({ filter }, ({ path: loaded }) => {
        if (path.resolve(loaded) !== path.resolve(file)) return undefined;
        isApplied = true;
        return { contents: patched(readFileSync(loaded, 'utf8'), patch), loader: 'ts' };
      });
      onEnd(() => {
        if (!isApplied) throw new Error(`${patch.name}: the simulation does not use ${patch.file}`);
      });
    },
  };
}
