/**
 * Reads options from environment variables.
 *
 * Invariants:
 * - A variable is checked as its option is. The error names the variable and shows its text as it was given.
 * - The variable of an option that is given in code is not read.
 */
import { show, ValidationError } from '../errors.js';
import { consoleLogger, type Logger, type LogLevel } from '../log.js';
import { givenOptions, OPTION_TABLE, type FleetQOptions } from '../options.js';
import { refuseTwoConcurrencies } from './concurrency.js';
import { MAX_DURATION_MS, expecting, type FieldCheck } from '../input/field-checks.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The options that the environment gives. Absent and empty variables are ignored.
 *
 * @param overridden options whose variables are not read
 * @throws ValidationError `OPTION_INVALID`, naming the variable
 */
export function optionsFromEnv(env: Environment, overridden: ReadonlySet<string> = new Set()): FleetQOptions {
  const options: Record<string, unknown> = {};
  for (const [key, { env: variable, check }] of Object.entries(OPTION_TABLE)) {
    if (variable === undefined || overridden.has(key)) continue;
    const text = env[variable.name];
    if (text === undefined || text === '') continue;
    options[key] = VALUE_OF[variable.parse](text, variable.name, check);
  }
  refuseTwoConcurrencies(options, (option) => OPTION_TABLE[option].env?.name ?? option);
  const logger = overridden.has('logger') ? undefined : loggerFromEnv(env);
  return logger === undefined ? options : { ...options, logger };
}

/**
 * Options from the environment, overridden by those given in code. An option that is `undefined` in code is not given.
 *
 * The ways to state the concurrency override each other as one: a `concurrency` in code drops `FLEET_Q_MAX_PARALLELISM`
 * and `FLEET_Q_CAPACITY_THRESHOLD`, and a `maxParallelism` or `capacityThreshold` in code drops `FLEET_Q_CONCURRENCY`.
 *
 * @throws ValidationError `OPTION_INVALID`, naming the variable or the option
 */
export function overrideEnv(env: Environment, overrides: FleetQOptions): FleetQOptions {
  const given = givenOptions(overrides);
  const overridden = new Set(Object.keys(given));
  if (overridden.has('maxParallelism') || overridden.has('capacityThreshold')) overridden.add('concurrency');
  if (given.concurrency !== undefined) overridden.add('maxParallelism').add('capacityThreshold');
  return { ...optionsFromEnv(env, overridden), ...given };
}

/** From a variable's text to the option's value, checked as the option is. Errors show the text as it was given. */
const VALUE_OF: Readonly<
  Record<'text' | 'number' | 'seconds', (text: string, field: string, check: FieldCheck) => unknown>
> = {
  text: (text, field, check) => {
    check(text, field, 'OPTION_INVALID');
    return text;
  },
  number: (text, field, check) => {
    const value = Number(text);
    if (!Number.isFinite(value))
      throw new ValidationError('OPTION_INVALID', field, `expected a number, got ${show(text)}`);
    check(value, field, 'OPTION_INVALID');
    return value;
  },
  seconds: (text, field) => {
    positiveSeconds(text, field, 'OPTION_INVALID');
    return Number(text) * 1_000;
  },
};

const positiveSeconds = expecting(`seconds from 0.001 to ${MAX_DURATION_MS / 1_000}`, (text) => {
  const ms = Number(text) * 1_000;
  return ms >= 1 && ms <= MAX_DURATION_MS;
});

/** Level names of the Python FLEET-Q, and ours. */
const LOG_LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warn',
  warn: 'warn',
  error: 'error',
};
const LOG_FORMATS: Readonly<Record<string, 'json' | 'console'>> = { json: 'json', console: 'console' };

function loggerFromEnv(env: Environment): Logger | undefined {
  const { level, format } = logChoices(env);
  return level === undefined && format === undefined ? undefined : consoleLogger(level ?? 'info', format ?? 'json');
}

/**
 * What the environment says about the logger.
 *
 * @throws ValidationError `OPTION_INVALID`, naming the variable
 */
export function logChoices(env: Environment): {
  readonly level: LogLevel | undefined;
  readonly format: 'json' | 'console' | undefined;
} {
  return {
    level: choice(env, 'FLEET_Q_LOG_LEVEL', LOG_LEVELS, 'DEBUG, INFO, WARNING or ERROR'),
    format: choice(env, 'FLEET_Q_LOG_FORMAT', LOG_FORMATS, 'json or console'),
  };
}

/**
 * The one of `choices` that a variable names, in upper or lower case; `undefined` if it is absent or empty.
 *
 * @throws ValidationError `OPTION_INVALID`, naming the variable
 */
export function choice<T>(
  env: Environment,
  variable: string,
  choices: Readonly<Record<string, T>>,
  expected: string,
): T | undefined {
  const text = env[variable];
  if (text === undefined || text === '') return undefined;
  const chosen = Object.hasOwn(choices, text.toLowerCase()) ? choices[text.toLowerCase()] : undefined;
  if (chosen !== undefined) return chosen;
  throw new ValidationError('OPTION_INVALID', variable, `expected ${expected}, got ${show(text)}`);
}
