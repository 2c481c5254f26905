/**
 * The example for Next, as a user runs it: installed from its lock file, with the built package beside it, built, started
 * and asked.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { addPackageTo } from '../support/application.js';
import { freePort } from '../support/free-port.js';

const example = fileURLToPath(new URL('../../examples/next', import.meta.url));
const TOKEN = 'a-token-that-nobody-guesses';
/** Installing takes 370 MB from the registry or its cache, and building some seconds of two cores. */
const WITHIN_MS = 600_000;

test('the API is mounted in a route handler of Next', { timeout: WITHIN_MS }, async () => {
  const app = mkdtempSync(path.join(tmpdir(), 'fleet-q-next-'));
  onTestFinished(() => rmSync(app, { recursive: true, force: true, maxRetries: 3 }), WITHIN_MS);
  const isOurs = (file: string): boolean => !/[\\/](node_modules|\.next)$/.test(file);
  cpSync(example, app, { recursive: true, filter: isOurs });
  await run(app, 'npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']);
  addPackageTo(app);
  await run(app, process.execPath, [next(app), 'build']);

  const port = await freePort();
  const server = start(app, process.execPath, [next(app), 'start', '-p', String(port), '-H', '127.0.0.1']);
  const url = `http://127.0.0.1:${port}/ops`;
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const ready = async (): Promise<unknown> =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status,
      () => server.output(),
    );
  await expect.poll(ready, { timeout: 60_000 }).toBe(200);

  expect((await fetch(`${url}/livez`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(`${url}/api/stats`)).status).toBe(401);
  const body = JSON.stringify({ type: 'greet', args: { name: 'Ünal' } });
  const submitted = await fetch(`${url}/submit`, { method: 'POST', body, headers });
  expect(submitted.status).toBe(201);
  expect(submitted.headers.get('content-security-policy')).toContain("default-src 'none'");
  const { step_id } = (await submitted.json()) as { step_id: string };
  const step = async (): Promise<unknown> => (await fetch(`${url}/api/steps/${step_id}`, { headers })).json();
  await expect.poll(step).toMatchObject({ step_id, status: 'completed', result: 'Hello, Ünal.' });
  const foreign = { ...headers, origin: 'https://evil.example' };
  expect((await fetch(`${url}/submit`, { method: 'POST', body, headers: foreign })).status).toBe(403);
  expect((await fetch(`${url}/nowhere`, { headers })).status).toBe(404);
  expect(readdirSync(app)).toContain('next.db');
});

function next(app: string): string {
  return path.join(app, 'node_modules/next/dist/bin/next');
}

interface Program {
  readonly child: ChildProcess;
  output(): string;
}

/** Starts a program; it is ended when the test ends. */
function start(cwd: string, command: string, args: readonly string[]): Program {
  const env = { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', FLEET_Q_API_TOKEN: TOKEN };
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command === 'npm' && process.platform === 'win32',
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const killing = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await once(child, 'exit');
    clearTimeout(killing);
  }, 60_000);
  return { child, output: () => text };
}

async function run(cwd: string, command: string, args: readonly string[]): Promise<void> {
  const { child, output } = start(cwd, command, args);
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, `${command} ${args.join(' ')}\n${output()}`).toBe(0);
}
