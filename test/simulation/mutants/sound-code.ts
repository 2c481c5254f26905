/**
 * The library without any defect: which rules it breaks with a seed. None, when all is well; but a mutant must not count as caught
 * by a rule that breaks without it.
 *
 * Invariant: each seed is run once, whichever mutants ask.
 */
import { findingsOf, SIMULATION } from '../command/failures.js';
import type { Batch } from '../command/judgement.js';
import type { SeedProcess } from '../command/seed-process.js';
import type { WorldName } from '../plan/plan.js';

export class SoundCode {
  readonly #process: SeedProcess;
  readonly #breaks = new Map<string, Promise<ReadonlySet<string>>>();
  /** The process serves one request at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(process: SeedProcess) {
    this.#process = process;
  }

  /** The rules that break with this seed. */
  breaks(world: WorldName, seed: number, statement?: string): Promise<ReadonlySet<string>> {
    const key = `${world} ${seed} ${statement ?? ''}`;
    const known = this.#breaks.get(key);
    if (known !== undefined) return known;
    const breaks = this.#turn.then(() => this.#run({ world, from: seed, count: 1, statement }));
    this.#breaks.set(key, breaks);
    this.#turn = breaks.catch(() => undefined); // the caller gets the error
    return breaks;
  }

  /** @throws if the simulation itself fails without any defect: then it would fail with all mutants */
  async check(world: WorldName): Promise<void> {
    if ((await this.breaks(world, 1)).has(SIMULATION))
      throw new Error(`the simulation fails without a mutant: ${world}, seed 1`);
  }

  async #run(batch: Batch): Promise<ReadonlySet<string>> {
    const rules = new Set<string>();
    await this.#process.seeds(batch, (result) => {
      for (const { rule } of findingsOf(result)) rules.add(rule);
      return false;
    });
    return rules;
  }
}
