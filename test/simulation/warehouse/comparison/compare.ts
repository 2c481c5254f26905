/**
 * Runs statements on random states, in the emulator and on the model, and compares what they answer and leave.
 *
 * Invariants:
 * - A seed makes a state, the statements that are run on it, their binds, and the instant of each.
 * - SYSDATE() is the same instant on both sides, so times are compared exactly, at the edge of each window too.
 * - An old source is read by the text itself: the emulator shows it the tables as they were, and its target as it is.
 * - Row ids that a statement makes are compared up to their random part.
 */
import { Random } from '../../../chaos/random.js';
import { exchangeModels } from '../statements/exchange.js';
import { registryOf, type Registry } from '../statements/registry.js';
import type { Committed, StatementContext, StatementModel, View } from '../tables.js';
import { modelledCell } from './cells.js';
import type { Comparison } from './comparison.js';
import { difference, type Difference } from './difference.js';
import type { AnsweredRow, EmulatedTables } from './emulated-tables.js';
import { earlier, randomState } from './random-state.js';
import { stateOf, TABLES, tablesWith, type State } from './state.js';

/** A model that is not as its text. */
export interface Deviation {
  readonly seed: number;
  readonly statement: string;
  readonly isSourceOld: boolean;
  readonly bind: unknown;
  readonly difference: Difference;
}

export interface Outcome {
  /** How often each statement was run, by its name. */
  readonly runs: Readonly<Record<string, number>>;
  readonly deviation?: Deviation;
}

export interface CompareOptions {
  /** Statements of which every seed runs one first; the others follow at random. */
  readonly comparisons: Readonly<Record<string, Comparison>>;
  /** Another model, for the statement of this name. */
  readonly model?: { readonly of: string; readonly is: StatementModel };
}

const FIRST_INSTANT = 1_893_456_000_000;
/** How many statements follow on one state. */
const MOST_RUNS = 2;
const OLD_SOURCES = 0.5;

export class Comparer {
  readonly #emulated: EmulatedTables;
  readonly #registry: Registry;
  readonly #comparisons: readonly (readonly [string, Comparison])[];

