/** What `sqlite(…)` takes, checked once. */
import { absolutePath, isUrl, pathCheck } from '../../files/file-path.js';
import {
  boolean,
  checkFields,
  expecting,
  positiveMilliseconds,
  oneOfWords,
  type FieldChecks,
} from '../../step/field-checks.js';

export interface SqliteOptions {
  /**
   * The file, created if it does not exist; its folder must exist. A path, or a `URL` object of the protocol `file:`. A
   * relative path is made absolute at once, by the current folder. `:memory:` keeps the steps in memory, for one process.
   * Default `./fleet-q.db`.
   */
  readonly path?: string | URL;
  /**
   * `normal`: what was committed survives the death of any process, and a power loss never damages the file, but may
   * undo its last commits. `full`: survives a power loss too, at one disk flush a commit. Default `normal`.
   */
  readonly synchronous?: 'normal' | 'full';
  /** How long a call keeps trying while others hold the file, in ms. Default 10,000. */
  readonly busyTimeoutMs?: number;
  /** Opens a file on a network file system, where SQLite's locks do not hold and a file may be destroyed. Default `false`. */
  readonly allowNetworkFileSystem?: boolean;
  /**
   * Where the module of the helper thread is, for an application that is bundled: the file that was bundled from
   * `fleet-q/sqlite/helper`. Default: `helper/worker.js` beside this module. Where there is no such file, the helper's
   * work runs inline.
   */
  readonly workerUrl?: string | URL;
}

export interface ResolvedOptions {
  /** Absolute, or `:memory:`. */
  readonly path: string;
  readonly synchronous: 'normal' | 'full';
  readonly busyTimeoutMs: number;
  readonly allowNetworkFileSystem: boolean;
  /** None where the module's own place is not known: in a CommonJS bundle. */
  readonly workerUrl: URL | undefined;
}

const FIELDS: FieldChecks = {
  path: pathCheck,
  synchronous: oneOfWords('normal', 'full'),
  busyTimeoutMs: positiveMilliseconds,
  allowNetworkFileSystem: boolean,
  workerUrl: expecting('a URL', (value) => isUrl(value) || (typeof value === 'string' && URL.canParse(value))),
};

/** @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(options: SqliteOptions): ResolvedOptions {
  checkFields(options, FIELDS, 'OPTION_INVALID', 'sqlite');
  return Object.freeze({
    path: absolutePath(options.path ?? './fleet-q.db', 'sqlite.path'),
    synchronous: options.synchronous ?? 'normal',
    busyTimeoutMs: options.busyTimeoutMs ?? 10_000,
    allowNetworkFileSystem: options.allowNetworkFileSystem ?? false,
    workerUrl: workerUrlOf(options.workerUrl) ?? besideThisModule(import.meta.url, 'helper/worker.js'),
  });
}

function workerUrlOf(given: string | URL | undefined): URL | undefined {
  return given === undefined ? undefined : new URL(typeof given === 'string' ? given : given.href);
}

/**
 * A function, and not `new URL(…, import.meta.url)`: bundlers take that for an asset, and put the module, which imports
 * others, unprocessed into their output. In a CommonJS bundle there is no `import.meta.url`.
 */
function besideThisModule(own: string | undefined, file: string): URL | undefined {
  return own === undefined ? undefined : new URL(file, own);
}
