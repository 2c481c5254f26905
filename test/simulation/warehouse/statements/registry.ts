/**
 * Every text that the Snowflake store sends, with the model of its statement.
 *
 * Invariants:
 * - The texts are those of the store itself, inverted: from text to name.
 * - A text that no pod sends is an error.
 */
import type { ExchangeStatements } from '../../../../src/store/snowflake/exchange/statements.js';
import { statementsOf, type Statements } from '../../../../src/store/snowflake/statements.js';
import { namesOf, type Place } from '../../../../src/store/snowflake/table-names.js';
import type { StatementModel } from '../tables.js';
import { cancel, refresh, restore, retry } from './changes.js';
import { chores } from './chores.js';
import { CountedText } from './counted-texts.js';
import {
  deletes,
  free,
  inserts,
  select,
  updates,
  type Known,
  type KnownStatement,
  type Named,
} from './known-statement.js';
import { forgetPods, forgetUnregistered, pruneHeartbeats, pruneRequests } from './log-pruning.js';
import { opening } from './opening.js';
import { evict, evicted, fleet, orphans, sign, view } from './pods.js';
import { cancelled, find, list, states, stats } from './reads.js';
import { archive, dedupe, pruneArchive, unload } from './retention.js';
import { isSessionSettings } from './session-settings.js';
import * as store from './store.js';
import { submit, submitted } from './submissions.js';

export type Registry = (text: string) => KnownStatement;

/** The models of the exchange; a text without one is an error. */
export type ExchangeModels = Partial<Record<keyof ExchangeStatements, StatementModel>>;

/** The statements on the tables in this place. */
export function registryOf(place: Place, exchange: ExchangeModels = {}): Registry {
  const names = namesOf(place);
  const statements = statementsOf(names);
  const exact = new Map<string, KnownStatement>();
  const add = (text: string, known: KnownStatement): void => void exact.set(text, known);
  const named = [...plain(statements), ...exchanges(statements, exchange), ...opening(names, statements, place)];
  for (const [name, text, known] of named) add(text, { name, ...known });
  const counted = countedTexts(statements);
  return (text) => {
    let known = exact.get(text);
    if (known === undefined) add(text, (known = byCount(counted, text) ?? settings(text) ?? refuse(text)));
    return known;
  };
}

function plain({ steps, pods, housekeeping, store: own }: Statements): readonly Named[] {
  return [
    ['steps.submit', steps.submit, inserts('stepTracker', submit)],
    ['steps.submitted', steps.submitted, select(submitted)],
    ['steps.find', steps.find, select(find)],
    ['steps.states', steps.states, select(states)],
    ['steps.cancelled', steps.cancelled, select(cancelled)],
    ['steps.stats', steps.stats, select(stats)],
    ['steps.cancel', steps.cancel, updates('stepTracker', cancel)],
    ['steps.retry', steps.retry, updates('stepTracker', retry)],
    ['steps.restore', steps.restore, inserts('stepTracker', restore)],
    ['steps.refresh', steps.refresh, updates('stepTracker', refresh)],
    ['pods.sign', pods.sign, inserts('podLog', sign)],
    ['pods.fleet', pods.fleet, select(fleet)],
    ['pods.view', pods.view, select(view)],
    ['pods.evict', pods.evict, inserts('podLog', evict)],
    ['pods.evicted', pods.evicted, select(evicted)],
    ['housekeeping.chores', housekeeping.chores, select(chores)],
    ['housekeeping.dedupe', housekeeping.dedupe, deletes('stepTracker', dedupe)],
    ['housekeeping.unload', housekeeping.unload, deletes('stepTracker', unload)],
    ['housekeeping.pruneRequests', housekeeping.pruneRequests, deletes('exchangeRequest', pruneRequests)],
    ['housekeeping.pruneHeartbeats', housekeeping.pruneHeartbeats, deletes('podLog', pruneHeartbeats)],
    ['housekeeping.forgetPods', housekeeping.forgetPods, deletes('podLog', forgetPods)],
    ['housekeeping.forgetUnregistered', housekeeping.forgetUnregistered, deletes('podLog', forgetUnregistered)],
    ['store.pulse', own.pulse, free(store.pulse)],
    ['store.census', own.census, free(store.census)],
  ];
}

function exchanges({ exchange: texts }: Statements, models: ExchangeModels): readonly Named[] {
  const kinds = {
    exchange: (model: StatementModel) => updates('stepTracker', model),
    settle: (model: StatementModel) => updates('stepTracker', model),
    ask: (model: StatementModel) => inserts('exchangeRequest', model),
    look: select,
    receipts: select,
    archivedReceipts: select,
  };
  return Object.entries(kinds).flatMap(([key, known]): readonly Named[] => {
    const name = key as keyof typeof kinds;
    const model = models[name];
    return model === undefined ? [] : [[`exchange.${name}`, texts[name], known(model)]];
  });
}

// ---- texts with values in them ----

interface Counted {
  readonly text: CountedText;
  readonly known: (count: number) => KnownStatement;
}

function countedTexts({ steps, pods, housekeeping }: Statements): readonly Counted[] {
  const counted = (name: string, textOf: (count: number) => string, known: (count: number) => Known): Counted => ({
    text: new CountedText(textOf),
    known: (count) => ({ name, ...known(count) }),
  });
  return [
    ...(['oldest', 'newest'] as const).map((order) =>
      counted(
        `steps.list.${order}`,
        (n) => steps.list(order, n),
        (n) => select(list(order, n)),
      ),
    ),
    counted('pods.orphans', pods.orphans, (n) => select(orphans(n))),
    counted('housekeeping.archive', housekeeping.archive, (n) => inserts('stepArchive', archive(n))),
    counted('housekeeping.pruneArchive', housekeeping.pruneArchive, (n) => deletes('stepArchive', pruneArchive(n))),
  ];
}

function byCount(counted: readonly Counted[], text: string): KnownStatement | undefined {
  for (const one of counted) {
    const count = one.text.countOf(text);
    if (count !== undefined) return one.known(count);
  }
  return undefined;
}

function settings(text: string): KnownStatement | undefined {
  if (!isSessionSettings(text)) return undefined;
  return { name: 'session.settings', kind: 'session', table: undefined, model: store.succeeds };
}

function refuse(text: string): never {
  throw new Error(`a statement without a model: ${text.split('\n', 1)[0]}`);
}
