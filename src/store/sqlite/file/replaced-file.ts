/**
 * Notices that an open file was deleted or replaced.
 *
 * Such a file stays open under its old inode. No other process sees what this one writes to it, and it is lost when this
 * process exits. The same holds for the `-wal`, which SQLite keeps while any connection is open.
 *
 * Invariants:
 * - A check is one asynchronous `stat` each of the file and its `-wal`, at most once a second. It opens nothing.
 * - An error of `stat` proves nothing.
 * - If the same file comes back to its path, calls succeed again.
 */
import { StoreError } from '../../../errors.js';
import { identify, isSameFile, type FileIdentity } from '../../../files/file-identity.js';
import type { Runtime } from '../../../runtime/runtime.js';

const CHECK_EVERY_MS = 1_000;

export class ReplacedFile {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly #runtime: Runtime;
  readonly #wal: FileIdentity | undefined;
  #checkedAt: number;
  #checking = false;
  #lost: StoreError | undefined;

  private constructor(runtime: Runtime, path: string, identity: FileIdentity, wal: FileIdentity | undefined) {
    this.#runtime = runtime;
    this.path = path;
    this.identity = identity;
    this.#wal = wal;
    this.#checkedAt = runtime.monotonicMs();
  }

  /**
   * Call it when a connection has been opened.
   *
   * @param before what was at the path before; `undefined` if there was nothing
   * @throws StoreError `STORE_FILE_REPLACED` if it was replaced meanwhile
   */
  static async of(runtime: Runtime, path: string, before: FileIdentity | undefined): Promise<ReplacedFile> {
    const identity = await identify(path);
    if (identity === undefined || (before !== undefined && !isSameFile(before, identity))) throw lost(path, identity);
    return new ReplacedFile(runtime, path, identity, await identify(walOf(path)));
  }

  /** Starts a check once a second. @throws StoreError `STORE_FILE_REPLACED` as long as the path leads to another file */
  check(): void {
    if (this.#runtime.monotonicMs() - this.#checkedAt > CHECK_EVERY_MS) void this.checkNow();
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Checks now. Never rejects. */
  async checkNow(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    this.#checkedAt = this.#runtime.monotonicMs();
    try {
      this.#lost = await this.#whatIsLost();
    } catch {
      // An error of `stat` proves nothing: the last result stands.
    } finally {
      this.#checking = false;
    }
  }

  async #whatIsLost(): Promise<StoreError | undefined> {
    const now = await identify(this.path);
    if (!isSameFile(this.identity, now)) return lost(this.path, now);
    if (this.#wal === undefined) return undefined;
    const wal = await identify(walOf(this.path));
    return isSameFile(this.#wal, wal) ? undefined : lost(walOf(this.path), wal);
  }
}

const walOf = (path: string): string => `${path}-wal`;

function lost(path: string, now: FileIdentity | undefined): StoreError {
  const what = now === undefined ? 'was deleted or moved away' : 'was replaced by another file';
  return new StoreError(
    'STORE_FILE_REPLACED',
    `${path} ${what} while it was open. Put the same file back, or restart this process`,
    false,
  );
}
