/**
 * Experiments with whole fleets on a modelled warehouse: `npm run sim:fleets [-- --only TEXT]... [--json] [--write]`.
 *
 * Each experiment whose label has every TEXT prints a line. With `--json` there is one line instead, an array of outcomes. With
 * `--write` the outcomes are recorded, and the documentation gets its table and its chart from all that are recorded.
 *
 * The exit code is 0, 2 if the flags are wrong, or 130 if the run was interrupted.
 */
import { show, ValidationError } from '../../../src/errors.js';
import { parsed, textsFrom } from '../command/flags.js';
import { INTERRUPTED, runMain } from '../command/run-main.js';
import { record } from './record.js';
import { runScenario } from './run-scenario.js';
import { labelOf, type Outcome } from './scenario.js';
import { SCENARIOS } from './scenarios.js';

const USAGE = `Usage: npm run sim:fleets -- [flags]

  --only TEXT  run the experiments whose label contains this; may be repeated, and then the label contains all of them
  --write      record the outcomes, and write the table and the chart of the documentation
  --json       print nothing but one line: an array of the outcomes
`;

await runMain(async (args, { signal, out }) => {
  const given = parsed(args, USAGE, {
    only: { type: 'string', multiple: true, default: [] },
    ...{ json: { type: 'boolean' }, write: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (given['help'] === true) {
    out(USAGE.trimEnd());
    return 0;
  }
  const only = textsFrom(given['only']);
  const chosen = SCENARIOS.filter((scenario) => only.every((text) => labelOf(scenario).includes(text)));
  if (chosen.length === 0)
    throw new ValidationError('OPTION_INVALID', '--only', `no label has ${only.map(show).join(' and ')} in it`);
  // An experiment has no end to wait for: what was recorded is on the disk.
  signal.addEventListener('abort', () => process.exit(INTERRUPTED));
  const outcomes: Outcome[] = [];
  for (const scenario of chosen) {
    const outcome = await runScenario(scenario);
    outcomes.push(outcome);
    if (given['write'] === true) record([outcome]); // a whole run takes hours: nothing that was measured is lost
    const { name: _name, scheme: _scheme, pods: _pods, reading: _reading, ...figures } = outcome;
    if (given['json'] !== true) out(`${labelOf(scenario)}: ${JSON.stringify(figures)}`);
  }
  if (given['json'] === true) out(JSON.stringify(outcomes));
  return 0;
});
