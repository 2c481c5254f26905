/** What is printed of an error. */
import { FleetQError } from '../index.js';

/** The message of an error, and its code if it has one. */
export function describe(error: unknown): string {
  if (error instanceof FleetQError) return `${error.message} (${error.code})`;
  const { message = String(error), cause } = error as { readonly message?: string; readonly cause?: unknown };
  const reason = (cause as { readonly message?: string } | undefined)?.message;
  return reason === undefined || message.includes(reason) ? message : `${message}: ${reason}`;
}
