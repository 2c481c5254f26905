/** The verbs that act, on SQLite, in a real shell. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AnyFleetQ } from 'fleet-q';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryPath } from '../support/queues.js';
import { temporaryFolder } from '../support/temp.js';
import { sqliteGround, stepsOfEachState, type Ground } from './support/ground.js';
import { complaintOf, linesOf, shell, startShell } from './support/shell.js';

let env: Ground['env'];
let queue: AnyFleetQ;
beforeEach(async () => {
  ({ env, queue } = await sqliteGround());
});
const run = (script: string, stdin = '') => shell(script, env, stdin);

describe('submit', () => {
  test('prints the id of the step, which has what the flags say', async () => {
    const flags = `--metadata '{"user":"alice"}' --priority -3 --max-retries 1 --delay 2h`;
    const { stdout, stderr, code } = await run(`fleet-q submit later '{"width":640}' ${flags}`);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const step = await queue.getStep(stdout.trim());
    expect(step).toMatchObject({
      ...{ type: 'later', args: { width: 640 }, metadata: { user: 'alice' }, priority: -3, maxRetries: 1 },
    });
    expect(step.runAt - step.createdAt).toBe(7_200_000);
  });

  test('takes its args from standard input, or from a file', async () => {
    const file = path.join(temporaryFolder(), 'args.json');
    writeFileSync(file, '{"from":"file"}');
    const [piped, read] = await Promise.all([
      run(`fleet-q submit later - --step-id piped`, '{"from":"stdin"}'),
      run(`fleet-q submit later @${file} --run-at 2030-01-31T08:00:00+01:00 -o json`),
    ]);
    expect(piped.stdout).toBe('piped\n');
    expect(await queue.getStep('piped')).toMatchObject({ args: { from: 'stdin' } });
    const { step_id, receipt } = JSON.parse(read.stdout);
    expect(receipt).toBe('created');
    const runAt = Date.UTC(2030, 0, 31, 7);
    expect(await queue.getStep(step_id)).toMatchObject({ args: { from: 'file' }, runAt });
  });

  test('creates the file of a new queue', async () => {
    const file = temporaryPath();
    expect((await run(`fleet-q submit later --store sqlite:${file}`)).code).toBe(0);
    expect(existsSync(file)).toBe(true);
  });

  test('--wait prints the result, and its failure or time-out has exit code 1', async () => {
    const [done, failed, late] = await Promise.all([
      run(`fleet-q submit ok '{"n":7}' --wait`),
      run('fleet-q submit bad --wait 30s'),
      run('fleet-q submit nobody --wait 100ms'),
    ]);
    expect(done).toMatchObject({ stdout: '{"got":7}\n', stderr: '', code: 0 });
    expect(complaintOf(failed)).toMatch(/^step \S+ failed: no such file \(STEP_FAILED\)$/);
    expect(complaintOf(late)).toMatch(/did not end within 100 ms.*\(WAIT_TIMEOUT\)$/);
    expect([failed.code, failed.stdout, late.code, late.stdout]).toEqual([1, '', 1, '']);
  });

  test('Ctrl-C ends the wait with 130, and leaves the step', async () => {
    const { child, ended } = startShell('exec fleet-q submit nobody --wait --step-id waited', env);
    await expect.poll(() => queue.getStep('waited').catch(() => undefined)).toBeDefined();
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stdout: '', stderr: '' });
    expect(await queue.getStep('waited')).toMatchObject({ status: 'pending' });
  });

  test('the same key with the same args is the same step; with other args it exits with 1', async () => {
    const script = (args: string) => `fleet-q submit later '${args}' --idempotency-key k`;
    const first = await run(script('1'));
    const [again, other] = await Promise.all([run(script('1')), run(script('2'))]);
    expect([again.stdout, other.stdout]).toEqual([first.stdout, first.stdout]);
    expect(complaintOf(again)).toContain('existed already');
    expect(complaintOf(other)).toContain('nothing was submitted');
    expect([first.code, again.code, other.code]).toEqual([0, 0, 1]);
  });

  test.each([
    ['no type', 'fleet-q submit', /expected the type of the step/],
    ['args that are no JSON', `fleet-q submit ok '{"a":'`, /^args: expected JSON, got "\{\\"a\\":"/],
    ['a file that does not exist', 'fleet-q submit ok @nowhere.json', /^args: ENOENT/],
    ['metadata that is no object', 'fleet-q submit ok -m 3', /^metadata: expected an object, got 3 \(STEP_INVALID\)$/],
    ['a priority that is no number', 'fleet-q submit ok -p high', /'high' is invalid. Expected a whole number/],
    ['a priority out of range', 'fleet-q submit ok -p 9999999999', /^priority: expected a whole number from/],
    ['a delay without a known unit', 'fleet-q submit ok --delay 3w', /'3w' is invalid. Expected a duration/],
    ['a wait that no timer can measure', 'fleet-q submit ok --wait 30d', /--wait .*'30d' is invalid. Expected at most/],
    ['an instant without a time zone', 'fleet-q submit ok --run-at 2030-01-01T08:00', /Expected an instant such as/],
    ['a day that no month has', 'fleet-q submit ok --run-at 2030-02-30', /Expected an instant such as/],
    ['an instant and a delay', 'fleet-q submit ok --delay 1s --run-at 2030-01-01', /cannot be given together/],
    ['an id and a key', 'fleet-q submit ok --step-id a --idempotency-key b', /cannot be given together/],
  ])('refuses %s with exit code 2', async (_, script, problem) => {
    const ran = await run(script);
    expect(complaintOf(ran)).toMatch(problem);
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect((await queue.stats()).stepsByType).toEqual({});
  });
});

describe('submit --jsonl', () => {
  test('submits a step for each line, in order', async () => {
    const lines = [
      '{"type":"later","args":{"i":0},"priority":2,"max_retries":1,"delay_ms":3600000,"metadata":{"a":1}}',
      '',
      '  {"type":"later","step_id":"second","run_at":"2030-01-31T08:00:00Z"}\r',
      '{"type":"later","idempotency_key":"k"}',
    ];
    const ran = await run('fleet-q submit --jsonl', lines.join('\n'));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const ids = linesOf(ran.stdout);
    expect(ids).toHaveLength(3);
    expect(ids[1]).toBe('second');
    const steps = await Promise.all(ids.map((id) => queue.getStep(id)));
    expect(steps[0]).toMatchObject({ args: { i: 0 }, priority: 2, maxRetries: 1, metadata: { a: 1 } });
    expect(steps[1]).toMatchObject({ runAt: Date.UTC(2030, 0, 31, 8) });
  });

  test('many lines are read and stored in batches', async () => {
    const lines = Array.from({ length: 2_500 }, (_, i) => `{"type":"later","args":${i},"delay_ms":3600000}`);
    const ran = await run('fleet-q submit --jsonl -o jsonl', lines.join('\n'));
    const ids = linesOf(ran.stdout).map((line) => JSON.parse(line).step_id);
    expect(new Set(ids).size).toBe(2_500);
    expect(await queue.getStep(ids.at(-1))).toMatchObject({ args: 2_499 });
  });

  test('a line is submitted as soon as it has come', async () => {
    const { child, ended, soFar } = startShell('fleet-q submit --jsonl', env);
    child.stdin!.write('{"type":"later"}\n');
    await expect.poll(() => linesOf(soFar().stdout)).toHaveLength(1);
    child.stdin!.end('{"type":"later"}');
    expect(linesOf((await ended).stdout)).toHaveLength(2);
  });

  test('nothing on standard input is no error', async () => {
    expect(await run('fleet-q submit --jsonl < /dev/null')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test.each([
    ['is no JSON', '{"type":', /^line 101: expected JSON/],
    ['is no object', '[1]', /^line 101: expected a JSON object/],
    ['has an unknown field', '{"type":"a","prioritty":1}', /^line 101: prioritty: .* did you mean priority\?/],
    ['has no type', '{"args":1}', /^line 101: type: is missing/],
    ['has a run_at that is none', '{"type":"a","run_at":"soon"}', /^line 101: runAt: expected a valid Date/],
  ])('a line that %s is named; the batches before it are submitted', async (_, line, problem) => {
    const lines = [...Array.from({ length: 100 }, () => '{"type":"later","delay_ms":3600000}'), line];
    const ran = await run('fleet-q submit --jsonl', lines.join('\n'));
    expect(linesOf(ran.stdout)).toHaveLength(100);
    const [count, complaint = ''] = linesOf(ran.stderr);
    expect(count).toBe('fleet-q: submitted before this error: 100 steps');
    expect(complaint.slice('fleet-q: '.length)).toMatch(problem);
    expect(ran.code).toBe(2);
  });

  test('refuses flags that belong into the lines', async () => {
    for (const flags of ['later', '--priority 3', '--idempotency-key k', '--wait']) {
      const ran = await run(`fleet-q submit --jsonl ${flags}`);
      expect([ran.code, complaintOf(ran)]).toEqual([2, expect.stringMatching(/--jsonl/)]);
    }
  });
});

describe('cancel and retry', () => {
  test('cancel makes a step terminal, and refuses one that has ended', async () => {
    const { pending, completed } = await stepsOfEachState(queue);
    const done = await run(`fleet-q cancel ${pending}`);
    expect(done).toMatchObject({ code: 0, stderr: '', stdout: `RESULT     STEP ID\ncancelled  ${pending}\n` });
    expect(await queue.getStep(pending)).toMatchObject({ status: 'cancelled' });
    const refused = await run(`fleet-q cancel ${completed}`);
    expect(complaintOf(refused)).toBe(`step ${completed} has already ended`);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
  });

  test('list and retry in one pipe retry what has failed', async () => {
    const { failed } = await stepsOfEachState(queue);
    await queue.getStep(failed);
    const ran = await run('fleet-q list --status failed -o ids | fleet-q retry - -o jsonl');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(ran.stdout).map((line) => JSON.parse(line))).toEqual([{ step_id: failed, result: 'retried' }]);
  });

  test('list pipes more ids than a table has rows', async () => {
    const steps = Array.from({ length: 250 }, () => ({ type: 'later', delayMs: 3_600_000 }));
    await queue.submitMany(steps as never);
    const ran = await run('fleet-q list --status pending -o ids | fleet-q cancel - -o ids | wc -l');
    expect([ran.code, ran.stdout.trim()]).toEqual([0, '250']);
    expect(await queue.stats()).toMatchObject({ pendingSteps: 0, cancelledSteps: 250 });
  });

  test('ids that do not exist are reported one by one, the others are done, and the exit code is 3', async () => {
    const { pending, completed } = await stepsOfEachState(queue);
    const ran = await run('fleet-q cancel - -o ids', `nope\n${completed}\n\n${pending}\r\n  gone  \n`);
    expect(ran.stdout).toBe(`${pending}\n`);
    expect(linesOf(ran.stderr).map((line) => /nope|gone|has already ended/.exec(line)?.[0])).toEqual([
      ...['nope', 'has already ended', 'gone'],
    ]);
    expect(ran.code).toBe(3);
  });

  test('a line that can be no id is reported, and has exit code 2', async () => {
    const { pending } = await stepsOfEachState(queue);
    const ran = await run('fleet-q cancel - -o ids', `${'x'.repeat(300)}\n${pending}\n`);
    expect(ran.stdout).toBe(`${pending}\n`);
    expect(complaintOf(ran)).toMatch(/^stepId: expected text of 1 to 255 characters .*\(STEP_INVALID\)$/);
    expect(ran.code).toBe(2);
  });

  test.each(['cancel', 'retry', 'get'])('%s: nothing on standard input is no error', async (verb) => {
    expect(await run(`fleet-q ${verb} - < /dev/null`)).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  test('refuses ids beside standard input, and no ids at all', async () => {
    const [both, none] = await Promise.all([run('fleet-q retry a - b'), run('fleet-q retry')]);
    expect(complaintOf(both)).toContain('got both');
    expect(complaintOf(none)).toContain("missing required argument 'step-id'");
    expect([both.code, none.code]).toEqual([2, 2]);
  });

  test('Ctrl-C ends the wait for standard input with 130', async () => {
    const { child, ended } = startShell('exec fleet-q cancel -', env);
    const { pending } = await stepsOfEachState(queue);
    child.stdin!.write(`${pending}\n`);
    await expect.poll(async () => (await queue.getStep(pending)).status).toBe('cancelled');
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 130, stderr: '' });
  });
});
