/** `fleet-q worker` and `fleet-q serve` as processes, in a folder of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const CLI = path.join(PROJECT, 'dist/cli.js');
const STARTS_MS = 60_000;

export const TOKEN = 'a-token-of-thirty-two-characters';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder in which `fleet-q` can be imported, with these files. */
export function application(files: Readonly<Record<string, string>> = {}): string {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(PROJECT, path.join(folder, 'node_modules/fleet-q'), 'junction');
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

/** A program of Node.js that logs lines of JSON, and may serve HTTP. */
export class Process {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  constructor(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FLEET_Q_') && name !== 'DEBUG');
    this.child = spawn(process.execPath, args, {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (chunk: string) => (this.#stdout += chunk));
    this.child.stderr!.setEncoding('utf8').on('data', (chunk: string) => (this.#stderr += chunk));
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
    onTestFinished(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Warnings and errors so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The lines of its log so far. */
  get lines(): readonly Readonly<Record<string, unknown>>[] {
    const whole = this.#stdout.slice(0, this.#stdout.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Resolves with the line of the log that has this message. */
  async logs(message: string): Promise<Readonly<Record<string, unknown>>> {
    const find = () => this.lines.find((line) => line['message'] === message);
    await expect.poll(find, { timeout: STARTS_MS, interval: 20 }).toBeDefined();
    return find()!;
  }

  /** Resolves with its address. */
  async url(): Promise<string> {
    return String((await this.logs('HTTP is listening'))['url']);
  }

  async becomesReady(): Promise<string> {
    const url = await this.url();
    await expect
      .poll(() => status(`${url.replace('0.0.0.0', '127.0.0.1')}/readyz`), { timeout: STARTS_MS, interval: 20 })
      .toBe(200);
    return url;
  }

  terminate(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** The status of an answer; 0 if there is none. */
export async function status(url: string, init: RequestInit = {}): Promise<number> {
  const headers = { connection: 'close', ...(init.headers as Record<string, string> | undefined) };
  return fetch(url, { ...init, headers }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0,
  );
}

export const authorized = { authorization: `Bearer ${TOKEN}` };

/** `fleet-q` as this project's build has it. */
export class Service extends Process {
  constructor(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    super(cwd, [CLI, ...args], env);
  }
}
