/** What the verbs that read print, on any store. */
import type { AnyFleetQ } from 'fleet-q';
import { beforeEach, expect, test } from 'vitest';
import { stepsOfEachState, type Ground, type States } from './ground.js';
import { complaintOf, linesOf, shell } from './shell.js';

const json = (text: string): any => JSON.parse(text);
const jsonLines = (text: string): any[] => linesOf(text).map(json);

export function describeReading(ground: () => Promise<Ground>): void {
  let env: Ground['env'];
  let queue: AnyFleetQ;
  let ids: States;
  beforeEach(async () => {
    ({ env, queue } = await ground());
    ids = await stepsOfEachState(queue);
  });
  const run = (script: string, stdin = '') => shell(script, env, stdin);

  test('get shows a step in full, and as JSON', async () => {
    const [table, object] = await Promise.all([
      run(`fleet-q get ${ids.completed}`),
      run(`fleet-q get ${ids.completed} -o json`),
    ]);
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^Step: +\S+\nType: +ok\nStatus: +completed\n/);
    expect(table.stdout).toContain('"n": 7');
    expect(json(object.stdout)).toMatchObject({
      ...{ step_id: ids.completed, type: 'ok', status: 'completed', args: { n: 7 }, metadata: { user: 'alice' } },
      ...{ result: { got: 7 }, error: null, claimed_by: 'worker-1', max_retries: 3, attempt: 1 },
    });
    expect(json(object.stdout).created_ts).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test('get reports an id that does not exist, and shows the others', { timeout: 60_000 }, async () => {
    const ran = await run(`fleet-q get ${ids.failed} nope ${ids.pending} -o jsonl`);
    expect(jsonLines(ran.stdout).map((step) => step.step_id)).toEqual([ids.failed, ids.pending]);
    expect(complaintOf(ran)).toMatch(/^there is no step nope: .*\(STEP_NOT_FOUND\)$/);
    expect(ran.code).toBe(3);
  });

  test('list prints a row for each step, and the ids alone', async () => {
    const [table, oneLine] = await Promise.all([run('fleet-q list'), run('fleet-q list -o ids')]);
    const [titles, ...rows] = linesOf(table.stdout);
    expect(titles).toMatch(/^STEP ID +TYPE +STATUS +PRIORITY +ATTEMPT +CREATED +UPDATED +POD +ERROR$/);
    expect(rows).toHaveLength(4);
    expect(rows.find((row) => row.startsWith(ids.failed))).toMatch(/ bad +failed .* worker-1 +Error: no such file$/);
    expect(linesOf(oneLine.stdout).toSorted()).toEqual(Object.values(ids).toSorted());
  });

  test('list takes every filter of listSteps', async () => {
    const list = async (flags: string): Promise<string[]> => {
      const ran = await run(`fleet-q list -o ids ${flags}`);
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      return [...linesOf(ran.stdout)];
    };
    const { completed, failed, cancelled, pending } = ids;
    const found = await Promise.all([
      list('--status failed,cancelled'),
      list('--status failed --status pending'),
      list('--type ok --type nobody'),
      list('--claimed-by worker-1'),
      list('--claimed-by worker-2'),
      list('--created-after 1h'),
      list('--created-before 1h'),
      list('--created-after 2020-01-01 --created-before 2020-01-02T00:00:00+02:00'),
      list('--order newest --limit 1'),
      list('--limit 3'),
    ]);
    const all = [completed, failed, cancelled, pending];
    const sets = [[failed, cancelled], [failed, pending], [completed, pending], [completed, failed], [], all, [], []];
    expect(found.slice(0, 8).map((one) => one.toSorted())).toEqual(sets.map((one) => one.toSorted()));
    expect(found.slice(8)).toEqual([[pending], all.slice(0, 3)]);
  });

  test('list continues after the cursor of an earlier listing', async () => {
    const first = json((await run('fleet-q list --limit 3 -o json')).stdout);
    expect(first.steps.map((step: any) => step.step_id)).toEqual([ids.completed, ids.failed, ids.cancelled]);
    const rest = json((await run(`fleet-q list -o json --after '${first.next}'`)).stdout);
    expect(rest.steps.map((step: any) => step.step_id)).toEqual([ids.pending]);
    expect(rest.next).toBeNull();
    const table = await run('fleet-q list --limit 3');
    expect(complaintOf(table)).toContain(`--after ${first.next}`);
  });

  test('stats counts steps by type and status, and names types that no pod handles', async () => {
    const [table, object] = await Promise.all([run('fleet-q stats'), run('fleet-q stats -o json')]);
    expect(table.stdout).toMatch(/^Pods: +1 active, 0 of 4 slots in use$/m);
    expect(table.stdout).toMatch(/^No pod handles: +nobody$/m);
    expect(table.stdout).toMatch(/^total +1 +0 +1 +1 +1$/m);
    expect(json(object.stdout)).toMatchObject({
      ...{ pending_steps: 1, completed_steps: 1, failed_steps: 1, cancelled_steps: 1, active_pods: 1 },
      ...{ queue_depth_by_priority: { 5: 1 }, pod_capacity: { 'worker-1': { current: 0, max: 4 } } },
    });
  });

  test('pods and leader show the fleet', async () => {
    const [table, object, leader, id] = await Promise.all([
      run('fleet-q pods'),
      run('fleet-q pods -o json'),
      run('fleet-q leader -o json'),
      run('fleet-q leader -o ids'),
    ]);
    expect(linesOf(table.stdout)[1]).toMatch(/^worker-1 +live +yes +yes +0\/4 .*ok,bad$/);
    expect(json(object.stdout).pods).toMatchObject([
      { pod_id: 'worker-1', live: true, is_leader: true, slots: 4, types: ['ok', 'bad'] },
    ]);
    expect(json(leader.stdout)).toMatchObject({ current_leader: 'worker-1', eligible_pods: ['worker-1'] });
    expect(id.stdout).toBe('worker-1\n');
  });

  test(
    'doctor prints a finding for each check, and exits with 1 if one is a failure',
    { timeout: 120_000 },
    async () => {
      const [words, object] = await Promise.all([run('fleet-q doctor'), run('fleet-q doctor --json')]);
      const [, failures] = /^\d+ ok, \d+ warnings?, (\d+) failures?$/m.exec(words.stdout) ?? [];
      const { findings } = json(object.stdout);
      expect(findings.length).toBeGreaterThan(5);
      expect(findings).toContainEqual(expect.objectContaining({ check: 'unhandled-types', level: 'warning' }));
      expect(words.code).toBe(Number(failures) > 0 ? 1 : 0);
      expect(object.code).toBe(findings.some((finding: any) => finding.level === 'failure') ? 1 : 0);
    },
  );
}
