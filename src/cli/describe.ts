/** What is printed of an error. */
import { FleetQError } from '../errors.js';

/** The message of an error, and its code if it has one. */
export function describe(error: unknown): string {
  if (error instanceof FleetQError) return `${inFlags(error.message)} (${error.code})`;
  const { message = String(error), cause } = error as { readonly message?: string; readonly cause?: unknown };
  const reason = (cause as { readonly message?: string } | undefined)?.message;
  return reason === undefined || message.includes(reason) ? message : `${message}: ${reason}`;
}

/** The library names its option; the user of a command has a flag. */
function inFlags(message: string): string {
  return message.replace(/; createTables is false$/, '. Name the store with --store, or with FLEET_Q_SQLITE_PATH');
}
