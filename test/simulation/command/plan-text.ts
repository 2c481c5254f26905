/** A plan as one word of a command line, and back; or from a file. */
import { existsSync, readFileSync } from 'node:fs';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { show, ValidationError } from '../../../src/errors.js';
import { WORLDS } from './flags.js';
import type { Plan } from '../plan/plan.js';

const PREFIX = 'z:';

export function wordOf(plan: Plan): string {
  return PREFIX + deflateRawSync(JSON.stringify(plan)).toString('base64url');
}

/** @param given a word of {@link wordOf}, or the path of a file with a plan's JSON. @throws ValidationError */
export function planFrom(given: string): Plan {
  const plan = parsed(given) as Partial<Plan> | null;
  const isPlan =
    typeof plan === 'object' &&
    WORLDS.some((world) => world === plan?.world) &&
    Array.isArray(plan?.actions) &&
    Array.isArray(plan.pods) &&
    typeof plan.seed === 'number' &&
    typeof plan.calmAt === 'number' &&
    typeof plan.hazards === 'object';
  if (!isPlan) throw invalid(given, 'which is no plan');
  return plan as Plan;
}

function parsed(given: string): unknown {
  try {
    if (given.startsWith(PREFIX))
      return JSON.parse(inflateRawSync(Buffer.from(given.slice(PREFIX.length), 'base64url')).toString('utf8'));
  } catch {
    throw invalid(given, 'which cannot be decoded: was it copied whole?');
  }
  if (!existsSync(given)) throw invalid(given, 'which is no file');
  try {
    return JSON.parse(readFileSync(given, 'utf8'));
  } catch (error) {
    throw invalid(given, `which cannot be read: ${(error as Error).message}`);
  }
}

function invalid(given: string, why: string): ValidationError {
  return new ValidationError(
    'OPTION_INVALID',
    '--plan',
    `expected a file with a plan, or the word that a failing run printed, got ${show(given)}, ${why}`,
  );
}
