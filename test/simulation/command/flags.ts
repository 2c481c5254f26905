/** The flags of the commands, checked. */
import { availableParallelism } from 'node:os';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearest, show, ValidationError } from '../../../src/errors.js';
import type { WorldName } from '../plan/plan.js';

export const WORLDS = ['sqlite', 'warehouse'] as const satisfies readonly WorldName[];

const MOST_JOBS = 64;
const MOST_SEEDS = 100_000_000;
/** A seed is a number of 32 bits. */
const MOST_SEED = 2 ** 32 - 1;
const SEEDS = 2_000;

export const SIM_USAGE = `Usage: npm run sim -- [flags]

  --seeds N      run this many seeds in each world (default: ${SEEDS}; with --seed or --trace: 1)
  --seed S       begin with this seed (default: 1)
  --world WORLD  run this world alone: ${WORLDS.join(' or ')}
  --plan PLAN    run one plan: a file with its JSON, or the word that a failing run printed
  --trace        print what happened, line by line
  --jobs N       run in this many processes (default: one for each core)
  --json         print nothing but one line: { world, seeds, violations, seconds }
`;

export interface SimFlags {
  readonly seeds: number;
  readonly seed: number;
  readonly worlds: readonly WorldName[];
  readonly plan?: string;
  readonly trace: boolean;
  readonly jobs: number;
  readonly json: boolean;
}

/** @returns nothing if help was asked for. @throws ValidationError */
export function simFlags(args: readonly string[]): SimFlags | undefined {
  const given = parsed(args, SIM_USAGE, {
    ...{ seeds: { type: 'string' }, seed: { type: 'string' }, world: { type: 'string' }, plan: { type: 'string' } },
    ...{ trace: { type: 'boolean' }, jobs: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (given['help'] === true) return undefined;
  const { world, plan, trace = false, json = false } = given;
  const seed = numberFrom('--seed', given['seed'], 0, MOST_SEED) ?? 1;
  const isOne = given['seed'] !== undefined || trace === true;
  const seeds = numberFrom('--seeds', given['seeds'], 1, MOST_SEEDS) ?? (isOne ? 1 : SEEDS);
  if (seed + seeds - 1 > MOST_SEED)
    throw invalid('--seeds', `expected at most ${MOST_SEED - seed + 1} from seed ${seed} on`, seeds);
  if (plan !== undefined)
    for (const name of ['seed', 'seeds', 'world'])
      if (given[name] !== undefined) throw invalid(`--${name}`, 'cannot be combined with --plan', given[name]);
  return {
    ...{
      seeds,
      seed,
      worlds: worldsFrom(world),
      trace: trace === true,
      json: json === true,
      jobs: jobsFrom(given['jobs']),
    },
    ...(typeof plan === 'string' && { plan }),
  };
}

/** @throws ValidationError if a flag is not known, or has no value */
export function parsed(
  args: readonly string[],
  usage: string,
  options: NonNullable<ParseArgsConfig['options']>,
): Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>> {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const word = /'--([^\s'=]+)/.exec((error as Error).message)?.[1] ?? '';
    const near = word in options ? undefined : nearest(word, Object.keys(options));
    const hint = near === undefined ? '' : `; did you mean --${near}?`;
    throw new ValidationError('OPTION_INVALID', 'arguments', `${(error as Error).message}${hint}\n\n${usage}`);
  }
}

/** The texts of a flag that may be repeated; none if it was not given. */
export function textsFrom(given: unknown): readonly string[] {
  return [given ?? []].flat().map(String);
}

export function jobsFrom(given: unknown): number {
  return numberFrom('--jobs', given, 1, MOST_JOBS) ?? Math.min(MOST_JOBS, availableParallelism());
}

/** @returns nothing if nothing was given. @throws ValidationError */
export function numberFrom(flag: string, given: unknown, least: number, most: number): number | undefined {
  if (given === undefined) return undefined;
  const number = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : NaN;
  if (number >= least && number <= most) return number;
  throw invalid(flag, `expected a whole number from ${least} to ${most}`, given);
}

export function worldsFrom(given: unknown): readonly WorldName[] {
  if (given === undefined) return WORLDS;
  const world = WORLDS.find((name) => name === given);
  if (world !== undefined) return [world];
  const near = typeof given === 'string' ? nearest(given, WORLDS) : undefined;
  throw invalid('--world', `expected ${WORLDS.join(' or ')}`, given, near && `; did you mean ${near}?`);
}

function invalid(flag: string, expected: string, given: unknown, hint = ''): ValidationError {
  return new ValidationError('OPTION_INVALID', flag, `${expected}, got ${show(given)}${hint}`);
}
