/** How late a session sees what another session has committed. */
import type { Finding, Measurement } from '../measurement.js';

const ROUNDS = 20;
/** The default of the store's option `staleReadMs`. */
const ASSUMED_MS = 10_000;
const LONGEST_MS = 20_000;

export const visibility: Measurement = {
  name: 'late-reads',
  question: 'How late does a session see what another session has committed?',
  assumed: 'At most 10 s (`staleReadMs`).',
  minutes: 3,
  async run(account): Promise<Finding> {
    const [writer, reader] = await account.sessions(2);
    const table = await account.table('seen', 'id NUMBER(38,0)');
    const late: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      await writer!.run(`INSERT INTO ${table} (id) SELECT ${i}`);
      const committed = performance.now();
      let lateMs = 0;
      for (;;) {
        const sent = performance.now() - committed;
        const { rows } = await reader!.run(`SELECT COUNT(*) AS n FROM ${table} t WHERE t.id = ${i}`);
        if (Number(rows[0]?.['N']) === 1) break;
        lateMs = sent; // it was not visible to a read that was sent then
        if (sent > LONGEST_MS) break;
        await account.pause(20);
      }
      late.push(lateMs);
    }
    const latestMs = Math.round(Math.max(...late));
    const mode = await consistencyMode(account);
    const figures = { latestMs, lateReads: late.filter((ms) => ms > 0).length };
    const evidence = [
      `READ_CONSISTENCY_MODE: ${mode}`,
      `${figures.lateReads} of ${ROUNDS} commits were not seen by the first read`,
    ];
    const answer = latestMs === 0 ? 'At once, in every case.' : `Up to ${latestMs} ms late.`;
    return { verdict: latestMs < ASSUMED_MS ? 'as assumed' : 'differs', answer, evidence, figures };
  },
};

async function consistencyMode(account: Parameters<Measurement['run']>[0]): Promise<string> {
  const session = await account.session();
  const { rows } = await session.attempt(`SHOW PARAMETERS LIKE 'READ_CONSISTENCY_MODE' IN ACCOUNT`);
  const value = rows[0]?.['value'];
  return typeof value === 'string' ? value : 'not visible';
}
