/** An error as evidence. */
import type { DriverError } from '../../../src/store/snowflake/session/driver-error.js';

const LONGEST = 300;

export function seen({ code, sqlState, message }: DriverError): string {
  const text = message
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b/gi, '<id>')
    .replace(/\s+/g, ' ')
    .slice(0, LONGEST);
  return `code ${code}, state ${sqlState ?? 'none'}: ${text}`;
}
