/** The models of the exchange against the texts, run on the emulator from the same random states. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BED_MS, describeOnTestBed } from '../../../support/warehouse/suite.js';
import { exchangeModels } from '../statements/exchange.js';
import type { Effect, RowUpdate, StatementModel, View } from '../tables.js';
import { ModelledTables } from '../tables/modelled-tables.js';
import { lookOf, requestsOf, sortedTexts, stepsOf, type ResultRow, withoutJsonNull } from './compared.js';
import { ExchangeBed } from './exchange-bed.js';
import { NOW, RandomExchange, type State } from './exchange-state.js';

const STATES = Number(process.env['STATES'] ?? 6);
const SEED = Number(process.env['SEED'] ?? 1);

const runModel = (model: StatementModel, view: View, bind: object, now: number): Effect =>
  model(view, { bind: JSON.parse(JSON.stringify(bind)) as unknown, now, uuid: () => 'uuid', changeToken: '' });

function tablesWith({ steps, archived, requests, podLog }: State): ModelledTables {
  const tables = new ModelledTables();
  const effect = {
    rows: [],
    insertSteps: steps,
    insertArchived: archived,
    insertRequests: requests,
    insertPodLog: podLog,
  };
  tables.commit(effect, 0, NOW);
  return tables;
}

/** Raises the version of these rows. */
const raisingOf = ({ steps }: State, rowIds: ReadonlySet<string>): readonly RowUpdate[] =>
  [...new Set(steps.map(({ step_id }) => step_id))].map((step_id) => ({
    step_id,
    guard: ({ row_id }) => rowIds.has(row_id),
    change: (row) => ({ ...row, version: row.version + 1 }),
  }));

const updated = ([row]: readonly ResultRow[]): number => Number(row?.['number of rows updated']);

describeOnTestBed(`the models of the exchange, over ${STATES} random states from seed ${SEED}`, () => {
  let bed: ExchangeBed;
  beforeAll(async () => {
    bed = await ExchangeBed.start();
  }, BED_MS);
  afterAll(() => bed?.stop());

  /** Each seed with its state, in the bed and in the modelled tables. */
  async function forEachState(judge: (random: RandomExchange, tables: ModelledTables, name: string) => Promise<void>) {
    for (let seed = SEED; seed < SEED + STATES; seed++) {
      const random = new RandomExchange(seed);
      await bed.put(random.state);
      await judge(random, tablesWith(random.state), `SEED=${seed} STATES=1`);
    }
  }

  async function compareUpdate(tables: ModelledTables, key: 'exchange' | 'settle', bind: object, name: string) {
    const effect = runModel(exchangeModels[key], tables.view(1, NOW), bind, NOW);
    const committed = tables.commit(effect, 1, NOW);
    const answer = await bed.run(bed.texts[key], bind, NOW);
    expect(committed.updated, name).toBe(updated(answer));
    expect(stepsOf(tables.view(1, NOW)), name).toEqual(sortedTexts(await bed.rows('steps')));
    return committed.changes.length;
  }

  test('the UPDATE leaves the same rows, as its model', { timeout: STATES * 10_000 + 60_000 }, async () => {
    let changes = 0;
    await forEachState(async (random, tables, name) => {
      changes += await compareUpdate(tables, 'exchange', random.exchangeBind(), name);
      // Again, with what it has left: some requests are served now.
      changes += await compareUpdate(tables, 'exchange', random.exchangeBind(), `${name}, again`);
    });
    expect(changes).toBeGreaterThan(STATES / 4);
  });

  test(
    'the UPDATE leaves the same rows, from a source that is old',
    { timeout: STATES * 10_000 + 60_000 },
    async () => {
      let refused = 0;
      await forEachState(async (random, tables, name) => {
        const bind = random.exchangeBind();
        const effect = runModel(exchangeModels.exchange, tables.view(1, NOW), bind, NOW);
        const run = await bed.exchangeFromNow(bind, NOW);
        await compareUpdate(tables, 'exchange', random.exchangeBind(), name);
        const more = Array.from({ length: random.random.upTo(3) }, () => random.step(`s${1 + random.random.upTo(16)}`));
        await bed.insert('steps', more);
        tables.commit({ rows: [], insertSteps: more }, 0, NOW);
        const raised = new Set(
          random.state.steps.map(({ row_id }) => row_id).filter(() => random.random.upTo(4) === 0),
        );
        await bed.raise([...raised]);
        tables.commit({ rows: [], update: raisingOf(random.state, raised) }, 0, NOW);
        const committed = tables.commit(effect, 1, NOW + 700);
        expect(committed.updated, name).toBe(updated(await run(NOW + 700)));
        expect(stepsOf(tables.view(1, NOW + 700)), name).toEqual(sortedTexts(await bed.rows('steps')));
        refused += committed.updated - committed.changes.length;
      });
      expect(refused).toBeGreaterThan(STATES / 4);
    },
  );

  test('settlements alone leave the same rows', { timeout: STATES * 10_000 + 60_000 }, async () => {
    let changes = 0;
    await forEachState(async (random, tables, name) => {
      changes += await compareUpdate(tables, 'settle', random.settleBind(), name);
    });
    expect(changes).toBeGreaterThan(STATES / 4);
  });

  test('a look, receipts and a new request are the same', { timeout: STATES * 10_000 + 60_000 }, async () => {
    await forEachState(async (random, tables, name) => {
      const view = tables.view(1, NOW);
      const look = random.lookBind();
      const seen = lookOf(runModel(exchangeModels.look, view, look, NOW).rows);
      expect(seen, name).toEqual(lookOf(await bed.run(bed.texts.look, look, NOW)));
      for (const key of ['receipts', 'archivedReceipts'] as const) {
        const bind = random.receiptsBind();
        const { rows } = runModel(exchangeModels[key], view, bind, NOW);
        expect(sortedTexts(rows), name).toEqual(sortedTexts(await bed.run(bed.texts[key], bind, NOW)));
      }
      const ask = random.askBind();
      tables.commit(runModel(exchangeModels.ask, view, ask, NOW), 1, NOW);
      await bed.run(bed.texts.ask, ask, NOW);
      expect(requestsOf(tables.view(1, NOW)), name).toEqual(sortedTexts(withoutJsonNull(await bed.rows('requests'))));
    });
  });
});
