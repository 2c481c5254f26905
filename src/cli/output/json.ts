/**
 * Records as JSON.
 *
 * Invariants: names are in snake_case, as in the HTTP API, the tables and the environment variables. What users put into a
 * step (args, metadata, result) keeps its names.
 */
import { neutralJson } from './neutral.js';

/** The record with its own field names in snake_case. What its fields hold stays as it is. */
export function snakeCase(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [snakeName(name), value]));
}

function snakeName(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/** JSON on one line. */
export function compact(value: unknown): string {
  return neutralJson(JSON.stringify(value) ?? 'null');
}

/** JSON for people. */
export function indented(value: unknown): string {
  return neutralJson(JSON.stringify(value, undefined, 2) ?? 'null');
}
