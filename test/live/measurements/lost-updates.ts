/** Whether a claim can be lost: two sessions update one row under the same version, and the second waits for the first. */
import { updated } from '../account.js';
import type { Finding, Measurement } from '../measurement.js';

const WAITS = 3;
const RACES = 10;

export const lostUpdates: Measurement = {
  name: 'lost-updates',
  question: 'Does an UPDATE that waited for the lock read the row again?',
  assumed: 'Yes. Of two UPDATEs under the same version, the second changes 0 rows.',
  minutes: 3,
  async run(account): Promise<Finding> {
    const [first, second] = await account.sessions(2);
    const table = await account.table('fence', 'id VARCHAR, version NUMBER(38,0), holder VARCHAR');
    const claim = (id: string, holder: string): string =>
      `UPDATE ${table} t SET version = t.version + 1, holder = '${holder}' WHERE t.id = '${id}' AND t.version = 1`;
    const insert = (id: string): Promise<unknown> => first!.run(`INSERT INTO ${table} (id, version) SELECT '${id}', 1`);

    const lost: string[] = [];
    let waited = 0;
    for (let i = 0; i < WAITS; i++) {
      const id = `wait-${i}`;
      await insert(id);
      let answered = false;
      const waiting = await account.holding(first!, claim(id, 'first'), async () => {
        const attempt = second!.attempt(claim(id, 'second')).finally(() => (answered = true));
        await account.settle();
        if (!answered) waited++;
        await first!.run('COMMIT');
        return { attempt };
      });
      const changed = updated(await waiting.attempt);
      if (changed > 0) lost.push(`waited for the lock: the second UPDATE changed ${changed} row`);
    }
    for (let i = 0; i < RACES; i++) {
      const id = `race-${i}`;
      await insert(id);
      const both = await Promise.all([first!.attempt(claim(id, 'first')), second!.attempt(claim(id, 'second'))]);
      const changed = both.map(updated);
      if (changed[0]! + changed[1]! > 1) lost.push(`sent at once: the UPDATEs changed ${changed.join(' and ')} row`);
    }
    const { rows } = await first!.run(`SELECT COUNT(*) AS n FROM ${table} t WHERE t.version > 2`);
    if (Number(rows[0]?.['N']) > 0) lost.push(`${String(rows[0]?.['N'])} rows were updated twice`);
    const evidence = [`${waited} of ${WAITS} UPDATEs waited for the lock; ${RACES} pairs were sent at once`, ...lost];
    if (lost.length > 0) {
      return {
        verdict: 'fatal',
        answer: 'No. An update was lost, so two pods could run one step at the same time. Do not use this account.',
        evidence,
      };
    }
    if (waited === 0) {
      return { verdict: 'unanswered', answer: 'No UPDATE waited for the lock. No update was lost.', evidence };
    }
    return { verdict: 'as assumed', answer: 'Yes. No update was lost.', evidence };
  },
};
