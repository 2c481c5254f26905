/** Rows of the model and of the emulator, brought to one form. */
import type { RequestRow, StepRow, View } from '../tables.js';

export type ResultRow = Readonly<Record<string, unknown>>;

/** Rows as texts, in an order of their own. */
export const sortedTexts = (rows: Iterable<ResultRow>): string[] =>
  [...rows].map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

/** JSON's null counts as NULL: no statement tells them apart. */
export const withoutJsonNull = (rows: readonly ResultRow[]): ResultRow[] =>
  rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key, value === 'null' ? null : value])),
  );

/** A row of a table, as the emulator shows it. */
const shown = (row: StepRow | RequestRow, variants: readonly string[]): ResultRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.toUpperCase(),
      variants.includes(name) && value !== null ? JSON.stringify(value) : (value as unknown),
    ]),
  );

export const stepsOf = (view: View): string[] =>
  sortedTexts([...view.allSteps()].map((row) => shown(row, ['payload'])));
export const requestsOf = (view: View): string[] =>
  sortedTexts([...view.requests()].map((row) => shown(row, ['limits', 'settlements'])));

/** Two claims of one step have no order between them: the ranks are shown as the order of their steps. */
export function lookOf(rows: readonly ResultRow[]): { readonly order: unknown[]; readonly rows: string[] } {
  const claims = rows.filter((row) => row['KIND'] === 'claim');
  return {
    order: [...claims].sort((a, b) => Number(a['RANK_NO']) - Number(b['RANK_NO'])).map((row) => row['ID']),
    rows: sortedTexts(rows.map((row) => (row['KIND'] === 'claim' ? { ...row, RANK_NO: 0 } : row))),
  };
}
