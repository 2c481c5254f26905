/**
 * The logger of a long-running command: lines of JSON, or readable text on a terminal.
 *
 * Invariants: `FLEET_Q_LOG_LEVEL` and `FLEET_Q_LOG_FORMAT` mean what they mean to `FleetQ.fromEnv`.
 */
import { consoleLogger, type Logger } from '../../index.js';
import { logChoices } from '../../options/env.js';
import type { Environment } from '../io.js';

/** @throws ValidationError */
export function serviceLog(env: Environment, isTerminal: boolean): Logger {
  const { level = 'info', format = isTerminal ? 'console' : 'json' } = logChoices(env);
  return consoleLogger(level, format);
}
