/** The UPDATE of the exchange: a randomised comparison with a model, invalid data, and old sources. */
import { expect, test } from 'vitest';
import { namesOf } from '../../../src/store/snowflake/table-names.js';
import { statementsOf } from '../../../src/store/snowflake/statements.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { exchange, LATER, type ModelRow, type ModelSettlement } from './support/exchange-model.js';
import { useStores } from './support/stores.js';
import { Table } from './support/raw-tables.js';
import { World } from './support/random-world.js';

const SEED = Number(process.env['SEED'] ?? 7);
const ROUNDS = Number(process.env['ROUNDS'] ?? 20);

describeOnTestBed('the exchange statement', () => {
  const { open, byHand, place } = useStores();

  /** The tables, without a store between them and the test. */
  async function table() {
    await open();
    const driver = await byHand();
    const { exchange: text } = statementsOf(namesOf({ ...place(), tablePrefix: '' }));
    return new Table(driver, text.exchange, text.source);
  }

  test(`equals the model over ${ROUNDS} random rounds (SEED=${SEED})`, { timeout: 240_000 }, async () => {
    const [sql, world] = [await table(), new World(SEED)];
    const seen = { claimed: 0, settled: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      await sql.put(world.arrivals());
      const group = world.pick(['g', 'h']);
      for (let more = world.upTo(6); more > 0; more--) await sql.ask(world.request(true));
      if (world.upTo(4) === 0) await sql.leave(world.departure());
      const own = world.upTo(3) > 0 ? world.request(false) : undefined;
      for (let pass = 0; pass < 2; pass++) {
        const skip = world.upTo(2) * world.upTo(12);
        const expected = exchange(world.rows, world.logged, own, group, world.gone, 1e9 + 2 * round + pass, skip);
        expect(await sql.exchange(own, group, skip), `round ${round}, pass ${pass}`).toBe(expected);
        expect(await sql.rows(), `round ${round}, pass ${pass}`).toEqual(shown(world.rows));
        seen.claimed += world.rows.filter((row) => row.status === 'claimed').length;
        seen.settled += world.rows.filter((row) => row.settledBy !== null).length;
      }
    }
    expect(seen.claimed).toBeGreaterThan(0);
    expect(seen.settled).toBeGreaterThan(0);
  });

  test('does not fail on invalid requests and rows', async () => {
    const [sql, world] = [await table(), new World(1)];
    const held = { ...world.step('held'), status: 'claimed', token: 'T', holder: 'i1', version: 3 };
    await sql.put([world.step('due'), { ...world.step('odd'), status: 'confused' }, held]);
    const odd = ['null', '7', '"text"', '[]', '{"a":1}', '[null,7,"x",[],{},{"id":5,"token":{},"version":"soon"}]'];
    const settlement = `[{"id":"held","token":"T","version":"soon","status":"failed"},{"id":"held","token":"T","version":3,"status":"undone"},
      {"id":"held","token":"T","version":3,"status":"pending","delayMs":1e99,"charge":{},"crash":-4}]`;
    for (const [i, value] of [...odd, settlement].entries()) {
      await sql.askRaw({
        token: `m${i}`,
        incarnation: `m${i}`,
        free: -5,
        prefetch: -1,
        quarantine: 9,
        limits: odd[i] ?? '[{"type":"t","most":"many"}]',
        settlements: value,
      });
    }
    const good = {
      ...world.request(false),
      incarnation: 'good',
      free: 2,
      prefetch: 0,
      group: 'g',
      limits: { t: 2 },
      settlements: [],
    };
    expect(await sql.exchange(good, 'g')).toBe(2);
    const rows = await sql.rows();
    expect(rows.find((row) => row.startsWith('due'))).toContain(':claimed:');
    expect(rows.find((row) => row.startsWith('odd'))).toContain(':confused:');
    expect(rows.find((row) => row.startsWith('held'))).toContain(':pending:');
  });

  test('keeps no step from the next pod for slots that the limits of a pod leave unused', async () => {
    const [sql, world] = [await table(), new World(4)];
    await sql.put(['a', 'b', 'c', 'd'].map((id) => world.step(id)));
    const wide = { ...world.request(true), prefetch: 6, free: 10, group: 'g', settlements: [] };
    await sql.ask({ ...wide, token: 'full', incarnation: 'full', limits: { t: 0 } });
    await sql.ask({ ...wide, token: 'p', incarnation: 'p', limits: { t: 2 } });
    const own = { ...wide, token: 'q', incarnation: 'q', limits: { t: 2 } };
    expect(await sql.exchange(own, 'g')).toBe(4);
    const holders = (await sql.rows()).map((row) => /\b[pq]\b/.exec(row)?.[0]);
    expect(holders).toEqual(['p', 'p', 'q', 'q']);
  });

  test('takes equal steps in the order of their submission, whatever their ids', async () => {
    const [sql, world] = [await table(), new World(3)];
    const equals = ['c', 'a', 'b'].map((id, nth) => ({ ...world.step(id), priority: 0, at: 5, made: 7, nth }));
    await sql.put(equals);
    const own = { ...world.request(false), prefetch: 0, free: 2, group: 'g', limits: { t: 9 }, settlements: [] };
    expect(await sql.exchange(own, 'g')).toBe(2);
    const claimed = (await sql.rows()).filter((row) => row.includes(':claimed:')).map((row) => row.split(':')[0]);
    expect(claimed).toEqual(['a', 'c']); // as rows are listed: the first two of c, a, b
  });

  test('takes no claim over and settles nothing twice, however old its source is', async () => {
    const [sql, world] = [await table(), new World(2)];
    const claim = (id: string) => ({ ...world.step(id), status: 'claimed', token: 'K', holder: 'i1', version: 1 });
    await sql.put([
      ...['a', 'b', 'c', 'd'].map((id) => world.step(id)),
      claim('w'),
      claim('x'),
      claim('y'),
      claim('z'),
    ]);
    const end = (id: string, status: string): ModelSettlement => ({
      id,
      token: 'K',
      version: 1,
      status,
      charge: 0,
      crash: 0,
    });
    const plain = { ...world.request(false), prefetch: 0, group: 'g', limits: { t: 9 } };
    const late = await sql.delayed(
      {
        ...plain,
        token: 'late',
        incarnation: 'l',
        free: 3,
        settlements: ['w', 'x', 'y', 'z'].map((id) => end(id, 'completed')),
      },
      'g',
    );
    await sql.exchange({ ...plain, token: 'soon', incarnation: 's', free: 2, settlements: [end('y', 'failed')] }, 'g');
    await sql.run(`UPDATE STEP_TRACKER SET version = 3 WHERE step_id = 'z'`); // claimed anew under the same old token
    await sql.run(`UPDATE STEP_TRACKER SET status = 'cancelled' WHERE step_id = 'w'`); // by a hand that leaves the version
    expect(await late()).toBe(7); // the rows of all steps that it names, of which it changes two
    const rows = Object.fromEntries((await sql.rows()).map((row) => [row.split(':')[0]!, row]));
    expect(rows['a']).toContain(':claimed:soon:');
    expect(rows['b']).toContain(':claimed:soon:');
    expect(rows['c']).toContain(':claimed:late:');
    expect(rows['d']).toContain(':pending:');
    expect(rows['x']).toContain(':completed:');
    expect(rows['y']).toMatch(/:failed:.*:s:/);
    expect(rows['z']).toContain(':claimed:K:');
    expect(rows['w']).toContain(':cancelled:K:');
  });
});

/** A row as both sides show it. */
const shown = (rows: readonly ModelRow[]): string[] =>
  rows
    .map((row) =>
      [
        ...[row.id, row.row, row.status, row.token, row.holder, row.version, row.settledToken, row.settledVersion],
        ...[row.settledBy, row.retries, row.crashes, row.at === LATER],
      ].join(':'),
    )
    .sort();
