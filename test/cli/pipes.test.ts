/** Pipes, terminals and signals: what a shell does to a command. */
import type { AnyFleetQ } from 'fleet-q';
import { beforeEach, describe, expect, test } from 'vitest';
import { sqliteGround, stepsOfEachState, type Ground } from './support/ground.js';
import { linesOf, shell, startShell } from './support/shell.js';

let env: Ground['env'];
let queue: AnyFleetQ;
beforeEach(async () => {
  ({ env, queue } = await sqliteGround());
});

const waiting = (count: number): Promise<string[]> =>
  queue.submitMany(Array.from({ length: count }, () => ({ type: 'later', delayMs: 3_600_000 })) as never);

describe('if the reader of a pipe ends early,', () => {
  test('a listing ends quietly with 0', async () => {
    await waiting(5_000);
    const ran = await shell('fleet-q list -o jsonl | head -1', env);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(ran.stdout)).toHaveLength(1);
  });

  test.each(['ids', 'json', 'table --all'])('a listing in the format %s does, too', async (format) => {
    await waiting(3_000);
    expect(await shell(`fleet-q list -o ${format} | true`, env)).toMatchObject({ code: 0, stderr: '' });
  });

  test('a verb that acts handles all steps', async () => {
    const ids = await waiting(500);
    const ran = await shell('fleet-q cancel - | true', env, ids.join('\n'));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(await queue.stats()).toMatchObject({ cancelledSteps: 500, pendingSteps: 0 });
  });

  test('watching ends', async () => {
    const ran = await shell('fleet-q stats -o jsonl --watch 100ms | head -2', env);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(ran.stdout)).toHaveLength(2);
  });
});

test('a closed standard error is no error', async () => {
  expect((await shell('fleet-q get nope 2>&-', env)).code).toBe(3);
});

describe('--watch', () => {
  test.each(['stats', 'list', 'pods', 'leader', 'get ID'])(
    '%s looks again, and ends with 130 on Ctrl-C',
    async (verb) => {
      const { pending } = await stepsOfEachState(queue);
      const { child, ended, soFar } = startShell(
        `exec fleet-q ${verb.replace('ID', pending)} -o json --watch 100ms`,
        env,
      );
      const looks = () => linesOf(soFar().stdout).filter((line) => line.startsWith('{')).length;
      await expect.poll(looks).toBeGreaterThanOrEqual(3);
      child.kill('SIGINT');
      expect(await ended).toMatchObject({ code: 130, stderr: '' });
    },
  );

  test('shows what has changed since', async () => {
    const { soFar } = startShell('exec fleet-q stats -o jsonl --watch 100ms', env);
    await expect.poll(() => soFar().stdout).toContain('"pending_steps":0');
    await waiting(1);
    await expect.poll(() => soFar().stdout).toContain('"pending_steps":1');
  });

  test('SIGTERM ends it with 143', async () => {
    const { child, ended, soFar } = startShell('exec fleet-q pods --watch', env);
    await expect.poll(() => soFar().stdout).toContain('worker-1');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 143, stderr: '' });
  });
});

describe('colours', () => {
  const ESCAPE = '\x1b[';
  beforeEach(() => stepsOfEachState(queue));

  test('are absent in a pipe, and FORCE_COLOR asks for them', async () => {
    const [piped, forced, off] = await Promise.all([
      shell('fleet-q list', env),
      shell('FORCE_COLOR=1 fleet-q list', env),
      shell('FORCE_COLOR=0 fleet-q list', env),
    ]);
    expect(piped.stdout).not.toContain(ESCAPE);
    expect(forced.stdout).toContain(`${ESCAPE}31mfailed`);
    expect(off.stdout).not.toContain(ESCAPE);
  });

  // `script` of util-linux gives the command a terminal; that of other systems has other flags.
  const inTerminal = (command: string): string => `script -qec "stty cols 60 rows 24; ${command}" /dev/null`;

  test.runIf(process.platform === 'linux')('are used on a terminal, whose width no line exceeds', async () => {
    const [colours, none] = await Promise.all([
      shell(inTerminal('fleet-q list'), { ...env, TERM: 'xterm' }),
      shell(inTerminal('fleet-q list'), { ...env, TERM: 'xterm', NO_COLOR: '1' }),
    ]);
    expect(colours.stdout).toContain(`${ESCAPE}31mfailed`);
    expect(none.stdout).not.toContain(ESCAPE);
    const lines = linesOf(none.stdout).map((line) => line.replace('\r', ''));
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
  });

  test.runIf(process.platform === 'linux')('watching redraws a terminal from its top', async () => {
    const { soFar } = startShell(inTerminal('fleet-q stats --watch 100ms'), { ...env, TERM: 'xterm' });
    await expect.poll(() => soFar().stdout.split(`${ESCAPE}H`).length).toBeGreaterThan(2);
  });
});

test('nothing that a step holds is obeyed by the terminal', async () => {
  const evil = '\x1b]0;title\x07\x9b31m\u202erev\u2066';
  const stepId = await queue.submit({ type: 'nobody', args: { evil }, metadata: { evil } } as never);
  const scripts = ['list', `get ${stepId}`, `get ${stepId} -o json`, 'list -o jsonl', 'list -o json'];
  const runs = await Promise.all(scripts.map((script) => shell(`fleet-q ${script}`, env)));
  for (const { stdout, code } of runs) {
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|[\u202e\u2066]/u);
  }
  expect(JSON.parse(runs[2]!.stdout).args.evil).toBe(evil);
  const missing = await shell(`fleet-q get $'a\\u202eb'`, { ...env, LC_ALL: 'C.UTF-8' });
  expect(missing.stderr).toContain('there is no step a\\u202eb');
});
