/** A field of an error has the name that the client wrote. */
import { expect, test } from 'vitest';
import { ValidationError } from 'fleet-q';
import { problemOf } from '../../src/http/problem-of.js';

test.each([
  ['stepId', 'step_id'],
  ['steps[3].maxRetries', 'steps[3].max_retries'],
  ['steps[3].runAt', 'steps[3].run_at'],
  ['delayMs', 'delay_ms'],
  ['idempotencyKey', 'idempotency_key'],
  ['filter.claimedBy', 'claimed_by'],
  ['filter.createdAfter', 'created_after'],
  ['filter.createdBefore', 'created_before'],
  ['filter.pageSize', 'page_size'],
  ['options.dryRun', 'dry_run'],
  ['steps[3].type', 'steps[3].type'],
  ['args.someField[2].itsPart', 'args.someField[2].itsPart'], // these are the user's own
  ['steps[3].metadata.userId', 'steps[3].metadata.userId'],
  ['FLEET_Q_SNOWFLAKE_ACCOUNT', 'FLEET_Q_SNOWFLAKE_ACCOUNT'],
])('%s is %s to a client', async (field, shown) => {
  const problem = problemOf(new ValidationError('STEP_INVALID', field, 'is wrong'));
  expect(await problem?.toResponse().json()).toMatchObject({ field: shown, detail: `${shown}: is wrong` });
});
