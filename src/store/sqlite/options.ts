/** What `sqlite(…)` takes, checked once. */
import { boolean, checkFields, oneOf, positiveMilliseconds, type FieldChecks } from '../../step/fields.js';

export interface SqliteOptions {
  /** The file, made where there is none; its folder must exist. `:memory:` for one process that forgets. Default `./fleet-q.db`. */
  readonly path?: string;
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
  readonly path: string;
  readonly synchronous: 'normal' | 'full';
  readonly busyTimeoutMs: number;
  readonly allowNetworkFileSystem: boolean;
  readonly workerUrl: URL;
}

const FIELDS: FieldChecks = {
  path: oneOf('a path, or :memory:', (value) => typeof value === 'string' && value.length > 0 && !value.includes('\0')),
  synchronous: oneOf("'normal' or 'full'", (value) => value === 'normal' || value === 'full'),
  busyTimeoutMs: positiveMilliseconds,
  allowNetworkFileSystem: boolean,
  workerUrl: oneOf('a URL', (value) => value instanceof URL || (typeof value === 'string' && URL.canParse(value))),
};

/** @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(options: SqliteOptions): ResolvedOptions {
  checkFields(options, FIELDS, 'OPTION_INVALID', 'sqlite');
  return Object.freeze({
    path: options.path ?? './fleet-q.db',
    synchronous: options.synchronous ?? 'normal',
    busyTimeoutMs: options.busyTimeoutMs ?? 10_000,
    allowNetworkFileSystem: options.allowNetworkFileSystem ?? false,
    workerUrl:
      options.workerUrl === undefined ? new URL('./helper-worker.js', import.meta.url) : new URL(options.workerUrl),
  });
}
