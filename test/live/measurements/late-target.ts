/** Whether the target row of an UPDATE may be read late, as the rows that a SELECT reads may be. */
import { updated } from '../account.js';
import type { Finding, Measurement } from '../measurement.js';

const ROUNDS = 20;

export const lateTarget: Measurement = {
  name: 'late-target',
  question: 'Does an UPDATE see what another session has just committed to its target row?',
  assumed: 'Yes. The target row is never read late; only what the UPDATE reads beside it may be.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const [first, second] = await account.sessions(2);
    const table = await account.table('target', 'id VARCHAR, version NUMBER(38,0)');
    let late = 0;
    for (let i = 0; i < ROUNDS; i++) {
      const update = `UPDATE ${table} t SET version = t.version + 1 WHERE t.id = 'row-${i}' AND t.version = 1`;
      await first!.run(`INSERT INTO ${table} (id, version) SELECT 'row-${i}', 1`);
      await first!.run(update);
      late += updated(await second!.run(update));
    }
    const evidence = [`${ROUNDS} rows, each updated by one session and at once by another under the old version`];
    if (late === 0) return { verdict: 'as assumed', answer: 'Yes, always.', evidence };
    return {
      verdict: 'fatal',
      answer: `No: ${late} of ${ROUNDS} UPDATEs changed a row under an old version. Do not use this account.`,
      evidence,
    };
  },
};
