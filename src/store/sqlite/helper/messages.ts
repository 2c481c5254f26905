/** What goes through the port between this process and its helper thread: plain data. */
import type { ListFilter, ListPage, PruneReply } from '../../contract.js';
import type { ErrorCode } from '../../../errors.js';
import type { FileIdentity } from '../../../files/database-file.js';
import type { PackedStats } from './stats-encoding.js';

/** A file that the helper works on. It opens this very file or none. */
export interface HelperFile {
  /** Names the file within the process: stores with the same key share a connection. */
  readonly key: string;
  /** With all links resolved. */
  readonly path: string;
  readonly identity: FileIdentity;
}

/** What may be asked, and what is answered. */
export interface HelperTasks {
  readonly stats: { readonly ask: { readonly now: number }; readonly answer: PackedStats };
  readonly list: { readonly ask: { readonly filter: ListFilter; readonly after: number }; readonly answer: ListPage };
  readonly prune: { readonly ask: { readonly now: number; readonly keepMs: number }; readonly answer: PruneReply };
  readonly checkpoint: { readonly ask: Record<string, never>; readonly answer: null };
}

export type HelperTaskName = keyof HelperTasks;

/** Work on a file, which is opened if it is not open yet. */
export type HelperTask = {
  [N in HelperTaskName]: {
    readonly kind: 'errand';
    readonly file: HelperFile;
    /** How long it keeps trying while others hold the file. */
    readonly busyTimeoutMs: number;
    readonly name: N;
    readonly ask: HelperTasks[N]['ask'];
  };
}[HelperTaskName];

/** Closes a file once its errands have ended. */
export interface CloseFile {
  readonly kind: 'close';
  readonly key: string;
}

/** What is answered under the id that it was sent with. */
export type HelperRequest = HelperTask | CloseFile;

/**
 * `ping` is answered by `pong` as soon as the thread's event loop turns; `end` ends the thread. A `pong` that nobody asked
 * for says that the module has been loaded.
 */
export type ToHelper = (HelperRequest & { readonly id: number }) | { readonly kind: 'ping' } | { readonly kind: 'end' };

/** A `StoreError` on its way between threads. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly transient: boolean;
}

export type Value = HelperTasks[HelperTaskName]['answer'];

export type FromHelper =
  | { readonly kind: 'value'; readonly id: number; readonly value: Value }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'pong' };
