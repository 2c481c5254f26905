/** The benchmark on the modelled warehouse still runs. Figures need a quiet machine and minutes, so none is asserted here. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { FIGURES } from '../../bench/snowflake/figures/figures.js';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';

const ROOT = path.resolve(import.meta.dirname, '../..');

async function bench(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
  const flags = ['--import', 'tsx', 'bench/snowflake/main.ts', ...args];
  const env = { ...process.env, TSX_TSCONFIG_PATH: path.join(ROOT, 'tsconfig.json') };
  const child = spawn(process.execPath, flags, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (output += part.toString()));
  child.stderr.on('data', (part: Buffer) => (errors += part.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output, errors };
}

describeOnTestBed('npm run bench:snowflake', () => {
  test(
    'ends with one line of JSON that has each figure for each scheme, and fails if a bound is missed',
    { timeout: BED_MS },
    async () => {
      const { code, output, errors } = await bench(
        '--json',
        '--only',
        'onePod',
        '--schemes',
        'ours',
        '--minutes',
        '0.05',
      );
      expect(code, errors).toBe(1);
      expect(errors).toMatch(/^missed: statementsPer1000TenPods, /m); // what was left out
      const results = JSON.parse(output.trimEnd().split('\n').at(-1)!) as Record<string, Record<string, unknown>>;
      expect(Object.keys(results)).toEqual(['ours', 'direct', 'naive']);
      for (const figures of Object.values(results)) expect(Object.keys(figures)).toEqual([...FIGURES]);
    },
  );

  test.for([
    { args: ['--only', 'onePods'], message: '--only takes onePod, tenPods, loneStep, fortyPods, idle, got onePods' },
    { args: ['--schemes', 'mine'], message: '--schemes takes ours, direct, naive, got mine' },
    { args: ['--minutes', '0'], message: '--minutes takes a number above 0, got 0' },
    { args: ['--rounds', 'x'], message: '--rounds takes a number above 0, got x' },
  ])('refuses $args before it starts anything', { timeout: 60_000 }, async ({ args, message }) => {
    const { code, errors } = await bench(...args);
    expect(code).not.toBe(0);
    expect(errors).toContain(message);
  });
});
