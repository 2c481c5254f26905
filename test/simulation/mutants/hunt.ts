/**
 * Looks for a history in which a mutant breaks a rule.
 *
 * Invariants:
 * - A mutant is caught only by a rule that the sound code keeps with the same seed, and that breaks again when the seed is repeated.
 * - A simulation that throws, ends its process or does not end catches nothing. Such seeds are counted apart.
 */
import { Bundle } from '../command/bundle.js';
import type { Batch, Finding } from '../command/judgement.js';
import { SeedProcess, type SeedResult } from '../command/seed-process.js';
import type { Mutant } from './mutant.js';
import type { SoundCode } from './sound-code.js';

export interface Hunted {
  readonly mutant: Mutant;
  /** What has caught it; absent: nothing has. */
  readonly caughtBy?: { readonly rule: string; readonly seed: number; readonly text: string };
  /** How many seeds were run. */
  readonly seeds: number;
  /** How many of them broke the simulation itself, and how the first did. */
  readonly broken: number;
  readonly problem?: string;
  readonly ms: number;
}

export interface HuntParts {
  /** The module with which a process that runs seeds begins. */
  readonly entry: string;
  readonly sound: SoundCode;
  /** How many seeds a mutant is given. */
  readonly seeds: number;
  readonly signal: AbortSignal;
}

const BATCH = 10;
/** A seed of a mutant that takes longer than this counts as broken. */
const SILENT_MS = 180_000;
/** After so many, the mutant breaks the simulation rather than a rule. */
const MOST_BROKEN = 50;

/** @throws if the mutant does not apply or compile, or the signal aborts */
export async function hunt(mutant: Mutant, parts: HuntParts): Promise<Hunted> {
  const startedAt = performance.now();
  const bundle = await Bundle.make(parts.entry, { patch: mutant });
  const process = new SeedProcess(bundle.file, { silentMs: SILENT_MS });
  const close = (): void => void process.close();
  parts.signal.addEventListener('abort', close);
  try {
    const found = await search(mutant, process, parts);
    return { mutant, ...found, ms: performance.now() - startedAt };
  } catch (error) {
    parts.signal.throwIfAborted();
    throw error;
  } finally {
    parts.signal.removeEventListener('abort', close);
    await process.close();
    bundle.remove();
  }
}

async function search(
  { world, compared: statement }: Mutant,
  process: SeedProcess,
  { sound, seeds, signal }: HuntParts,
): Promise<Omit<Hunted, 'mutant' | 'ms'>> {
  const failing: SeedResult[] = [];
  for (let from = 1; from <= seeds && failing.length < MOST_BROKEN; from += BATCH) {
    signal.throwIfAborted();
    const results: SeedResult[] = [];
    const batch = { world, statement, from, count: Math.min(BATCH, seeds - from + 1) };
    await process.seeds(batch, (result) => {
      if (result.broken !== undefined) failing.push(result);
      else if (result.findings.length > 0) results.push(result);
      return failing.length >= MOST_BROKEN;
    });
    for (const result of results) {
      const kept = await sound.breaks(world, result.seed, statement);
      const finding = result.findings.find(({ rule }) => !kept.has(rule));
      const one = { world, statement, from: result.seed, count: 1 };
      if (finding === undefined || !(await breaksAgain(process, one, finding))) continue;
      const { rule, text } = finding;
      return { caughtBy: { rule, seed: result.seed, text }, seeds: result.seed, ...brokenOf(failing) };
    }
  }
  return { seeds, ...brokenOf(failing) };
}

/** What does not break again shows nothing of the mutant. */
async function breaksAgain(process: SeedProcess, one: Batch, { rule }: Finding): Promise<boolean> {
  let isBroken = false;
  await process.seeds(one, ({ findings }) => {
    isBroken = findings.some((finding) => finding.rule === rule);
    return false;
  });
  return isBroken;
}

function brokenOf(failing: readonly SeedResult[]): Pick<Hunted, 'broken' | 'problem'> {
  const [first] = failing;
  if (first?.broken === undefined) return { broken: 0 };
  return { broken: failing.length, problem: `seed ${first.seed}: ${first.broken}` };
}
