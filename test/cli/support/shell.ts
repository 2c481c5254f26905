/** Runs the built `fleet-q` in a real shell. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';

const CLI = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningShell {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** What it has written so far. */
  readonly soFar: () => { readonly stdout: string; readonly stderr: string };
}

type Variables = Readonly<Record<string, string>>;

/** Starts a script of bash in which `fleet-q` is the built command. It is killed when the test ends. */
export function startShell(script: string, env: Variables = {}): RunningShell {
  const folder = temporaryFolder();
  const child = spawn('bash', ['-c', `set -o pipefail\n${script}`], {
    cwd: folder,
    env: { PATH: `${commandIn(folder)}:${process.env['PATH'] ?? ''}`, HOME: folder, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a process group of its own, as in a terminal
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  child.stdin.on('error', () => undefined); // the script may not read it
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...said }));
  });
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
    await ended;
  });
  return { child, ended, soFar: () => said };
}

/** Runs a script to its end, with this text on standard input. */
export function shell(script: string, env: Variables = {}, stdin = ''): Promise<Ran> {
  const { child, ended } = startShell(script, env);
  child.stdin!.end(stdin);
  return ended;
}

/** A folder with the command. */
function commandIn(folder: string): string {
  if (!existsSync(CLI)) throw new Error('There is no build to run: npm run build');
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  const text = `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`;
  writeFileSync(path.join(bin, 'fleet-q'), text, { mode: 0o755 });
  return bin;
}

/** The lines of a text. */
export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** The one line that a command has written to stderr. */
export function complaintOf({ stderr }: Pick<Ran, 'stderr'>): string {
  const [line = '', ...more] = linesOf(stderr);
  if (more.length > 0 || !line.startsWith('fleet-q: ')) throw new Error(`expected one line of fleet-q, got ${stderr}`);
  return line.slice('fleet-q: '.length);
}
