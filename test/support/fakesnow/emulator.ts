/** One emulator: a child process that serves Snowflake's protocol on a free local port, in memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.js';

const ADAPTER = fileURLToPath(new URL('adapter.py', import.meta.url));
/** Python has to load DuckDB, pyarrow and the rest: some 3 s on a quiet machine. */
const START_MS = 60_000;
const STOP_MS = 3_000;
const KEPT_CHARS = 4_000;

export interface Emulator {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts an emulator that ends with `stop()`, or with this process, however that ends. */
export async function startEmulator(): Promise<Emulator> {
  const child = spawn(await environment(), [ADAPTER], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C is for the process that started it, which may still need it.
    detached: true,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const said = lastWords(child);
  try {
    const port = await portOf(child);
    return { port, stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw new Error(`The Snowflake emulator did not start: ${String(error)}\n${said()}`, { cause: error });
  }
}

/** What it writes is read, or it would block; the end of it tells why it died. */
function lastWords({ stderr }: ChildProcess): () => string {
  let kept = '';
  stderr!.setEncoding('utf8').on('data', (text: string) => (kept = (kept + text).slice(-KEPT_CHARS)));
  return () => kept;
}

async function portOf(child: ChildProcess): Promise<number> {
  const signal = AbortSignal.timeout(START_MS);
  const lines = createInterface({ input: child.stdout! });
  try {
    const line = once(lines, 'line', { signal }) as Promise<[string]>;
    const exit = once(child, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
    const [port] = await Promise.race([line, exit]);
    return Number(port);
  } finally {
    lines.close();
    child.stdout!.resume();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  child.stdin!.end(); // upon which it ends by itself
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exit;
  clearTimeout(timer);
}

/** The keeper's address, in the environment: see keeper.ts. */
export const KEEPER = 'FLEET_Q_TEST_EMULATOR_KEEPER';

/** The emulator that is kept for this worker of a run of tests, or one of our own where nobody keeps any. */
export async function reachEmulator(): Promise<Emulator> {
  const keeper = process.env[KEEPER];
  if (keeper === undefined) return startEmulator();
  const answer = await ask(`${keeper}/${process.env['VITEST_POOL_ID'] ?? 0}`);
  if (!/^\d+$/.test(answer)) throw new Error(answer);
  return { port: Number(answer), stop: async () => {} };
}

function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // No agent: nothing is left open.
    get(url, { agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}
