/** What was measured, kept as JSON, and the part of the documentation that is made from it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chart } from './chart.js';
import { table } from './table.js';
import { labelOf, type Outcome } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const ROOT = new URL('../../../', import.meta.url);
const at = (name: string): string => fileURLToPath(new URL(name, ROOT));
const MEASURED = at('test/simulation/experiments/measured.json');
const PAGE = at('docs/performance.md');
const CHART = at('docs/images/fleet-sizes.svg');
/** What stands between these is replaced. */
const [FROM, TO] = ['<!-- fleets: made by npm run sim:fleets -->', '<!-- fleets: end -->'];

/** Adds outcomes to those that were measured before, in the order of the experiments, and writes the table and the chart. */
export function record(outcomes: readonly Outcome[]): void {
  const known = new Map<string, Outcome>();
  for (const outcome of [...measured(), ...outcomes]) known.set(labelOf(outcome), outcome);
  const all = SCENARIOS.map((scenario) => known.get(labelOf(scenario))).filter((outcome) => outcome !== undefined);
  writeFileSync(MEASURED, `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(PAGE, pageWith(readFileSync(PAGE, 'utf8'), table(all)));
  writeFileSync(CHART, chart(all));
}

function measured(): readonly Outcome[] {
  return JSON.parse(readFileSync(MEASURED, 'utf8')) as Outcome[];
}

function pageWith(page: string, made: string): string {
  const [before, rest] = page.split(FROM);
  const after = rest?.split(TO)[1];
  if (before === undefined || after === undefined) throw new Error('the page has no place for the figures');
  return `${before}${FROM}\n\n${made}\n${TO}${after}`;
}
