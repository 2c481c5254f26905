/** The demo as a new user runs it, on fewer files. Its summary must keep every promise of the README. */
import { expect, test } from 'vitest';
import { Progress } from '../../src/cli/demo/progress.js';
import { PACES } from '../../src/cli/demo/settings.js';
import { expectPromisesKept, startDemo } from '../support/demo.js';

const FILES = 2_500;
const { deadAfterMs = 0, recoveryIntervalMs = 0 } = PACES.sqlite.timing;

test(
  'loses nothing and settles nothing twice when a leader is killed and a pod is frozen',
  { timeout: 90_000 },
  async () => {
    const demo = await startDemo(['--json', '--files', String(FILES)]).ended;
    const summary = expectPromisesKept(demo, FILES);
    // Simulations check the exact bound. These are real processes, on a machine that may be busy.
    expect(summary.recoveryMs).toBeLessThanOrEqual(2 * (deadAfterMs + 2 * recoveryIntervalMs));
    expect(summary.kills).toHaveLength(1);
    expect(Object.keys(summary)).toEqual([
      ...['submitted', 'completed', 'lost', 'wrong', 'settledTwice', 'ranTwice'],
      ...['recovered', 'staleRefused', 'recoveryMs', 'seconds', 'kills'],
    ]);
  },
);

test.for([
  [
    'another store',
    ['--store', 'oracle'],
    "--store <store>' argument 'oracle' is invalid. Allowed choices are sqlite, snow",
  ],
  ['no store', ['--store', ''], "--store <store>' argument '' is invalid. Allowed choices are sqlite, snowflake"],
  ['no number of files', ['--files', 'some'], "'some' is invalid. Expected a whole number from 100 to 1000000"],
  ['too few files', ['--files', '99'], "'99' is invalid. Expected a whole number from 100 to 1000000"],
  ['too few pods', ['--pods', '2'], "'2' is invalid. Expected a whole number from 3 to 50"],
  ['too many pods', ['--pods', '51'], "'51' is invalid. Expected a whole number from 3 to 50"],
  [
    'too few pods for two kills',
    ['--store', 'snowflake', '--pods', '3'],
    '--pods: with --store snowflake, expected a whole number from 4 to 50, got 3',
  ],
  ['an unknown option', ['--sotre', 'sqlite'], "unknown option '--sotre' (Did you mean --store?)"],
] as const)('%s is refused, and the message names the option and shows the value', async ([, args, message]) => {
  const demo = await startDemo(args).ended;
  expect(demo).toMatchObject({ code: 2, stdout: '', left: [] });
  expect(demo.stderr).toContain(message);
  expect(demo.stderr).not.toContain('    at ');
});

test('says what to install if Python is missing for the demo on Snowflake', async () => {
  const demo = await startDemo(['--store', 'snowflake'], { FLEET_Q_TEST_PYTHON: 'no-such-python' }).ended;
  expect(demo).toMatchObject({ code: 1, left: [] });
  expect(demo.stderr).toMatch(/needs Python: Python 3\.11 or newer .* was not found as no-such-python/);
  expect(demo.stderr).toContain('Install it (');
  expect(demo.stderr).not.toContain('    at ');
});

/** The sequence that erases everything below the cursor. */
const ERASED = '\u001b[J';

test('keeps every line on a terminal, and redraws only the progress block', () => {
  const shown: string[] = [];
  const progress = new Progress({
    isTTY: true,
    write: (text: string | Uint8Array) => {
      const [back, written] = String(text).includes(ERASED) ? String(text).split(ERASED) : ['', String(text)];
      const drawnOver = Number.parseInt(back!.slice(2), 10) || 0; // "␛[4A": four lines up
      shown.splice(shown.length - drawnOver, drawnOver, ...written!.split('\n').slice(0, -1));
      return true;
    },
  });
  const snapshot = { seconds: 1, total: 10, completed: 5, claimed: 1, leader: null, pods: [] };
  progress.print('before');
  progress.draw(snapshot);
  progress.print('meanwhile');
  progress.draw({ ...snapshot, completed: 10 });
  progress.print('after');
  progress.conclude('the summary');
  expect(shown).toEqual(['before', 'meanwhile', 'after', expect.stringContaining('10 of 10 completed'), 'the summary']);
});
