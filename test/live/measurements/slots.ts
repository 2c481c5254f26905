/** How long statements take in the warehouse, how many run at once, and whether one that waits for a lock holds a slot. */
import { identifier } from '../../../src/store/snowflake/table-names.js';
import { median } from '../account.js';
import type { LiveAccount } from '../account.js';
import type { Finding, Measurement } from '../measurement.js';
import type { LiveSession } from '../session.js';

const RUNS = 9;
/** The cap of the pace: what a pod reports beyond it is not believed. */
const MOST_SLOT_MS = 900;
const DEFAULT_SLOTS = 8;
const SENT = 24;
/** How long one statement works that takes nothing but a slot. */
const WORK_SECONDS = 3;

export const slotTime: Measurement = {
  name: 'slot-time',
  question: 'How long do an INSERT, a SELECT and an UPDATE take beyond a statement that needs no warehouse?',
  assumed: `INSERT about 350 ms, and less than ${MOST_SLOT_MS}; SELECT 20 to 120 ms; UPDATE about 300 ms.`,
  minutes: 2,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const table = await account.table('timed', 'id VARCHAR, v NUMBER(38,0)');
    await session.run(`INSERT INTO ${table} (id, v) SELECT 'a', 0`);
    const floorMs = await account.floorMs();
    const time = async (sql: string): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < RUNS; i++) times.push((await session.run(sql.replace('NTH', String(i)))).ms);
      return Math.max(0, Math.round(median(times) - floorMs));
    };
    const insertMs = await time(`INSERT INTO ${table} (id, v) SELECT 'b', NTH`);
    const selectMs = await time(`SELECT t.id FROM ${table} t WHERE t.v = NTH`);
    const updateMs = await time(`UPDATE ${table} t SET v = t.v + 1 WHERE t.id = 'a'`);
    const figures = { clientMs: Math.round(floorMs), insertMs, selectMs, updateMs };
    const answer = `INSERT ${insertMs} ms, SELECT ${selectMs} ms, UPDATE ${updateMs} ms; client ${figures.clientMs} ms`;
    return { verdict: insertMs < MOST_SLOT_MS ? 'as assumed' : 'differs', answer, figures };
  },
};

export const statementsAtOnce: Measurement = {
  name: 'statements-at-once',
  question: `Of ${SENT} statements sent at once, how many run at a time?`,
  assumed: `At least ${DEFAULT_SLOTS / 2}: \`statementSlots\` is ${DEFAULT_SLOTS} by default, and half of that is harmless.`,
  minutes: 2,
  async run(account): Promise<Finding> {
    const { slots, unitMs } = await slotsOf(account);
    const parameter = await concurrencyLevel(account);
    const evidence = [
      `one alone took ${Math.round(unitMs)} ms`,
      `MAX_CONCURRENCY_LEVEL: ${parameter ?? 'not visible'}`,
    ];
    const answer = slots >= SENT ? `All ${SENT}.` : `About ${slots}.`;
    return { verdict: slots >= DEFAULT_SLOTS / 2 ? 'as assumed' : 'differs', answer, evidence, figures: { slots } };
  },
};

export const waitingUpdateSlot: Measurement = {
  name: 'waiting-update-slot',
  question: 'Does an UPDATE that waits for a lock hold a slot of the warehouse?',
  assumed: 'Either. Combining lets few UPDATEs wait, so it does not matter which.',
  minutes: 2,
  async run(account): Promise<Finding> {
    const level = Number((await concurrencyLevel(account)) ?? DEFAULT_SLOTS);
    const waiting = Math.min(Number.isInteger(level) && level > 0 ? level : DEFAULT_SLOTS, 18);
    const [holder, reader, ...others] = await account.sessions(waiting + 2);
    const table = await account.table('slots', 'id VARCHAR');
    const other = await account.table('beside', 'id VARCHAR');
    await holder!.run(`INSERT INTO ${table} (id) SELECT 'a'`);
    const select = `SELECT t.id FROM ${other} t WHERE t.id = 'a'`;
    const alone = (await reader!.run(select)).ms;
    let passed = false;
    const sent = await account.holding(holder!, `UPDATE ${table} t SET id = 'b'`, async () => {
      const updates = others.map((session) => session.attempt(`UPDATE ${table} t SET id = 'c'`));
      await account.settle();
      const read = reader!.attempt(select).finally(() => (passed = true));
      await account.settle();
      const was = passed;
      await holder!.run('COMMIT');
      return { updates, read, was };
    });
    await Promise.all([...sent.updates, sent.read]);
    const evidence = [
      `${waiting} UPDATEs waited; a SELECT on another table took ${Math.round(alone)} ms before, and ` +
        (sent.was ? 'passed them' : 'waited as long as they did'),
    ];
    return { verdict: 'as assumed', answer: sent.was ? 'No.' : 'Yes.', evidence };
  },
};

async function slotsOf(account: LiveAccount): Promise<{ readonly slots: number; readonly unitMs: number }> {
  const sessions = await account.sessions(SENT);
  const work = (session: LiveSession) =>
    session.run(`SELECT COUNT(*) AS n FROM TABLE(GENERATOR(TIMELIMIT => ${WORK_SECONDS}))`);
  const alone = [await work(sessions[0]!), await work(sessions[0]!), await work(sessions[0]!)];
  const unitMs = Math.max(...alone.map(({ ms }) => ms));
  const all = await Promise.all(sessions.map(work));
  // The first wave ends before a second could: between one unit and two.
  return { slots: all.filter(({ ms }) => ms < 1.6 * unitMs).length, unitMs };
}

/** @returns `undefined` if the role may not see it */
async function concurrencyLevel(account: LiveAccount): Promise<string | undefined> {
  const session = await account.session();
  const { rows } = await session.attempt(
    `SHOW PARAMETERS LIKE 'MAX_CONCURRENCY_LEVEL' IN WAREHOUSE ${identifier(account.warehouse.name)}`,
  );
  const value = rows[0]?.['value'];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
