/**
 * What tracing costs: FLEET-Q with nobody who listens, and with subscribers that do nothing. They take turns, round by round.
 * With `--against FOLDER`, another checkout that has been built takes turns too, so that two versions can be compared.
 */
import { median } from '../support/measure.js';
import type { Report } from '../support/report.js';
import { FLEET_Q, type Entry } from '../subjects/subject.js';
import { FIGURES, ratesOf, type Effort, type Rates } from './throughput.js';

const TRACED: Entry = { name: 'traced', module: './fleet-q-traced.ts' };
const OTHER: Entry = { name: 'other', module: './fleet-q-other.ts' };

/** @param against whether the environment names another checkout */
export async function tracing(report: Report, effort: Effort, against: boolean): Promise<void> {
  const entries = [FLEET_Q, TRACED, ...(against ? [OTHER] : [])];
  const rounds: Record<string, Rates>[] = [];
  for (let i = 0; i < effort.rounds; i++) {
    const round: Record<string, Rates> = {};
    for (const entry of i % 2 === 0 ? entries : entries.toReversed())
      round[entry.name] = await ratesOf(entry, false, effort);
    rounds.push(round);
  }
  const of = (name: string, key: keyof Rates): number[] => rounds.map((round) => round[name]?.[key] ?? NaN);
  for (const [key, figure] of Object.entries(FIGURES) as [keyof Rates, string][]) {
    for (const { name } of entries) report.add(figure, name, median(of(name, key)), 'steps/s');
    const ratio = (one: string, other: string): number =>
      median(of(one, key).map((rate, i) => rate / (of(other, key)[i] ?? NaN)));
    report.ratio(`${key}Traced`, ratio(TRACED.name, FLEET_Q.name));
    if (against) report.ratio(`${key}VsOther`, ratio(FLEET_Q.name, OTHER.name));
  }
}
