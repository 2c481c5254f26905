/**
 * Steps a second: submitted in bulk, processed, and submitted singly and awaited. The subjects take turns, round by round,
 * each in its own process and place. The result is the median; ratios are taken within a round.
 */
import { median, pause, rateOf, timed } from '../support/measure.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import type { Servers } from '../support/servers.js';
import { alone, type Course } from '../support/tasks.js';
import { FLEET_Q, FLOOR, open, PEERS, PLAINJOB, type Entry } from '../subjects/subject.js';

export interface Effort {
  readonly servers: Servers;
  readonly rounds: number;
  readonly steps: number;
  /** The longest time of a single measurement. */
  readonly seconds: number;
}

interface Input {
  readonly module: string;
  readonly place: Place;
  readonly steps: number;
  readonly seconds: number;
}

export type Rates = Readonly<Record<'processed' | 'bulk' | 'singly', number>>;

/** Warm-up, not measured: first use opens, loads and compiles. */
const WARM_UP = 1_000;

/** Submits in bulk, then processes all of it, within the time limit. */
export async function flow({ module, place, steps: count, seconds }: Input, { begin }: Course) {
  const subject = await open(module, place);
  const steps = count - WARM_UP;
  await subject.submitMany(WARM_UP);
  await begin();
  const bulk = (steps / (await timed(() => subject.submitMany(steps)))) * 1_000;
  let ran = 0;
  let allRan = (): void => undefined;
  const finished = new Promise<void>((resolve) => (allRan = resolve));
  const endsAt = performance.now() + seconds * 1_000;
  const tookMs = await timed(async () => {
    // Measured in the handler: some workers leave no turn for a timer.
    await subject.work(() => {
      if (++ran === count || ((ran & 63) === 0 && performance.now() > endsAt)) allRan();
    });
    await finished;
    while (ran >= count && (await subject.settled()) < count) await pause(0);
  });
  await subject.close();
  return { bulk, processed: (Math.min(ran, count) / tookMs) * 1_000 };
}

/** Submits one after another, each awaited. */
export async function singly({ module, place, steps, seconds }: Input, { begin }: Course) {
  const subject = await open(module, place);
  await rateOf(WARM_UP, 1, (n) => subject.submit({ n }));
  await begin();
  const rate = await rateOf(steps, seconds, (n) => subject.submit({ n: WARM_UP + n }));
  await subject.close();
  return rate;
}

/** The rates of one subject, in processes and places of its own. */
export async function ratesOf({ module, newerNode = false }: Entry, full: boolean, effort: Effort): Promise<Rates> {
  const { servers, seconds, steps } = effort;
  const flowed = await withPlace({ servers, full }, (place) =>
    alone<Omit<Rates, 'singly'>>({ module: 'throughput', name: 'flow' }, { module, place, steps, seconds }, newerNode),
  );
  const rate = await withPlace({ servers, full }, (place) =>
    alone<number>({ module: 'throughput', name: 'singly' }, { module, place, steps, seconds: seconds / 2 }, newerNode),
  );
  return { ...flowed, singly: rate };
}

export const FIGURES = { processed: 'processed', bulk: 'submitted in bulk', singly: 'submitted singly' } as const;

/** @param full whether acknowledged work survives a power loss */
export async function throughput(report: Report, effort: Effort, full: boolean): Promise<void> {
  const suffix = full ? ', synchronous full' : '';
  const missing = ({ needs }: Entry): boolean => needs !== undefined && effort.servers[needs] === undefined;
  const entries = [FLEET_Q, ...PEERS, FLOOR].filter((entry) => !missing(entry));
  const rounds: Record<string, Rates>[] = [];
  for (let i = 0; i < effort.rounds; i++) {
    const round: Record<string, Rates> = {};
    for (const entry of entries) round[entry.name] = await ratesOf(entry, full, effort);
    rounds.push(round);
  }
  for (const [key, figure] of Object.entries(FIGURES) as [keyof Rates, string][]) {
    for (const { name } of entries) {
      report.add(figure + suffix, name, median(rounds.map((round) => round[name]?.[key] ?? NaN)), 'steps/s');
    }
    for (const entry of PEERS.filter(missing))
      report.missing(figure + suffix, entry.name, 'steps/s', `no ${entry.needs}`);
  }
  if (!full) addRatios(report, rounds, entries);
}

function addRatios(report: Report, rounds: readonly Record<string, Rates>[], entries: readonly Entry[]): void {
  const ratio = (key: keyof Rates, others: readonly string[]): number =>
    median(
      rounds.map(
        (round) => (round[FLEET_Q.name]?.[key] ?? NaN) / Math.max(...others.map((name) => round[name]?.[key] ?? 0)),
      ),
    );
  const others = entries
    .map(({ name }) => name)
    .filter((name) => ![FLEET_Q, FLOOR, PLAINJOB].some((entry) => entry.name === name));
  report.ratio('processVsPlainjob', ratio('processed', [PLAINJOB.name]));
  if (others.length > 0) report.ratio('processVsBestOther', ratio('processed', others));
  report.ratio('processVsFloor', ratio('processed', [FLOOR.name]));
  report.ratio('submitManyVsFloor', ratio('bulk', [FLOOR.name]));
  report.ratio('submitVsPlainjob', ratio('singly', [PLAINJOB.name]));
}
