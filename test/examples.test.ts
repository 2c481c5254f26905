/** Runs each example as a user does: as a program of its own, in an empty folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));
const examples = path.join(project, 'examples');
const WITHIN_MS = 60_000;

let folder: string;
let running: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-examples-'));
});

afterEach(async () => {
  await Promise.all(
    running
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map(async (child) => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
  );
  running = [];
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Its output so far. */
  printed(): string;
  /** Resolves when the output contains this text. */
  says(text: string): Promise<void>;
}

/** Starts an example; `fleet-q` means the sources, as tsconfig.json has it. */
function start(file: string, env: Readonly<Record<string, string>> = {}): Program {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), path.join(examples, file)], {
    cwd: folder,
    env: { ...process.env, DEBUG: '', TSX_TSCONFIG_PATH: path.join(project, 'tsconfig.json'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let [out, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, errors }));
  const says = async (text: string): Promise<void> => {
    while (!out.includes(text)) {
      const isOver = await Promise.race([once(child.stdout, 'data').then(() => false), ended.then(() => true)]);
      if (isOver && !out.includes(text)) throw new Error(`its output never contained "${text}":\n${out}\n${errors}`);
    }
  };
  return { child, ended, printed: () => out, says };
}

/** The output of an example, line by line. The example must end by itself with exit code 0. */
async function printed(file: string, env?: Readonly<Record<string, string>>): Promise<string[]> {
  const { code, out, errors } = await start(file, env).ended;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  return out.trimEnd().split('\n');
}

