/** The flags of `npm run sim:mutants`, checked. */
import { show, ValidationError } from '../../../src/errors.js';
import { jobsFrom, numberFrom, parsed, textsFrom } from '../command/flags.js';
import type { Mutant } from './mutant.js';

const SEEDS = 2_000;

export const MUTANTS_USAGE = `Usage: npm run sim:mutants -- [flags]

  --only TEXT  try the mutants whose name contains this; may be repeated
  --seeds N    give each mutant so many seeds (default: ${SEEDS})
  --jobs N     try so many mutants at once (default: one for each core)
  --json       end with one line: { mutants, caught, missed }
`;

export interface MutantFlags {
  readonly mutants: readonly Mutant[];
  readonly seeds: number;
  readonly jobs: number;
  readonly json: boolean;
}

/** @returns nothing if help was asked for. @throws ValidationError */
export function mutantFlags(args: readonly string[], all: readonly Mutant[]): MutantFlags | undefined {
  const given = parsed(args, MUTANTS_USAGE, {
    ...{ only: { type: 'string', multiple: true, default: [] }, seeds: { type: 'string' }, jobs: { type: 'string' } },
    ...{ json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (given['help'] === true) return undefined;
  const only = textsFrom(given['only']);
  const mutants = all.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
  if (mutants.length === 0)
    throw new ValidationError('OPTION_INVALID', '--only', `no mutant has ${only.map(show).join(' or ')} in its name`);
  const seeds = numberFrom('--seeds', given['seeds'], 1, 1_000_000) ?? SEEDS;
  return { mutants, seeds, jobs: jobsFrom(given['jobs']), json: given['json'] === true };
}
