/** The SQL of docs/snowflake-in-production.md, run on the test bed as a reader would run it. */
import { expect, onTestFinished, test } from 'vitest';
import { FleetQ, type AnyFleetQ } from '../../src/index.js';
import { snowflake, snowflakeDdl } from '../../src/snowflake.js';
import { useStores } from '../store/snowflake/support/stores.js';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';
import { read, section } from './markdown.js';

const text = read('docs/snowflake-in-production.md');

/** The statements of a section's SQL blocks. A body in dollars is one statement with what surrounds it. */
function statementsOf(heading: string): string[] {
  const blocks = [...section(text, heading).matchAll(/^```sql\n([^]*?)^```$/gm)].map(([, sql = '']) => sql);
  return blocks.flatMap((sql) => sql.split(/;\n(?=(?:[^$]*\$\$[^$]*\$\$)*[^$]*$)/)).filter((one) => one.trim() !== '');
}

/** The INSERT of a task's or a procedure's body, with values for the variables of the body. */
function insertOf(statement: string): string {
  const [insert] = /INSERT INTO [^;]+/.exec(statement) ?? [];
  if (insert === undefined) throw new Error(`there is no INSERT in ${statement}`);
  return insert
    .replace(':new_id', "'by-procedure'")
    .replace(':step_type', "'send_email'")
    .replace(':args', `PARSE_JSON('{"to": "a@example.com"}')`);
}

test('the grants are those of the DDL', () => {
  const ddl = snowflakeDdl({ database: 'OPS', schema: 'FLEET_Q', role: 'FLEET_Q_POD', warehouse: 'FLEET_Q_WH' });
  const granted = ddl.replaceAll('"', '').split(/;\n+/);
  const named = statementsOf('## Create the tables');
  expect(named).toHaveLength(5);
  expect(named).toEqual(granted.filter((grant) => /^GRANT .* ON TABLE /.test(grant)));
});

describeOnTestBed('the SQL of the guide', () => {
  const { open, place, byHand, options } = useStores();

  /** Names of the guide, as they are called in the running test's schema. */
  function here(sql: string): string {
    const { database, schema } = place();
    return sql.replaceAll(/\bOPS\.(?:FLEET_Q|SHOP)\.(\w+)/g, `"${database}"."${schema}".$1`);
  }

  async function makeSources(run: (sql: string) => Promise<unknown>): Promise<void> {
    await run(here('CREATE TABLE OPS.SHOP.NEW_CUSTOMER (customer_id NUMBER(38,0), email VARCHAR)'));
    await run(here(`INSERT INTO OPS.SHOP.NEW_CUSTOMER (customer_id, email) VALUES (1, 'b@example.com')`));
    // A stream is a table with one more column to its reader.
    await run(here('CREATE TABLE OPS.SHOP.NEW_ORDERS (order_id NUMBER(38,0), METADATA$ACTION VARCHAR)'));
    await run(here(`INSERT INTO OPS.SHOP.NEW_ORDERS (order_id, METADATA$ACTION) VALUES (7, 'INSERT'), (8, 'DELETE')`));
  }

  test('submits steps that pods run with their args, each once', { timeout: BED_MS }, async () => {
    await open();
    const driver = await byHand();
    await makeSources((sql) => driver.run(sql));
    const forms = statementsOf('## Submit with SQL').filter((one) => one.includes('INSERT INTO'));
    expect(forms).toHaveLength(6);
    for (const form of forms) await driver.run(here(insertOf(form)));
    await driver.run(here(insertOf(forms[2]!))); // the one with ids of its own, once more
    // The second form is due in ten minutes.
    await driver.run(here('UPDATE OPS.FLEET_Q.STEP_TRACKER SET run_at = SYSDATE() WHERE run_at > SYSDATE()'));

    const ran: unknown[] = [];
    const queue = new FleetQ({ store: snowflake({ connection: options(), ...place() }), journalPath: ':memory:' });
    onTestFinished(() => queue.stop());
    for (const type of ['send_email', 'welcome', 'report', 'fulfil']) {
      queue.register(type, (args: unknown) => void ran.push([type, args]));
    }
    await queue.start();
    await expect.poll(() => ran, { timeout: 60_000 }).toHaveLength(6);
    expect(ran).toEqual(
      expect.arrayContaining([
        ['send_email', { to: 'a@example.com' }],
        ['send_email', { to: 'b@example.com' }],
        ['welcome', { customer: 1 }],
        ['report', { kind: 'nightly' }],
        ['fulfil', { order: 7 }],
      ]),
    );
    expect(await queue.getStep('by-procedure')).toMatchObject({ type: 'send_email', priority: 0, maxRetries: 3 });
    const [late] = await driver.run(
      here('SELECT priority, max_retries FROM OPS.FLEET_Q.STEP_TRACKER WHERE priority > 0'),
    );
    expect(late).toEqual({ PRIORITY: 10, MAX_RETRIES: 5 });
  });

  test('shows the queue and the pods', { timeout: BED_MS }, async () => {
    await open();
    const driver = await byHand();
    const queue: AnyFleetQ = new FleetQ({
      store: snowflake({ connection: options(), ...place() }),
      podId: 'pod-1',
      journalPath: ':memory:',
    }).register('fails', () => {
      throw new Error('it broke');
    });
    onTestFinished(() => queue.stop());
    await queue.start();
    const submitter: AnyFleetQ = queue;
    await submitter.submit({ type: 'waits' });
    const stepId = await submitter.submit({ type: 'fails', maxRetries: 0 });
    await expect.poll(async () => (await queue.getStep(stepId))?.status, { timeout: 60_000 }).toBe('failed');
    const looks = statementsOf('## Look at the queue with SQL');
    expect(looks).toHaveLength(5);
    const shown = [];
    for (const look of looks) shown.push(await driver.run(here(look)));
    expect(shown).toMatchObject([
      [
        { TYPE: 'fails', STATUS: 'failed', STEPS: 1 },
        { TYPE: 'waits', STATUS: 'pending', STEPS: 1 },
      ],
      [{ TYPE: 'waits', RETRY_COUNT: 0 }],
      [],
      [{ STEP_ID: stepId, TYPE: 'fails', ERROR: expect.stringContaining('it broke') as unknown }],
      [{ POD_ID: 'pod-1', STATUS: 'up' }],
    ]);
  });
});
