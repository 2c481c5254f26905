/** Runs the linter of the test bed on statements, without executing them. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { environment } from './environment.js';

const LINTER = fileURLToPath(new URL('linter.py', import.meta.url));

export interface Verdicts {
  /** What Snowflake refuses of a text, each as `rule: what`. */
  readonly breaches: Readonly<Record<string, readonly string[]>>;
  /** The queries from which an UPDATE may take two rows for one target. */
  readonly undistinct: Readonly<Record<string, readonly string[]>>;
}

/** What is wrong with which text; `tables` are the columns of the tables by name, each with its type. */
export async function lint(
  texts: Readonly<Record<string, string>>,
  tables: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<Verdicts> {
  const running = promisify(execFile)(await environment(), ['-B', LINTER], { maxBuffer: 1e7 });
  running.child.stdin!.end(JSON.stringify({ texts, tables }));
  return JSON.parse((await running).stdout) as Verdicts;
}
