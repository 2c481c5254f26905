/**
 * The report of a check: what was found, for people and as JSON, and the exit code that follows.
 *
 * Invariants:
 * - It names neither the account nor its users, hosts and objects: the values were redacted before they came here.
 */
import type { ConformanceTotals } from './conformance/run.js';
import type { Finding, Measurement } from './measurement.js';
import type { Settings } from './settings.js';

export const EXIT = { asAssumed: 0, differs: 1, usage: 2, budget: 3, interrupted: 130 } as const;

/** Why something was not run. */
export type LeftOut = 'budget' | 'refused' | 'interrupted' | 'not asked for';

export interface Result extends Pick<Measurement, 'name' | 'question' | 'assumed'> {
  /** `failed`: the measurement itself failed; its error is the answer. */
  readonly verdict: Finding['verdict'] | 'failed' | 'left out';
  readonly answer: string;
  readonly evidence: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface LiveReport {
  readonly settings: Settings;
  readonly warehouse: {
    readonly size: string;
    readonly creditsPerHour: number;
    readonly autoSuspendSeconds: number | null;
  };
  readonly results: readonly Result[];
  readonly conformance: ConformanceTotals | { readonly leftOut: LeftOut };
  readonly budget: {
    readonly credits: number;
    readonly maxCredits: number;
    readonly minutes: number;
    readonly maxMinutes: number;
    readonly statements: number;
    readonly reached: boolean;
  };
  readonly interrupted: boolean;
  /** `false`: it has to be dropped by hand. */
  readonly schemaDropped: boolean;
}

/** A fatal answer weighs most, then any other difference: a budget that was reached hides neither. */
export function exitCodeOf({ results, conformance, budget, interrupted }: LiveReport): number {
  const bad = results.some(({ verdict }) => verdict === 'fatal' || verdict === 'differs' || verdict === 'failed');
  const failed = 'failed' in conformance && (conformance.failed > 0 || (!conformance.complete && !budget.reached));
  if (results.some(({ verdict }) => verdict === 'fatal')) return EXIT.differs;
  if (interrupted) return EXIT.interrupted;
  if (bad || failed) return EXIT.differs;
  return budget.reached ? EXIT.budget : EXIT.asAssumed;
}

export function markdownOf(report: LiveReport): string {
  const { settings, warehouse, results, budget } = report;
  const suspend = warehouse.autoSuspendSeconds === null ? 'never' : `${warehouse.autoSuspendSeconds} s`;
  return [
    '## fleet-q on a Snowflake account',
    '',
    `**${headline(report)}**`,
    '',
    ...Object.entries(settings.versions).map(([name, version]) => `- ${name}: ${version}`),
    `- Region: ${settings.region}. Edition: ${settings.edition}.`,
    `- Warehouse: ${warehouse.size}, ${warehouse.creditsPerHour} credits an hour. AUTO_SUSPEND: ${suspend}.`,
    ...Object.entries(settings.parameters).map(([name, value]) => `- ${name}: ${value}`),
    `- Budget: ${amount(budget.credits)} of ${budget.maxCredits} credits (counted too high rather than too low), ` +
      `${budget.minutes.toFixed(1)} of ${budget.maxMinutes} minutes, ${budget.statements} statements.`,
    `- Conformance suite: ${conformanceLine(report.conformance)}`,
    '',
    '| Measurement | Verdict | Answer | fleet-q assumes |',
    '| --- | --- | --- | --- |',
    ...results.map(
      ({ name, verdict, answer, assumed }) => `| ${[name, verdict, cell(answer), cell(assumed)].join(' | ')} |`,
    ),
    '',
    '### Evidence',
    '',
    ...results.flatMap(evidenceOf),
    ...('failures' in report.conformance ? report.conformance.failures.map((one) => `- conformance: ${one}`) : []),
    '',
  ].join('\n');
}

function headline(report: LiveReport): string {
  const { results, budget, interrupted } = report;
  const count = (verdict: Result['verdict']) => results.filter((one) => one.verdict === verdict).length;
  if (count('fatal') > 0) return 'REFUSED: do not run fleet-q on this account. A guarantee does not hold here.';
  if (interrupted) return 'Interrupted. What was measured until then follows.';
  const code = exitCodeOf(report);
  if (code === EXIT.differs) return 'Something differs from what fleet-q assumes.';
  if (budget.reached) return 'The budget was reached. What was measured is as fleet-q assumes.';
  return `As fleet-q assumes: ${count('as assumed')} answers, ${count('unanswered')} unanswered.`;
}

function conformanceLine(conformance: LiveReport['conformance']): string {
  if ('leftOut' in conformance) return `left out (${conformance.leftOut}).`;
  const { passed, failed, complete, groups } = conformance;
  return `${passed} passed, ${failed} failed${complete ? '' : ', cut short'} (${groups.join(', ')}).`;
}

function evidenceOf({ name, question, evidence, figures, seconds, verdict }: Result): string[] {
  if (verdict === 'left out') return [];
  const numbers = Object.entries(figures).map(([key, value]) => `${key} ${amount(value)}`);
  const lines = [...evidence, ...(numbers.length === 0 ? [] : [numbers.join(', ')])];
  return [`- **${name}**: ${question} (${seconds.toFixed(1)} s)`, ...lines.map((line) => `  - ${line}`)];
}

const cell = (text: string): string => text.replace(/\s+/g, ' ').replaceAll('|', '\\|');

function amount(value: number): string {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}
