/** The smallest difference between what the model says and what the text says. */
import { isDeepStrictEqual } from 'node:util';

type Fields = Readonly<Record<string, unknown>>;

/** A row that is not the same on both sides: its pair differs in the fewest columns. */
export interface Difference {
  readonly where: string;
  /** The columns that differ; all of them if the other side has no row like it. */
  readonly model: Fields | undefined;
  readonly text: Fields | undefined;
}

/** @param isOrdered whether the rows must come in one order */
export function difference(
  where: string,
  model: readonly object[],
  text: readonly object[],
  isOrdered = false,
): Difference | undefined {
  const [left, right] = isOrdered ? [model as readonly Fields[], text as readonly Fields[]] : unmatched(model, text);
  if (isOrdered ? isDeepStrictEqual(left, right) : left.length + right.length === 0) return undefined;
  const pairs = isOrdered
    ? Array.from({ length: Math.max(left.length, right.length) }, (_, at) => [left[at], right[at]] as const)
    : left.flatMap((one) => right.map((other) => [one, other] as const));
  const apart = pairs
    .map(([one, other]) => ({ one, other, columns: columnsApart(one, other) }))
    .filter(({ columns }) => columns.length > 0)
    .sort((a, b) => a.columns.length - b.columns.length)[0];
  const pair = apart ?? { one: left[0], other: right[0], columns: undefined };
  return { where, model: shown(pair.one, pair.columns), text: shown(pair.other, pair.columns) };
}

/** The rows that have no equal on the other side. */
function unmatched(model: readonly object[], text: readonly object[]): [Fields[], Fields[]] {
  const rest = new Map<string, Fields[]>();
  for (const row of text) {
    const key = keyOf(row);
    const same = rest.get(key);
    if (same === undefined) rest.set(key, [row as Fields]);
    else same.push(row as Fields);
  }
  const left = (model as readonly Fields[]).filter((row) => rest.get(keyOf(row))?.pop() === undefined);
  return [left, [...rest.values()].flat()];
}

const keyOf = (row: object): string => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));

function columnsApart(one: Fields | undefined, other: Fields | undefined): readonly string[] {
  const columns = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
  return [...columns].filter((column) => !isDeepStrictEqual(one?.[column], other?.[column]));
}

const NAMES = [
  'step_id',
  'row_id',
  'version',
  'token',
  'incarnation',
  'seq',
  'event',
  'ID',
  'CHORE',
  'ITS_INCARNATION',
];

function shown(row: Fields | undefined, columns: readonly string[] | undefined): Fields | undefined {
  if (row === undefined || columns === undefined) return row;
  return Object.fromEntries(Object.entries(row).filter(([name]) => NAMES.includes(name) || columns.includes(name)));
}
