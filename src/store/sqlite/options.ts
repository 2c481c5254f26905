/** What `sqlite(…)` takes, checked once. */
import { absolutePath, pathCheck } from '../../files/path.js';
import { boolean, checkFields, oneOf, positiveMilliseconds, type FieldChecks } from '../../step/fields.js';

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
  /** Where the helper thread's module lies, for those who bundle. Default: beside this module. */
  readonly workerUrl?: string | URL;
}

export interface ResolvedOptions {
  /** Absolute, or `:memory:`. */
  readonly path: string;
  readonly synchronous: 'normal' | 'full';
  readonly busyTimeoutMs: number;
  readonly allowNetworkFileSystem: boolean;
  readonly workerUrl: URL;
}

const FIELDS: FieldChecks = {
  path: pathCheck,
  synchronous: oneOf("'normal' or 'full'", (value) => value === 'normal' || value === 'full'),
  busyTimeoutMs: positiveMilliseconds,
  allowNetworkFileSystem: boolean,
  workerUrl: oneOf('a URL', (value) => value instanceof URL || (typeof value === 'string' && URL.canParse(value))),
};

/** @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(options: SqliteOptions): ResolvedOptions {
  checkFields(options, FIELDS, 'OPTION_INVALID', 'sqlite');
  return Object.freeze({
    path: absolutePath(options.path ?? './fleet-q.db', 'sqlite.path'),
    synchronous: options.synchronous ?? 'normal',
    busyTimeoutMs: options.busyTimeoutMs ?? 10_000,
    allowNetworkFileSystem: options.allowNetworkFileSystem ?? false,
    workerUrl:
      options.workerUrl === undefined ? new URL('./helper-worker.js', import.meta.url) : new URL(options.workerUrl),
  });
}
