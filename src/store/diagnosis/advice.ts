/** What to do about each error of a store, in a sentence or two. The troubleshooting guide says more. */
import type { ErrorCode } from '../../errors.js';

export type StoreErrorCode = Extract<ErrorCode, `STORE_${string}`>;

export const ADVICE: Readonly<Record<StoreErrorCode, string>> = {
  STORE_ACCESS_DENIED: 'Have an administrator run the text of `fleet-q ddl`, or grant what the message names.',
  STORE_ALTERED: 'Restore the table to how fleet-q made it, or use other tables (schema, tablePrefix or path).',
  STORE_BUSY: 'End the transaction that holds the lock: a shell, a backup, or another program on the same tables.',
  STORE_CLOSED: 'Make a new queue: a closed store does not open again.',
  STORE_CORRUPT: 'Stop all processes that use the file, and restore a backup, or salvage the rows with `.recover`.',
  STORE_DRIVER_MISSING: 'Install the driver that the message names, in the version that it names.',
  STORE_FILE_REPLACED: 'Put the same file back, or restart every process that uses it.',
  STORE_FULL: 'Free space on the disk of the file.',
  STORE_LOGIN_REFUSED: 'Check the account, the user and the credentials, and the clock of this host.',
  STORE_NETWORK_FS: 'Move the file to a local disk, or use Snowflake if several hosts share the queue.',
  STORE_NOT_A_DATABASE: 'Check the path: the file there is something else.',
  STORE_NO_WAREHOUSE: 'Name a warehouse in the connection, and grant USAGE on it to the role.',
  STORE_REFUSED: 'Report this as a bug, with the message.',
  STORE_SCHEMA_NEWER: 'Update fleet-q in this process.',
  STORE_TABLE_KIND: 'Leave the option tableKind out, or use another schema or tablePrefix.',
  STORE_UNAVAILABLE: 'Check that the store can be reached from this host, then run the diagnosis again.',
  STORE_UNWRITABLE: 'Give this user the right to read and write the file and its folder.',
};

/** @param code `undefined`: the error is none of a store */
export function adviceFor(code: string | undefined): string {
  const known: Readonly<Record<string, string | undefined>> = ADVICE;
  return (code === undefined ? undefined : known[code]) ?? 'Read the message; see the troubleshooting guide.';
}
