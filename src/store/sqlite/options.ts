/** The options of `sqlite(…)`, their defaults and checks. */
import { absolutePath, isUrl, pathCheck } from '../../files/file-path.js';
import {
  boolean,
  checkFields,
  expecting,
  positiveMilliseconds,
  oneOfWords,
  type FieldChecks,
} from '../../input/field-checks.js';

export interface SqliteOptions {
  /**
   * The file: a path, or a `URL` object with the protocol `file:`. It is created if it does not exist; its folder must
   * exist. A relative path is resolved at once, against the current folder. `:memory:` keeps the steps in memory, for
   * one process. Default `./fleet-q.db`.
   */
  readonly path?: string | URL;
  /**
   * `normal`: commits survive the death of any process. A power loss never damages the file, but may undo the last
   * commits. `full`: commits survive a power loss too, at the cost of one disk flush for each commit. Default `normal`.
   */
  readonly synchronous?: 'normal' | 'full';
  /** How long a call keeps trying while another connection locks the file, in ms. Default 10,000. */
  readonly busyTimeoutMs?: number;
  /**
   * Allows a file on a network file system, where SQLite's locks do not hold and the file may be destroyed. Default
   * `false`.
   */
  readonly allowNetworkFileSystem?: boolean;
  /**
   * Whether to create the file and its tables, and to migrate the tables of an older version. With `false`, a missing
   * file or table is an error (`STORE_ACCESS_DENIED`), and nothing is written to a file that is no queue. Default `true`.
   */
  readonly createTables?: boolean;
  /**
   * For a bundled application, the URL of the bundled helper module (`fleet-q/sqlite/helper`), which runs on the helper
   * thread. Default: `helper/worker.js` in the folder of this module. If there is no such file, the helper's work runs
   * inline.
   */
  readonly workerUrl?: string | URL;
}

export interface ResolvedOptions {
  /** Absolute, or `:memory:`. */
  readonly path: string;
  readonly synchronous: 'normal' | 'full';
  readonly busyTimeoutMs: number;
  readonly allowNetworkFileSystem: boolean;
  readonly createTables: boolean;
  /** `undefined` if the path of this module is not known, as in a CommonJS bundle. */
  readonly workerUrl: URL | undefined;
}

const FIELDS: FieldChecks = {
  path: pathCheck,
  synchronous: oneOfWords('normal', 'full'),
  busyTimeoutMs: positiveMilliseconds,
  allowNetworkFileSystem: boolean,
  createTables: boolean,
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
    createTables: options.createTables ?? true,
    workerUrl: workerUrlOf(options.workerUrl) ?? besideThisModule(import.meta.url, 'helper/worker.js'),
  });
}

function workerUrlOf(given: string | URL | undefined): URL | undefined {
  return given === undefined ? undefined : new URL(typeof given === 'string' ? given : given.href);
}

/**
 * Not written as `new URL(…, import.meta.url)`: bundlers treat that as an asset, and copy the module without bundling
 * its imports. A CommonJS bundle has no `import.meta.url`.
 */
function besideThisModule(own: string | undefined, file: string): URL | undefined {
  return own === undefined ? undefined : new URL(file, own);
}