describe('examples', { timeout: WITHIN_MS, concurrent: false }, () => {
  test('quick-start: a step is submitted, run and waited for', async () => {
    expect(await printed('quick-start.ts')).toEqual([
      expect.stringMatching(/^count_words took \d+\.\d ms: \{ words: 4 \}$/) as string,
      '4 words',
    ]);
    expect(readdirSync(folder)).toContain('quick-start.db');
    expect(await printed('quick-start.ts'), 'and again, on the same file').toContain('4 words');
  });

  test('many-files: the types of all definitions are known to the queue', async () => {
    expect((await printed('many-files/main.ts')).toSorted()).toEqual([
      'mailed alice@example.com: true',
      'resized to 640: logo-640.png',
    ]);
  });

  test('schemas: the input is stored, the handler gets the output, and a mismatch is refused', async () => {
    const lines = await printed('schemas.ts');
    expect(lines.slice(0, 2)).toEqual(['{ weekday: 2, seats: 1 }', "stored: { at: '2030-01-01T20:00:00Z' }"]);
    expect(lines[2]).toMatch(/^STEP_INVALID args: at: .+, got \{/);
    expect(lines).toHaveLength(3);
  });

  test('retries: each way of trying again', async () => {
    expect(await printed('retries.ts')).toEqual([
      'flaky: attempt 1: attempt 1 failed',
      'flaky: attempt 2: attempt 2 failed',
      'flaky: { attempt: 3 }',
      'limited: attempt 1: the service asked for 50 ms',
      'limited: served',
      'after_opening: given back for 50 ms',
      'after_opening: { attempt: 1 }',
      'flaky: attempt 1: attempt 1 failed',
      'flaky: attempt 2: attempt 2 failed',
      'flaky failed after 2 retries: attempt 3 failed',
      'charge failed after 0 retries: the card has expired',
    ]);
  });

  test('cancellation: cancel and time-out abort the handler', async () => {
    expect(await printed('cancellation.ts')).toEqual([
      'endless: aborted with STEP_CANCELLED',
      'cancel: cancelled',
      'cancel again: alreadyTerminal',
      'endless: STEP_CANCELLED',
      'slow: STEP_FAILED STEP_TIMED_OUT',
      'strays: 0',
    ]);
  });

  test('idempotency: of submission and of execution', async () => {
    expect(await printed('idempotency.ts')).toEqual([
      'receipts: created duplicate mismatch',
      'one step: true',
      'result: { paid: 40 }',
      'payments: [ 40 ]',
    ]);
  });

  test('events: typed, each listener on its own, removable', async () => {
    const lines = await printed('events.ts');
    expect(lines.filter((line) => line.startsWith('step:'))).toEqual([
      'step:submitted',
      'step:claimed',
      'step:started',
      'step:completed',
    ]);
    expect(lines).toContain('21 doubled is 42');
    expect(lines).toContain('pod:joined');
    expect(lines.at(-1)).toBe('stopped: { finished: 0, released: 0, strays: 0 }');
  });

  test('environments: the variables are read, and options come first', async () => {
    const env = { FLEET_Q_POD_ID: 'pod-1', FLEET_Q_MAX_PARALLELISM: '5', FLEET_Q_SQLITE_PATH: 'staging.db' };
    expect(await printed('environments.ts', env)).toEqual([
      'pod-1 is healthy and has 4 slots',
      "{ podId: 'pod-1', maxRetries: 5 }",
    ]);
    expect(readdirSync(folder)).toContain('staging.db');
    const bad = await start('environments.ts', { FLEET_Q_MAX_PARALLELISM: 'many' }).ended;
    expect(bad.code).toBe(1);
    expect(bad.errors).toContain('FLEET_Q_MAX_PARALLELISM: expected a number, got "many"');
  });

  test('graceful-shutdown: what can finish does, the rest is given back, and the process ends by itself', async () => {
    expect(await printed('graceful-shutdown.ts')).toEqual([
      'short finished',
      'long was given back: stopping',
      '{ finished: 1, released: 1, strays: 0 }',
      'stopped after SIGTERM',
    ]);
  });

  test('submit-only: a client without handlers, and a worker in another process', async () => {
    const client = start('submit-only/client.ts');
    await client.says('submitted two steps'); // before there is any worker
    const worker = start('submit-only/worker.ts');
    await worker.says('the worker runs');
    expect(await client.ended).toEqual({ code: 0, out: 'submitted two steps\n42 Hello, Alice.\n', errors: '' });
    worker.child.kill('SIGTERM');
    const { code, out } = await worker.ended;
    expect(code).toBe(0);
    expect(out).toContain('the worker has stopped after SIGTERM');
  });

  test.each([undefined, 'count_words has completed', 'by waiting:', 'count_part has completed'])(
    'fan-out: killed at "%s" and started again, both reports are right and there is no second step of anything',
    async (moment) => {
      if (moment !== undefined) {
        const killed = start('fan-out.ts');
        await killed.says(moment);
        killed.child.kill('SIGKILL');
        await killed.ended;
      }
      const lines = await printed('fan-out.ts');
      expect(lines.filter((line) => line.startsWith('by '))).toEqual(['by waiting: 7 words', 'by counting: 7 words']);
      expect(lines.slice(-5)).toEqual([
        'count_part: 4',
        'count_words: 4',
        'finish_report: 1',
        'report_by_counting: 1',
        'report_by_waiting: 1',
      ]);
    },
  );

  test.each(['express/server.ts', 'fastify/server.ts', 'hono/server.ts'])(
    '%s: an app is a pod, with the API of the queue under a path of its own',
    async (file) => {
      const token = 'a-token-that-nobody-guesses';
      const server = start(file, { PORT: '0', FLEET_Q_API_TOKEN: token });
      await server.says('listening at http://127.0.0.1:');
      const url = /http:\S+/.exec(server.printed())?.[0] ?? '';
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const greeted = await fetch(`${url}/greetings`, { method: 'POST', body: '{"name":"Alice"}', headers });
      const { stepId } = (await greeted.json()) as { stepId: string };
      const step = async () => (await fetch(`${url}/ops/status/${stepId}`, { headers })).json();
      await expect.poll(step).toMatchObject({ step_id: stepId, status: 'completed' });
      const body = JSON.stringify({ type: 'greet', args: { name: 'Bob' } });
      expect((await fetch(`${url}/ops/submit`, { method: 'POST', body, headers })).status).toBe(201);
      expect((await fetch(`${url}/ops/readyz`)).status).toBe(200);
      expect((await fetch(`${url}/ops/status/${stepId}`)).status).toBe(401);
      server.child.kill('SIGTERM');
      expect(await server.ended).toMatchObject({ code: 0, errors: '' });
    },
  );

  test('testing: an application tests its own handlers, through retries, two weeks and crashes', async () => {
    const child = spawn(
      process.execPath,
      ['--import', import.meta.resolve('tsx'), '--test', path.join(examples, 'testing/orders.test.ts')],
      { cwd: folder, env: { ...process.env, TSX_TSCONFIG_PATH: path.join(project, 'tsconfig.json') } },
    );
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, passed: /pass (\d+)/.exec(out)?.[1] }).toEqual({ code: 0, passed: '5' });
  });

  test('have a test each', () => {
    const programs = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.startsWith('demo') && /^await /m.test(text(file)),
    );
    const tested = readFileSync(fileURLToPath(import.meta.url), 'utf8');
    expect(programs.filter((file) => !tested.includes(`'${file.replaceAll(path.sep, '/')}'`))).toEqual([]);
    expect(programs.length).toBeGreaterThan(9);
  });
});

function text(file: string): string {
  return readFileSync(path.join(examples, file), 'utf8');
}
