/** The proof that a process has exited: the rule, and the process table of a real Linux. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  hasExited,
  parseStat,
  systemProcesses,
  type ProcessMark,
  type Sighting,
} from '../../../../src/store/sqlite/pods/process-table.js';
import { ended, startScript } from '../../../support/child.js';

const SELF: ProcessMark = { namespace: 'boot pid:[1]', pid: 10, startedAt: 500 };
const OTHER: ProcessMark = { ...SELF, pid: 20, startedAt: 600 };
const SOON = { timeout: 10_000 };
const judge = (mark: ProcessMark, seen: Sighting): boolean => hasExited(mark, SELF, { lookUp: () => seen });

describe('the exit of a process', () => {
  it.each<[string, ProcessMark, Sighting]>([
    ['if no process has its pid', OTHER, 'none'],
    ['if it waits for its parent to collect its exit status', OTHER, { startedAt: 600, ended: true }],
    ['if its pid belongs to a process that started at another time', OTHER, { startedAt: 601, ended: false }],
    ['if its pid is our own, and it started at another time', { ...OTHER, pid: 10 }, 'unknown'],
  ])('is proved %s', (_, mark, seen) => {
    expect(judge(mark, seen)).toBe(true);
  });

  it.each<[string, ProcessMark, Sighting]>([
    ['if it runs', OTHER, { startedAt: 600, ended: false }],
    ['if its pid cannot be read', OTHER, 'unknown'],
    ['if it is this process', SELF, 'none'],
    ['after another boot, or in another PID namespace', { ...OTHER, namespace: 'another pid:[1]' }, 'none'],
  ])('is not proved %s', (_, mark, seen) => {
    expect(judge(mark, seen)).toBe(false);
  });
});

describe('a line of /proc/<pid>/stat', () => {
  const line = (name: string, state: string, threads = 1): string =>
    `42 (${name}) ${state} 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 ${threads} 0 86400 9 9`;

  it.each(['node', 'a b', 'x) S 1 (y', ')'])('is parsed whatever the name of the process: %s', (name) => {
    expect(parseStat(line(name, 'S'))).toEqual({ startedAt: 86_400, ended: false });
  });

  it.each(['R', 'S', 'D', 'T', 't', 'I'])('in state %s shows a process that has not ended', (state) => {
    expect(parseStat(line('node', state))?.ended).toBe(false);
  });

  it('distinguishes a zombie from a process whose first thread ended before the others', () => {
    expect(parseStat(line('node', 'Z'))?.ended).toBe(true);
    expect(parseStat(line('node', 'Z', 3))?.ended).toBe(false);
  });

  it.each(['', '42', '42 (node) S', line('node', 'S').replace('86400', 'x'), line('node', 'S').replace('86400', '0')])(
    'proves nothing if it is incomplete: %j',
    (text) => {
      expect(parseStat(text)).toBeUndefined();
    },
  );
});

describe.skipIf(process.platform !== 'linux')('the process table of this host', () => {
  const self = systemProcesses.self()!;

  function sleeper(command = 'sleep', args: readonly string[] = ['1000']): ChildProcess {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    onTestFinished(() => {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
    });
    return child;
  }

  const markOf = (pid: number): ProcessMark => ({
    ...self,
    pid,
    startedAt: (systemProcesses.lookUp(pid) as { startedAt: number }).startedAt,
  });

  it('gives this process the same name each time', () => {
    expect(self).toMatchObject({ pid: process.pid });
    expect(self.namespace).toMatch(/^[\da-f-]{36} pid:\[\d+\]/);
    expect(systemProcesses.self()).toEqual(self);
    expect(systemProcesses.lookUp(process.pid)).toEqual({ startedAt: self.startedAt, ended: false });
  });

  it('shows that a running or stopped process has not exited, and that a killed one has', async () => {
    const child = sleeper();
    const mark = markOf(child.pid!);
    expect(hasExited(mark, self, systemProcesses)).toBe(false);
    child.kill('SIGSTOP');
    expect(hasExited(mark, self, systemProcesses)).toBe(false);
    child.kill('SIGKILL');
    await ended(child);
    expect(systemProcesses.lookUp(mark.pid)).toBe('none');
    expect(hasExited(mark, self, systemProcesses)).toBe(true);
  });

  it('shows a zombie as exited', async () => {
    // The shell becomes a program that never collects the exit status of its child.
    const parent = sleeper('sh', ['-c', 'sleep 1000 & echo $!; exec sleep 1000']);
    const [text] = (await once(parent.stdout!, 'data')) as [Buffer];
    const mark = markOf(Number(text));
    const isProgram = () => readFileSync(`/proc/${parent.pid}/comm`, 'latin1') === 'sleep\n';
    await vi.waitUntil(isProgram, SOON); // until then it is a shell, which may collect it
    expect(hasExited(mark, self, systemProcesses)).toBe(false);
    process.kill(mark.pid, 'SIGKILL');
    await vi.waitUntil(() => (systemProcesses.lookUp(mark.pid) as { ended: boolean }).ended, SOON);
    expect(hasExited(mark, self, systemProcesses)).toBe(true);
  });

  it('does not know another user’s process that shows nothing of itself', () => {
    const kill = vi.spyOn(process, 'kill');
    onTestFinished(() => kill.mockRestore());
    kill.mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    expect(systemProcesses.lookUp(4_194_303)).toBe('unknown'); // beyond the greatest pid there is: /proc hides it
    kill.mockImplementation(() => true);
    expect(systemProcesses.lookUp(4_194_303)).toBe('unknown');
  });

  const inNamespace = (...flags: string[]): readonly string[] => ['--user', '--map-root-user', '--fork', ...flags];
  const hasNamespaces =
    existsSync('/proc/self/ns/time') && spawnSync('unshare', [...inNamespace('--pid'), 'true']).status === 0;
  const PROGRAM = 'test/store/sqlite/programs/self.ts';

  async function selfWithin(...flags: string[]): Promise<ProcessMark | null> {
    const child = spawn('unshare', [...inNamespace(...flags), process.execPath, '--import', 'tsx', PROGRAM]);
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    await once(child, 'close');
    return JSON.parse(text) as ProcessMark | null;
  }

  it.skipIf(!hasNamespaces)('names a process in its own PID namespace apart', async () => {
    const mark = await selfWithin('--pid', '--mount-proc');
    expect(mark).toMatchObject({ pid: 1 });
    expect(mark!.namespace).not.toBe(self.namespace);
    expect(hasExited(mark!, self, systemProcesses)).toBe(false);
  });

  it.skipIf(!hasNamespaces)('proves nothing to a process that sees the /proc of another PID namespace', async () => {
    expect(await selfWithin('--pid')).toBeNull();
  });

  it.skipIf(!hasNamespaces)(
    'names a process in its own time namespace apart, because it sees shifted start times',
    async () => {
      const mark = await selfWithin('--time', '--boottime=1000');
      expect(mark!.namespace).not.toBe(self.namespace);
    },
  );

  it('names a process that the test runner starts in our namespace', async () => {
    const child = startScript(PROGRAM, [], 'inherit');
    const [text] = (await once(child.stdout!, 'data')) as [Buffer];
    const mark = JSON.parse(text.toString()) as ProcessMark;
    await ended(child);
    expect(mark).toMatchObject({ namespace: self.namespace, pid: child.pid });
    expect(hasExited(mark, self, systemProcesses)).toBe(true);
  });
});
