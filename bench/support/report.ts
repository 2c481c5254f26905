/** The report: figures as they are measured, in a table for people or one line for programs. */

export interface Result {
  readonly figure: string;
  readonly subject: string;
  /** `null`: not measured; `missing` says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly missing?: string;
}

/** The target of a ratio, and whether more or less is better. */
const TARGETS: Readonly<Record<string, { readonly least: number } | { readonly most: number }>> = {
  processVsPlainjob: { least: 5 },
  processVsBestOther: { least: 3 },
  processVsFloor: { least: 0.75 },
  submitManyVsFloor: { least: 0.6 },
  submitVsPlainjob: { least: 0.7 },
  latencyP50Ms: { most: 1 },
  latencyP99Ms: { most: Infinity },
  crossLatencyP50Ms: { most: 15 },
  eventLoopP99Ms: { most: 8 },
  eventLoopMaxMs: { most: 40 },
  claimAtMillionExtraMs: { most: 0.3 },
  twoProcesses: { least: 0.8 },
  twoProcessesLeast: { least: 0.25 },
  idleCpu: { most: 0.01 },
  processedVsOther: { least: 0.98 },
  bulkVsOther: { least: 0.98 },
  singlyVsOther: { least: 0.98 },
  pollersThroughput: { least: 0.9 },
  pollersLoopP99Ms: { most: 15 },
  pollersCounts: { most: 1 },
  pollersFailed: { most: 0 },
};

export class Report {
  readonly results: Result[] = [];
  readonly ratios: Record<string, number> = {};
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  section(title: string): void {
    this.#print(`\n${title}`);
  }

  add(figure: string, subject: string, value: number, unit: string): void {
    this.results.push({ figure, subject, value: rounded(value), unit });
    this.#print(`  ${figure.padEnd(48)} ${subject.padEnd(18)} ${shown(value).padStart(10)} ${unit}`);
  }

  missing(figure: string, subject: string, unit: string, missing: string): void {
    this.results.push({ figure, subject, value: null, unit, missing });
    this.#print(`  ${figure.padEnd(48)} ${subject.padEnd(18)} not measured: ${missing}`);
  }

  ratio(name: string, value: number): void {
    this.ratios[name] = rounded(value);
  }

  /** The ratios and their targets. */
  verdicts(): void {
    this.section('What must be reached');
    for (const [name, target] of Object.entries(TARGETS)) {
      const value = this.ratios[name];
      if (value === undefined) continue;
      const reached = 'least' in target ? value >= target.least : value <= target.most;
      const wanted = 'least' in target ? `at least ${target.least}` : `at most ${target.most}`;
      const free = 'most' in target && target.most === Infinity;
      this.#print(
        `  ${name.padEnd(26)} ${shown(value).padStart(10)}   ${free ? '' : `${wanted}: ${reached ? 'reached' : 'MISSED'}`}`,
      );
    }
  }
}

const rounded = (value: number): number => Number(value.toPrecision(4));
const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
