/** A stored result that is not JSON: written by hand, or damaged. */
import Database from 'better-sqlite3';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { expect, test } from 'vitest';
import { stopped, temporaryPath } from '../support/queues.js';

test('rejects a wait, and is reported as an error when the step is read', async () => {
  const path = temporaryPath();
  const queue = stopped(new FleetQ({ store: sqlite({ path }) }).register('work', () => ({ rows: 1 })));
  await queue.start();
  const stepId = await queue.submit({ type: 'work' });
  expect(await queue.waitFor(stepId)).toEqual({ rows: 1 });
  await queue.stop();

  const database = new Database(path);
  database.prepare('UPDATE STEP_TRACKER SET result = ? WHERE step_id = ?').run('{"rows":', stepId);
  database.close();

  const client = stopped(new FleetQ({ store: sqlite({ path }) }));
  await expect(client.waitFor(stepId)).rejects.toMatchObject({ name: 'FleetQError', code: 'RESULT_UNREADABLE' });
  const shown = { status: 'completed', result: undefined, error: { code: 'RESULT_UNREADABLE' } };
  expect(await client.getStep(stepId)).toMatchObject(shown);
  const listed = [];
  for await (const step of client.listSteps()) listed.push(step);
  expect(listed).toMatchObject([shown]);
});
