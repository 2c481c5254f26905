/**
 * Experiments with whole fleets on a modelled warehouse: `npm run sim:fleets [-- --only TEXT]... [--json] [--write]`.
 *
 * Each experiment whose label has every TEXT prints a line. With `--json` there is one line instead, an array of outcomes. With
 * `--write` the outcomes are recorded, and the documentation gets its table and its chart from all that are recorded.
 */
import { parseArgs } from 'node:util';
import { record } from './record.js';
import { runScenario } from './run-scenario.js';
import { labelOf, type Outcome } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

const chosen = SCENARIOS.filter((scenario) => values.only.every((text) => labelOf(scenario).includes(text)));
const outcomes: Outcome[] = [];
for (const scenario of chosen) {
  const outcome = await runScenario(scenario);
  outcomes.push(outcome);
  if (values.write) record([outcome]); // a whole run takes hours: nothing that was measured is lost
  const { name: _name, scheme: _scheme, pods: _pods, reading: _reading, ...figures } = outcome;
  if (!values.json) process.stdout.write(`${labelOf(scenario)}: ${JSON.stringify(figures)}\n`);
}
if (values.json) process.stdout.write(`${JSON.stringify(outcomes)}\n`);
