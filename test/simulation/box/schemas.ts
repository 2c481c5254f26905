/**
 * The schema of `checked` steps. What it answers, and whether at once, is in the args.
 *
 * Invariants: the same args are always answered alike.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Behaviour } from '../plan/plan.js';

type Result = StandardSchemaV1.Result<unknown>;
type Answer = (args: unknown) => unknown;

const issues = (...all: StandardSchemaV1.Issue[]): Result => ({ issues: all });

/** The first few accept the args. */
const ANSWERS: readonly Answer[] = [
  (args) => ({ value: args }),
  (args) => ({ value: { ...(args as object), schema: 'has seen it' } }),
  (args) => ({ value: args, issues: undefined }),
  (args) => Object.create({ value: args }) as unknown,
  () => issues({ message: 'is wrong', path: ['forMs', { key: 'inner' }, 0] }, { message: 'has no path' }),
  () => issues({ message: '' }),
  () => issues(),
  () => null,
  () => ({}),
  () => 7,
  () => {
    throw new Error('the schema fails');
  },
  () => {
    throw 'no error';
  },
];

function validate(args: unknown): Result | Promise<Result> {
  const odd = (args as Partial<Behaviour> | undefined)?.odd ?? 0;
  const nth = odd % (2 * ANSWERS.length);
  const answer = (): Result => ANSWERS[nth % ANSWERS.length]?.(args) as Result;
  return nth < ANSWERS.length ? answer() : Promise.resolve().then(answer);
}

export const SCHEMA: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'simulation', validate } };
