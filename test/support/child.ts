/** Pods in processes of their own, for tests that kill and freeze them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Starts a program of `test/e2e/programs` with these arguments; it is killed when the test ends. */
export function startProgram(program: string, args: readonly string[]): ChildProcess {
  return startScript(`test/e2e/programs/${program}.ts`, args, 'inherit');
}

/** Starts a TypeScript file of the project, with its output in pipes. It is killed when the test ends. */
export function startScript(file: string, args: readonly string[], stderr: 'pipe' | 'inherit' = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', stderr],
  });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

/** Resolves with how a program ended. */
export async function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}
