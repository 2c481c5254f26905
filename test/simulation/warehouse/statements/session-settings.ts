/** The statement that sets up a session. Its text holds two values: the query tag, and a time-out. */
import { sessionSettings } from '../../../../src/store/snowflake/session/statements.js';

const TAG = 'a tag that nobody has';
const SECONDS = 1_000_000;

/** What the text says around its values. LOCK_TIMEOUT is derived from the time-out. */
const [HEAD = '', ...PARTS] = sessionSettings(TAG, SECONDS).split(
  new RegExp(`${TAG}|\\b${SECONDS}\\b|\\b${SECONDS * 0.75}\\b`),
);

export function isSessionSettings(text: string): boolean {
  if (!text.startsWith(HEAD)) return false;
  let from = HEAD.length;
  for (const part of PARTS) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from === text.length;
}
