import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { simFlags } from './flags.js';

describe('flags of the simulation', () => {
  test('run two thousand seeds in both worlds by default', () => {
    expect(simFlags([])).toEqual({
      ...{ seeds: 2_000, seed: 1, worlds: ['sqlite', 'warehouse'], trace: false, json: false },
      jobs: Math.min(64, availableParallelism()),
    });
  });

  test('run one seed if it is named, or if its trace is wanted', () => {
    expect(simFlags(['--seed', '17'])).toMatchObject({ seed: 17, seeds: 1 });
    expect(simFlags(['--trace'])).toMatchObject({ seed: 1, seeds: 1, trace: true });
    expect(simFlags(['--seed', '17', '--seeds', '5'])).toMatchObject({ seed: 17, seeds: 5 });
  });

  test('name one world, one plan, and the number of processes', () => {
    const given = simFlags(['--world', 'warehouse', '--jobs', '3', '--json']);
    expect(given).toMatchObject({ worlds: ['warehouse'], jobs: 3, json: true });
    expect(simFlags(['--plan', 'z:abc'])).toMatchObject({ plan: 'z:abc' });
  });

  test('ask for help', () => {
    expect(simFlags(['--help'])).toBeUndefined();
  });

  test.each([
    [['--world', 'sqlit'], '--world: expected sqlite or warehouse, got "sqlit"; did you mean sqlite?'],
    [['--seeds', '0'], '--seeds: expected a whole number from 1 to 100000000, got "0"'],
    [['--seeds', 'ten'], '--seeds: expected a whole number from 1 to 100000000, got "ten"'],
    [['--seeds', '1e3'], '--seeds: expected a whole number from 1 to 100000000, got "1e3"'],
    [['--seed', '4294967296'], '--seed: expected a whole number from 0 to 4294967295, got "4294967296"'],
    [['--seed', '4294967295', '--seeds', '2'], '--seeds: expected at most 1 from seed 4294967295 on, got 2'],
    [['--jobs', '65'], '--jobs: expected a whole number from 1 to 64, got "65"'],
    [['--plan', 'x', '--seed', '1'], '--seed: cannot be combined with --plan, got "1"'],
    [['--sed', '1'], "arguments: Unknown option '--sed'"],
    [['--sed', '1'], 'did you mean --seed?'],
    [['--seed'], "Option '--seed <value>' argument missing"],
    [['17'], "Unexpected argument '17'"],
  ])('%j are refused', (args, message) => {
    expect(() => simFlags(args)).toThrow(expect.objectContaining({ name: 'ValidationError' }) as Error);
    expect(() => simFlags(args)).toThrow(message);
  });
});
