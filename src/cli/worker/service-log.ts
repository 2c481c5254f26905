/**
 * The logger of a long-running command: lines of JSON, or readable text on a terminal.
 *
 * Invariants: `FLEET_Q_LOG_LEVEL` and `FLEET_Q_LOG_FORMAT` mean what they mean to `FleetQ.fromEnv`.
 */
import { consoleLogger, type Logger, type LogLevel } from '../../index.js';
import { UsageError } from '../exit-codes.js';
import type { Environment } from '../io.js';

const LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
};
const FORMATS: Readonly<Record<string, 'json' | 'console'>> = { json: 'json', console: 'console' };

/** @throws UsageError */
export function serviceLog(env: Environment, isTerminal: boolean): Logger {
  const level = choice(env, 'FLEET_Q_LOG_LEVEL', LEVELS, 'DEBUG, INFO, WARNING or ERROR');
  const format = choice(env, 'FLEET_Q_LOG_FORMAT', FORMATS, 'json or console');
  return consoleLogger(level ?? 'info', format ?? (isTerminal ? 'console' : 'json'));
}

function choice<T>(
  env: Environment,
  variable: string,
  choices: Readonly<Record<string, T>>,
  expected: string,
): T | undefined {
  const text = env[variable] ?? '';
  if (text === '') return undefined;
  const key = text.toLowerCase();
  if (Object.hasOwn(choices, key)) return choices[key];
  throw new UsageError(`${variable}: expected ${expected}, got ${JSON.stringify(text.slice(0, 80))}`);
}
