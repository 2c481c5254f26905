/** What the answers about recovery hold, when there was something to recover. */
import { expect, test } from 'vitest';
import { DEAD, leaderOfTheDead } from '../support/dead-pods.js';
import { serveApi, type Api } from './support/api.js';

/** A cycle of the leader of the dead, as `/api` shows it. */
const CYCLE = {
  cycle_id: expect.any(String) as string,
  dry_run: false,
  started_ts: expect.any(String) as string,
  duration_ms: expect.any(Number) as number,
  dead_pods: DEAD.map(({ podId, incarnation }) => ({ pod_id: podId, incarnation })),
  orphans: ['innocent-1', 'innocent-2', 'killer'],
  orphan_count: 3,
  requeued: ['innocent-1', 'innocent-2'],
  requeued_count: 2,
  failed: ['killer'],
  failed_count: 1,
  already_settled: [],
  already_settled_count: 0,
};

async function statuses(api: Api): Promise<Record<string, string>> {
  const { body } = await api.get('/api/steps');
  const steps = body.steps as { step_id: string; status: string }[];
  return Object.fromEntries(steps.map(({ step_id, status }) => [step_id, status]));
}

const RECOVERED = { 'innocent-1': 'pending', 'innocent-2': 'pending', killer: 'failed' };

test('POST /api/recovery/run names what it did, and the history has the same cycle', async () => {
  const api = await serveApi(await leaderOfTheDead());
  const dry = await api.post('/api/recovery/run', { dry_run: true });
  expect(dry).toMatchObject({ status: 200 });
  expect(dry.body).toEqual({ ...CYCLE, dry_run: true });
  expect(await statuses(api)).toEqual({ 'innocent-1': 'claimed', 'innocent-2': 'claimed', killer: 'claimed' });
  const ran = await api.post('/api/recovery/run');
  expect(ran).toMatchObject({ status: 200 });
  expect(ran.body).toEqual(CYCLE);
  expect(await statuses(api)).toEqual(RECOVERED);
  expect((await api.get('/api/recovery/history')).body).toEqual({ cycles: [ran.body] });
  expect((await api.get('/api/steps/killer')).body.error).toMatchObject({ code: 'STEP_CRASHED_POD' });
});

test('POST /admin/recovery/run names it as the Python FLEET-Q does, and the history has the same cycle', async () => {
  const api = await serveApi(await leaderOfTheDead());
  const { status, body } = await api.post('/admin/recovery/run');
  expect(status).toBe(200);
  expect(body).toEqual({
    status: 'completed',
    message: 'Recovery cycle completed',
    recovery_summary: {
      cycle_id: expect.any(String) as string,
      dead_pods_found: 2,
      orphaned_steps_found: 3,
      steps_requeued: 2,
      steps_marked_terminal: 1,
      duration_ms: expect.any(Number) as number,
      dead_pods: ['bob', 'eve'],
      requeued_steps: ['innocent-1', 'innocent-2'],
      terminal_steps: ['killer'],
    },
  });
  expect(await statuses(api)).toEqual(RECOVERED);
  const { cycle_id } = body.recovery_summary as { cycle_id: string };
  expect((await api.get('/api/recovery/history')).body).toEqual({ cycles: [{ ...CYCLE, cycle_id }] });
});