  constructor(emulated: EmulatedTables, { comparisons, model }: CompareOptions) {
    const registry = registryOf(emulated.place, exchangeModels);
    this.#emulated = emulated;
    this.#registry = (text) => {
      const known = registry(text);
      return known.name === model?.of ? { ...known, model: model.is } : known;
    };
    this.#comparisons = Object.entries(comparisons);
  }

  /** Tries the state of one seed. */
  async run(seed: number): Promise<Outcome> {
    const random = new Random('statements', seed);
    const runs: Record<string, number> = {};
    let now = FIRST_INSTANT + random.between(0, 1e9);
    const first = this.#comparisons[seed % this.#comparisons.length];
    if (first === undefined) return { runs };
    let state = (first[1].makeState ?? randomState)(random, now);
    const plan = [first, ...Array.from({ length: random.between(0, MOST_RUNS - 1) }, () => this.#next(random))];
    await this.#emulated.load(state);
    for (const [at, [statement, comparison]] of plan.entries()) {
      const isLast = at === plan.length - 1;
      const trial = new Trial(this.#emulated, this.#registry, { comparison, random, now, state });
      const isSourceOld = trial.kind !== 'select' && random.chance(OLD_SOURCES);
      runs[statement] = (runs[statement] ?? 0) + 1;
      const { found, bind, left } = await trial.run({ isSourceOld, readsAll: isLast });
      if (found !== undefined) return { runs, deviation: { seed, statement, isSourceOld, bind, difference: found } };
      state = left;
      now += random.pick([0, 1, 1_000, 60_000, 1_000_000]);
    }
    return { runs };
  }

  /** A statement that needs no state of its own. */
  #next(random: Random): readonly [string, Comparison] {
    const able = this.#comparisons.filter(([, { makeState }]) => makeState === undefined);
    return random.pick(able.length === 0 ? this.#comparisons : able);
  }
}

interface Trialled {
  readonly comparison: Comparison;
  readonly random: Random;
  readonly now: number;
  readonly state: State;
}

interface Tried {
  readonly found: Difference | undefined;
  readonly bind: unknown;
  /** What the text has left. */
  readonly left: State;
}

/** One statement on one state. */
class Trial {
  readonly #emulated: EmulatedTables;
  readonly #with: Trialled;
  readonly #text: string;
  readonly #model: StatementModel;
  readonly kind: string;

  constructor(emulated: EmulatedTables, registry: Registry, trialled: Trialled) {
    this.#emulated = emulated;
    this.#with = trialled;
    this.#text = trialled.comparison.textOf(emulated.statements, trialled.random);
    const known = registry(this.#text);
    this.#model = known.model;
    this.kind = known.kind === 'metadata' ? 'select' : known.kind;
  }

  /** @param readsAll whether the tables are compared after a SELECT, too */
  async run({ isSourceOld, readsAll }: { isSourceOld: boolean; readsAll: boolean }): Promise<Tried> {
    const { state, now, random } = this.#with;
    const source = isSourceOld ? earlier(random, now, state) : state;
    const bind = this.#bind(random.chance(0.5) ? source : state);
    const emulated = this.#emulated;
    const answered = isSourceOld
      ? await emulated.runOn(source, this.#text, encoded(bind), now)
      : await emulated.run(this.#text, encoded(bind), now);
    const left = readsAll || this.kind !== 'select' ? await emulated.state() : state;
    return { found: this.#compare(source, bind, answered, left), bind, left };
  }

  #bind(state: State): unknown {
    const { comparison, random, now } = this.#with;
    return comparison.makeBind?.(random, state, now);
  }

  #compare(source: State, bind: unknown, answered: readonly AnsweredRow[], left: State): Difference | undefined {
    const { comparison, now, state } = this.#with;
    const effect = this.#model(viewOf(source), contextOf(bind, now));
    const tables = tablesWith(state);
    const committed = tables.commit(effect, 0, now);
    const rows = this.kind === 'select' ? effect.rows.map(modelledRow) : counted(committed, this.kind);
    const { shown = (all) => all, isOrdered } = comparison;
    const answer = difference('the answer', shown(rows), shown(answered.map(counts)), isOrdered);
    if (answer !== undefined) return answer;
    const modelled = stateOf(tables);
    for (const table of TABLES) {
      const found = difference(table, modelled[table].map(comparable), left[table].map(comparable));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

const encoded = (bind: unknown): string | undefined => (bind === undefined ? undefined : JSON.stringify(bind));

const viewOf = (state: State): View => tablesWith(state).view(0, Infinity);

let made = 0;
const contextOf = (bind: unknown, now: number): StatementContext => ({
  now,
  bind: bind === undefined ? undefined : (JSON.parse(JSON.stringify(bind)) as unknown),
  uuid: () => `00000000-0000-4000-8000-${String(++made).padStart(12, '0')}`,
  changeToken: '',
});

const modelledRow = (row: Readonly<Record<string, unknown>>): AnsweredRow =>
  Object.fromEntries(Object.entries(row).map(([column, value]) => [column, modelledCell(value)]));

/** The row that says how many rows were written. */
function counted({ inserted, updated, deleted }: Committed, kind: string): readonly AnsweredRow[] {
  const count = kind === 'insert' ? inserted : kind === 'update' ? updated : deleted;
  return [{ [`number of rows ${kind === 'delete' ? 'deleted' : `${kind.replace(/e$/, '')}ed`}`]: count }];
}

/** Without the number of rows that had two sources: such an UPDATE is refused. */
function counts({ 'number of multi-joined rows updated': _, ...row }: AnsweredRow): AnsweredRow {
  return row;
}

const MADE = /^(\d{15})-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A row without what chance has made of its id. */
function comparable(row: object): object {
  if (!('row_id' in row) || typeof row.row_id !== 'string') return row;
  return { ...row, row_id: row.row_id.replace(MADE, '$1-made') };
}
