/** The messages between a store and the helper thread. All of them are plain data. */
import type { ListFilter, ListPage, PruneReply } from '../../contract.js';
import type { ErrorCode } from '../../../errors.js';
import type { FileIdentity } from '../../../files/file-identity.js';
import type { PackedStats } from './stats-encoding.js';

/** A file that the helper works on. It opens the file with this identity, or none. */
export interface HelperFile {
  /** Identifies the file within the process. Stores with the same key share a connection. */
  readonly key: string;
  /** With all symbolic links resolved. */
  readonly path: string;
  readonly identity: FileIdentity;
}

/** The tasks, with the input and the output of each. */
export interface HelperTasks {
  readonly stats: { readonly input: { readonly now: number }; readonly output: PackedStats };
  readonly list: { readonly input: { readonly filter: ListFilter; readonly after: number }; readonly output: ListPage };
  readonly prune: { readonly input: { readonly now: number; readonly keepMs: number }; readonly output: PruneReply };
  readonly checkpoint: { readonly input: Record<string, never>; readonly output: null };
}

export type HelperTaskName = keyof HelperTasks;

/** Work on a file. The helper opens the file if it has not yet. */
export type HelperTask = {
  [N in HelperTaskName]: {
    readonly kind: 'task';
    readonly file: HelperFile;
    /** How long it keeps trying while another connection locks the file. */
    readonly busyTimeoutMs: number;
    readonly name: N;
    readonly input: HelperTasks[N]['input'];
  };
}[HelperTaskName];

/** Closes a file once its tasks have ended. */
export interface CloseFile {
  readonly kind: 'close';
  readonly key: string;
}

/** A request that gets a reply, under the id that it was sent with. */
export type HelperRequest = HelperTask | CloseFile;

/**
 * `ping` gets a `pong` when the thread's event loop turns; `end` ends the thread. The first `pong` says that the module
 * is loaded.
 */
export type ToHelper = (HelperRequest & { readonly id: number }) | { readonly kind: 'ping' } | { readonly kind: 'end' };

/** A `StoreError` as plain data. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly transient: boolean;
}

export type Value = HelperTasks[HelperTaskName]['output'];

export type FromHelper =
  | { readonly kind: 'value'; readonly id: number; readonly value: Value }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'pong' };
