/** The command over processes that judge without a fleet: see programs/fake-worker.ts. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Bundle, CACHE, stopBundling } from './bundle.js';
import { simFlags } from './flags.js';
import { SeedProcess } from './seed-process.js';
import { sim } from './sim.js';

const ENTRY = fileURLToPath(new URL('programs/fake-worker.ts', import.meta.url));

async function run(args: readonly string[], signal = new AbortController().signal) {
  const [out, err]: [string[], string[]] = [[], []];
  const flags = simFlags(args);
  if (flags === undefined) throw new Error('the flags ask for help');
  const code = await sim(flags, { entry: ENTRY, signal, out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('the simulation', { timeout: 60_000 }, () => {
  test('ends with 0 and one line a world if every rule holds', async () => {
    const { code, out } = await run(['--seed', '100', '--seeds', '7', '--jobs', '2']);
    expect(out).toMatch(/^sqlite: 7 seeds, no violation, [\d.]+ s\nwarehouse: 7 seeds, no violation, [\d.]+ s$/);
    expect(code).toBe(0);
  });

  test('prints one line of JSON and nothing else with --json', async () => {
    const { code, out } = await run(['--seeds', '6', '--json', '--jobs', '2']);
    expect(JSON.parse(out)).toEqual({ world: 'both', seeds: 6, violations: 0, seconds: expect.any(Number) as number });
    const failing = await run(['--seeds', '7', '--world', 'warehouse', '--json', '--jobs', '1']);
    expect(JSON.parse(failing.out)).toMatchObject({ world: 'warehouse', seeds: 7, violations: 1 });
    expect([code, failing.code]).toEqual([0, 1]);
  });

  test('prints the lowest seed that fails, the smallest plan, and the commands that replay both', async () => {
    const { code, out } = await run(['--seeds', '27', '--world', 'sqlite', '--jobs', '2']);
    expect(code).toBe(1);
    expect(out).toContain(
      'sqlite: seed 7 breaks the rule "no crash" (3 seeds did)\n  no crash at 3000 ms: pod 3 crashed\n',
    );
    expect(out).toContain('npm run sim -- --world sqlite --seed 7 --trace\n');
    const plan = /--plan (z:[\w-]+)/.exec(out)?.[1] ?? '';
    const replayed = await run(['--plan', plan, '--trace']);
    expect(replayed.out).toMatch(/^sqlite 7\n3000 crash\nsqlite: seed 7\n {2}no crash at 3000 ms: pod 3 crashed\n/);
    expect(replayed.code).toBe(1);
  });

  test('counts a simulation that throws or ends its process as a violation, and goes on', async () => {
    const { code, out } = await run(['--seeds', '10', '--world', 'sqlite', '--jobs', '2']);
    expect(code).toBe(1);
    expect(out).toContain('sqlite: seed 8 breaks the rule "simulation" (2 seeds did)\n');
    expect(out).toContain('Error: the simulation itself failed');
    expect(out).toMatch(/sqlite: 10 seeds, 3 violations, [\d.]+ s$/);
  });

  test('prints each history in the order of the seeds with --trace', async () => {
    const { out } = await run(['--seed', '11', '--seeds', '2', '--world', 'sqlite', '--trace']);
    const history = (seed: number): string => `sqlite ${seed}\n1000 submit\n2000 freeze\n4000 double\n5000 submit\n`;
    expect(out.startsWith(history(11) + history(12))).toBe(true);
  });

  test('rejects when it is interrupted, and leaves no process and no file', async () => {
    const interrupted = new AbortController();
    const running = run(['--seeds', '100000000', '--jobs', '2', '--seed', '1'], interrupted.signal);
    setTimeout(() => interrupted.abort(), 1_000);
    await expect(running).rejects.toThrow('This operation was aborted');
    expect(readdirSync(CACHE).filter((name) => name.startsWith(`sim-${process.pid}-`))).toEqual([]);
  });
});

test('a process that does not come to an end is replaced', { timeout: 60_000 }, async () => {
  const bundle = await Bundle.make(ENTRY).finally(stopBundling);
  const seeds = new SeedProcess(bundle.file, { silentMs: 1_500 });
  try {
    const plan = await seeds.planOf('sqlite', 1);
    const endless = { ...plan, actions: [{ at: 1, do: 'scale', to: 1 } as const] };
    await expect(seeds.judge(endless)).rejects.toThrow('no end within 2 s');
    expect(await seeds.judge(plan)).toEqual({ findings: [] });
  } finally {
    await seeds.close();
    bundle.remove();
  }
});
