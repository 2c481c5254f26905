/** What is countable, and the statement that makes rows so. */

/** What this library counts with: far from where a JavaScript number loses digits, and where adding 1 overflows. */
export const COUNTABLE = { version: 9_007_199_254_000_000, count: 1_000_000_000 } as const;

/** Of these steps, makes those countable that are not. Bind: ids, a JSON array. */
export const REPAIR = `
UPDATE STEP_TRACKER
SET version = iif(version BETWEEN 0 AND ${COUNTABLE.version}, version, 0),
  retry_count = max(-${COUNTABLE.count}, min(${COUNTABLE.count}, retry_count)),
  crashes = max(0, min(${COUNTABLE.count}, crashes)),
  max_retries = max(-${COUNTABLE.count}, min(${COUNTABLE.count}, max_retries))
WHERE step_id IN (SELECT value FROM json_each(?))
  AND NOT (version BETWEEN 0 AND ${COUNTABLE.version} AND crashes BETWEEN 0 AND ${COUNTABLE.count}
    AND retry_count BETWEEN -${COUNTABLE.count} AND ${COUNTABLE.count}
    AND max_retries BETWEEN -${COUNTABLE.count} AND ${COUNTABLE.count})`;
