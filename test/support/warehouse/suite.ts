/** For test files that need the test bed: without Python they are skipped with a message, and fail if CI is `true`. */
import { describe } from 'vitest';
import { findPython } from '../fakesnow/environment.js';

/** The first run on a machine makes the Python environment. */
export const BED_MS = 300_000;

const missing = await findPython().then(
  () => undefined,
  (error: unknown) => String(error),
);

if (missing !== undefined) {
  if (process.env['CI'] === 'true') throw new Error(`The Snowflake tests cannot run: ${missing}`);
  console.warn(`\n*** SNOWFLAKE TESTS SKIPPED: ${missing} ***\n`);
}

/** `describe` for what needs the test bed. */
export const describeOnTestBed = describe.skipIf(missing !== undefined);
