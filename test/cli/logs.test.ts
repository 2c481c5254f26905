/** What the variables of the log do to the verbs that look and act: nothing. */
import { expect, test } from 'vitest';
import { sqliteGround, stepsOfEachState } from './support/ground.js';
import { linesOf, shell } from './support/shell.js';

const LOUD = { FLEET_Q_LOG_LEVEL: 'DEBUG', FLEET_Q_LOG_FORMAT: 'json' };

test('the verbs that look and act log nothing to stdout, whatever FLEET_Q_LOG_LEVEL and FLEET_Q_LOG_FORMAT say', async () => {
  const { env, queue } = await sqliteGround();
  const { completed, failed, cancelled, pending } = await stepsOfEachState(queue);
  const run = (script: string) => shell(script, { ...env, ...LOUD });

  for (const script of ['stats', 'pods', 'leader', `get ${completed}`, 'doctor']) {
    const { stdout, stderr } = await run(`fleet-q ${script} -o json`);
    expect({ script, stderr, type: typeof JSON.parse(stdout) }).toEqual({ script, stderr: '', type: 'object' });
  }
  for (const script of ['list -o jsonl', `submit ok '{"n":1}' -o json --wait`, 'recover --force -o jsonl']) {
    const { stdout, stderr } = await run(`fleet-q ${script}`);
    expect({ script, stderr }).toEqual({ script, stderr: '' });
    for (const line of linesOf(stdout)) {
      expect(Object.keys(JSON.parse(line) as object), script).not.toEqual(expect.arrayContaining(['level', 'message']));
    }
  }
  for (const script of [`retry ${failed} -o ids`, `cancel ${pending} -o ids`, `retry ${cancelled} -o ids`]) {
    const { stdout, stderr } = await run(`fleet-q ${script}`);
    expect({ script, stdout, stderr }).toEqual({ script, stdout: `${script.split(' ')[1]}\n`, stderr: '' });
  }
});
