/**
 * Experiments with whole fleets on a modelled warehouse: `npm run sim:fleets [-- --only TEXT]... [--json]`.
 *
 * Each experiment whose label has every TEXT prints a line. With `--json` there is one line instead, an array of outcomes.
 */
import { parseArgs } from 'node:util';
import { runScenario } from './run-scenario.js';
import type { Outcome, Scenario } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});

const label = ({ name, pods, scheme, reading }: Scenario): string =>
  `${pods} pods, ${name}, ${scheme}, reading ${reading}`;
const chosen = SCENARIOS.filter((scenario) => values.only.every((text) => label(scenario).includes(text)));
const outcomes: Outcome[] = [];
for (const scenario of chosen) {
  const outcome = await runScenario(scenario);
  outcomes.push(outcome);
  const { name: _name, scheme: _scheme, pods: _pods, reading: _reading, ...figures } = outcome;
  if (!values.json) process.stdout.write(`${label(scenario)}: ${JSON.stringify(figures)}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
