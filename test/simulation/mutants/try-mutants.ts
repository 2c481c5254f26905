/**
 * Tries mutants, several at once.
 *
 * Invariants:
 * - A mutant that does not apply, or does not compile, ends the run before any is tried.
 * - When it returns or throws, no process of its own is left, and no file.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { patched } from '../../mutants/patch.js';
import { Bundle, PROJECT, stopBundling } from '../command/bundle.js';
import { WORLDS } from '../command/flags.js';
import { SeedProcess } from '../command/seed-process.js';
import { hunt, type Hunted } from './hunt.js';
import type { Mutant } from './mutant.js';
import { SoundCode } from './sound-code.js';

export interface TryParts {
  /** The module with which a process begins that runs histories. */
  readonly entry: string;
  /** The same for one that compares models with texts. */
  readonly comparison: string;
  readonly mutants: readonly Mutant[];
  readonly seeds: number;
  readonly jobs: number;
  readonly signal: AbortSignal;
  /** One sentence for each mutant that the compiler refuses. It takes seconds. */
  readonly misfits: (project: string, mutants: readonly Mutant[]) => readonly string[];
  /** Gets each result as it comes. */
  readonly onHunted: (hunted: Hunted) => void;
}

/** @returns the results in the order of the mutants. @throws if a mutant has a mistake, or the signal aborts */
export async function tryMutants(parts: TryParts): Promise<Hunted[]> {
  const { mutants, seeds, jobs, signal, onHunted } = parts;
  for (const mutant of mutants) patched(readFileSync(path.join(PROJECT, mutant.file), 'utf8'), mutant);
  const mistakes = parts.misfits(PROJECT, mutants);
  if (mistakes.length > 0) throw new Error(`The list of mutants has mistakes:\n${mistakes.join('\n')}`);
  const grounds = { histories: new Ground(parts.entry), comparison: new Ground(parts.comparison) };
  const open = mutants.entries();
  const results: Hunted[] = [];
  const work = async (): Promise<void> => {
    for (const [place, mutant] of open) {
      signal.throwIfAborted();
      const { entry, sound } = grounds[mutant.compared === undefined ? 'histories' : 'comparison'];
      const hunted = await hunt(mutant, { entry, sound: await sound(), seeds, signal });
      results[place] = hunted;
      onHunted(hunted);
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, work));
    return results;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await Promise.all(Object.values(grounds).map((ground) => ground.close()));
    await stopBundling();
  }
}

/** The environment of the emulator may have to be made. */
const FIRST_MS = 600_000;

/** Where mutants are looked for: a kind of process, and the sound code in one of them, which starts when it is first needed. */
class Ground {
  readonly entry: string;
  #bundle: Promise<Bundle> | undefined;
  #process: SeedProcess | undefined;
  #sound: Promise<SoundCode> | undefined;

  constructor(entry: string) {
    this.entry = entry;
  }

  readonly sound = (): Promise<SoundCode> => (this.#sound ??= this.#start());

  async close(): Promise<void> {
    await this.#process?.close();
    await this.#bundle?.then(
      (bundle) => bundle.remove(),
      () => undefined, // the caller of `sound` has the error
    );
  }

  async #start(): Promise<SoundCode> {
    const { file } = await (this.#bundle = Bundle.make(this.entry));
    this.#process = new SeedProcess(file, { silentMs: FIRST_MS });
    const sound = new SoundCode(this.#process);
    for (const world of WORLDS) await sound.check(world);
    return sound;
  }
}
