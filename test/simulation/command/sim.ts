/**
 * `npm run sim`: runs seeds or one plan, and reports the rules that broke.
 *
 * Invariants:
 * - What the user asked for goes to `out`, progress to `err`. With `--json`, `out` gets one line and nothing else.
 * - When it returns or throws, no process of its own is left, and no file.
 */
import type { Plan, WorldName } from '../plan/plan.js';
import { Bundle, stopBundling } from './bundle.js';
import { Failures, findingsOf, SIMULATION, type Failure } from './failures.js';
import { runSeeds } from './fan-out.js';
import type { SimFlags } from './flags.js';
import type { Judgement } from './judgement.js';
import { planFrom } from './plan-text.js';
import { failureText, findingLines, summaryLine, type Summary } from './report.js';
import { SeedProcess, SimulationError } from './seed-process.js';
import { shrink, type Shrunk } from './shrink.js';

/** Rules whose failing seeds are made smaller. The others are named. */
const MOST_SHRUNK = 3;
const PROGRESS_MS = 2_000;

export interface SimParts {
  /** The module with which a process that runs seeds begins. */
  readonly entry: string;
  readonly signal: AbortSignal;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** @returns the exit code. @throws ValidationError, or the reason of the signal */
export async function sim(flags: SimFlags, parts: SimParts): Promise<number> {
  const plan = flags.plan === undefined ? undefined : planFrom(flags.plan);
  const bundle = await Bundle.make(parts.entry).finally(stopBundling);
  const processes = Array.from({ length: flags.jobs }, () => new SeedProcess(bundle.file));
  const close = (): Promise<unknown> => Promise.all(processes.map((process) => process.close()));
  parts.signal.addEventListener('abort', () => void close());
  try {
    parts.signal.throwIfAborted();
    const run = new Run(flags, parts, processes);
    const summary = plan === undefined ? await run.worlds() : await run.one(plan);
    if (flags.json) parts.out(JSON.stringify(summary));
    return summary.violations === 0 ? 0 : 1;
  } catch (error) {
    parts.signal.throwIfAborted();
    throw error;
  } finally {
    await close();
    bundle.remove();
  }
}

class Run {
  readonly #flags: SimFlags;
  readonly #processes: readonly SeedProcess[];
  readonly #first: SeedProcess;
  readonly #say: (text: string) => void;
  readonly #err: (text: string) => void;

  constructor(flags: SimFlags, { out, err }: SimParts, processes: readonly SeedProcess[]) {
    const [first] = processes;
    if (first === undefined) throw new Error('expected at least one process');
    this.#flags = flags;
    this.#processes = processes;
    this.#first = first;
    this.#say = flags.json ? err : out;
    this.#err = err;
  }

  async worlds(): Promise<Summary> {
    const { worlds } = this.#flags;
    const summaries: Summary[] = [];
    for (const world of worlds) {
      const summary = await (this.#flags.trace ? this.#traced(world) : this.#seeds(world));
      this.#say(summaryLine(summary));
      summaries.push(summary);
    }
    const [only] = summaries;
    const sum = (of: (summary: Summary) => number): number => summaries.reduce((total, one) => total + of(one), 0);
    return {
      world: only !== undefined && summaries.length === 1 ? only.world : 'both',
      seeds: this.#flags.seeds,
      violations: sum(({ violations }) => violations),
      seconds: rounded(sum(({ seconds }) => seconds)),
    };
  }

  async one(plan: Plan): Promise<Summary> {
    const startedAt = performance.now();
    const violations = await this.#show(plan);
    const summary = { world: plan.world, seeds: 1, violations, seconds: since(startedAt) };
    this.#say(summaryLine(summary));
    return summary;
  }

  /** Every history, in the order of the seeds. */
  async #traced(world: WorldName): Promise<Summary> {
    const startedAt = performance.now();
    const { seed: from, seeds } = this.#flags;
    let violations = 0;
    for (let seed = from; seed < from + seeds; seed += 1)
      violations += await this.#show(await this.#first.planOf(world, seed));
    return { world, seeds, violations, seconds: since(startedAt) };
  }

  async #show(plan: Plan): Promise<number> {
    const result = await this.#judge(plan, this.#flags.trace);
    const findings = findingsOf(result);
    if (result.trace !== undefined) this.#say(result.trace.trimEnd());
    if (findings.length > 0) this.#say([`${plan.world}: seed ${plan.seed}`, ...findingLines(findings)].join('\n'));
    return findings.length;
  }

  async #seeds(world: WorldName): Promise<Summary> {
    const startedAt = performance.now();
    const { seed: from, seeds: count } = this.#flags;
    const failures = new Failures();
    let ended = 0;
    const progress = setInterval(
      () => this.#err(`${world}: ${ended} of ${count} seeds, ${failures.violations} violations`),
      PROGRESS_MS,
    );
    try {
      await runSeeds(this.#processes, { world, from, count }, (result) => {
        ended += 1;
        if (findingsOf(result).length > 0 && failures.violations === 0)
          this.#err(`${world}: seed ${result.seed} breaks a rule; it is made smaller once all seeds have run`);
        failures.add(result);
      });
    } finally {
      clearInterval(progress);
    }
    const seconds = since(startedAt);
    for (const [place, failure] of failures.list.entries()) {
      const shrunk = place < MOST_SHRUNK ? await this.#shrunk(world, failure) : undefined;
      this.#say(failureText(world, failure, shrunk));
    }
    return { world, seeds: count, violations: failures.violations, seconds };
  }

  async #shrunk(world: WorldName, { seed, rule }: Failure): Promise<Shrunk | undefined> {
    this.#err(`${world}: making seed ${seed} smaller, for ${rule} …`);
    try {
      const plan = await this.#first.planOf(world, seed);
      return await shrink(plan, async (smaller) =>
        findingsOf(await this.#judge(smaller, false)).some((finding) => finding.rule === rule),
      );
    } catch (error) {
      if (!(error instanceof SimulationError)) throw error;
      return undefined; // no plan could be made of this seed
    }
  }

  async #judge(plan: Plan, withTrace: boolean): Promise<Judgement & { readonly broken?: string }> {
    try {
      return await this.#first.judge(plan, withTrace);
    } catch (error) {
      if (!(error instanceof SimulationError)) throw error;
      return { findings: [{ rule: SIMULATION, at: 0, text: error.message }] };
    }
  }
}

function since(startedAt: number): number {
  return rounded((performance.now() - startedAt) / 1_000);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
