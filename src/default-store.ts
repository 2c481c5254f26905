/**
 * The default store of a queue, and the store that environment variables configure.
 *
 * Invariants: this is the only file besides the entry points that imports a store, and only when the store is needed.
 */
import { show, ValidationError } from './errors.js';
import { absolutePath, pathCheck } from './files/file-path.js';
import { choice } from './options/env.js';
import type { StoreFactory } from './store/contract.js';

/**
 * SQLite at `path`, which is made absolute now. The driver is loaded when the queue is first used. Default
 * `./fleet-q.db`.
 *
 * @param more further options of the store
 *
 * @throws ValidationError `OPTION_INVALID`
 */
export function defaultStore(
  path = './fleet-q.db',
  field = 'store',
  more: { readonly createTables?: boolean } = {},
): StoreFactory {
  pathCheck(path, field, 'OPTION_INVALID');
  const file = absolutePath(path, field);
  return {
    name: 'sqlite',
    create: async (environment) => {
      const { sqlite } = await import('./sqlite.js');
      return sqlite({ path: file, ...more }).create(environment);
    },
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The store that environment variables configure: Snowflake if there is an account, else SQLite at
 * `FLEET_Q_SQLITE_PATH`.
 *
 * @throws ValidationError `OPTION_INVALID` if a variable that Snowflake needs is missing
 */
export function storeFromEnv(env: Environment): StoreFactory {
  const account = env['FLEET_Q_SNOWFLAKE_ACCOUNT'] ?? '';
  const tables = tablesFromEnv(env);
  const fleet = fleetFromEnv(env);
  if (account !== '') return snowflakeFromEnv(account, env, { ...tables, ...fleet });
  // With any Snowflake variable set, the steps must not silently go to a local file.
  const named = SNOWFLAKE.find((variable) => (env[variable] ?? '') !== '');
  if (named === undefined) return sqliteFromEnv(env[SQLITE_PATH] ?? '', tables);
  throw new ValidationError('OPTION_INVALID', 'FLEET_Q_SNOWFLAKE_ACCOUNT', `is missing, and ${named} is set`);
}

const SQLITE_PATH = 'FLEET_Q_SQLITE_PATH';

function sqliteFromEnv(path: string, tables: Tables): StoreFactory {
  return path === '' ? defaultStore(undefined, undefined, tables) : defaultStore(path, SQLITE_PATH, tables);
}

const CREATE_TABLES = 'FLEET_Q_CREATE_TABLES';

/** The option `createTables` of both stores, if it is given. */
interface Tables {
  readonly createTables?: boolean;
}

function tablesFromEnv(env: Environment): Tables {
  const createTables = choice(env, CREATE_TABLES, { true: true, false: false }, 'true or false');
  return createTables === undefined ? {} : { createTables };
}

/** The connection options that the environment may set. The driver checks that they are sufficient. */
const CONNECTION = {
  username: 'FLEET_Q_SNOWFLAKE_USER',
  password: 'FLEET_Q_SNOWFLAKE_PASSWORD',
  role: 'FLEET_Q_SNOWFLAKE_ROLE',
  authenticator: 'FLEET_Q_SNOWFLAKE_AUTHENTICATOR',
  token: 'FLEET_Q_SNOWFLAKE_TOKEN',
  privateKeyPath: 'FLEET_Q_SNOWFLAKE_PRIVATE_KEY_PATH',
  privateKeyPass: 'FLEET_Q_SNOWFLAKE_PRIVATE_KEY_PASS',
  accessUrl: 'FLEET_Q_SNOWFLAKE_ACCESS_URL',
} as const;

const DATABASE = 'FLEET_Q_SNOWFLAKE_DATABASE';
const SCHEMA = 'FLEET_Q_SNOWFLAKE_SCHEMA';
const WAREHOUSE = 'FLEET_Q_SNOWFLAKE_WAREHOUSE';
const SLEEP = 'FLEET_Q_SNOWFLAKE_SLEEP';
const STATEMENT_SLOTS = 'FLEET_Q_SNOWFLAKE_STATEMENT_SLOTS';
const SNOWFLAKE: readonly string[] = [
  ...Object.values(CONNECTION),
  ...[DATABASE, SCHEMA, WAREHOUSE, SLEEP, STATEMENT_SLOTS],
];

/** How the pods share the warehouse. */
interface FleetRhythm {
  readonly sleep?: boolean;
  readonly statementSlots?: number;
}

function fleetFromEnv(env: Environment): FleetRhythm {
  const sleep = choice(env, SLEEP, { true: true, false: false }, 'true or false');
  const text = env[STATEMENT_SLOTS] ?? '';
  const slots = Number(text);
  if (text !== '' && !(/^\d+$/.test(text) && slots >= 1 && slots <= 1_000))
    throw new ValidationError(
      'OPTION_INVALID',
      STATEMENT_SLOTS,
      `expected a whole number from 1 to 1000, got ${show(text)}`,
    );
  return { ...(sleep !== undefined && { sleep }), ...(text !== '' && { statementSlots: slots }) };
}

function snowflakeFromEnv(account: string, env: Environment, more: Tables & FleetRhythm): StoreFactory {
  const given = (name: string): string | undefined => (env[name] === '' ? undefined : env[name]);
  const database = given(DATABASE);
  if (database === undefined) {
    throw new ValidationError('OPTION_INVALID', DATABASE, 'is missing, and FLEET_Q_SNOWFLAKE_ACCOUNT is set');
  }
  const schema = given(SCHEMA) ?? 'PUBLIC';
  const connection = {
    account,
    warehouse: given(WAREHOUSE) ?? 'COMPUTE_WH',
    ...Object.fromEntries(
      Object.entries(CONNECTION).flatMap(([field, name]) => (given(name) === undefined ? [] : [[field, given(name)]])),
    ),
  };
  const place = { database: stored(DATABASE, database), schema: stored(SCHEMA, schema) };
  return {
    name: 'snowflake',
    create: async (environment) => {
      const { snowflake } = await import('./snowflake.js');
      return snowflake({ connection, ...place, ...more }).create(environment);
    },
  };
}

/**
 * A name without special characters is converted to upper case, because Snowflake stores it so (the Python FLEET-Q does
 * the same).
 */
function stored(variable: string, name: string): string {
  if (name.length > 255 || /[\p{Cc}\p{Cs}]/u.test(name)) {
    const expected = 'expected text of 1 to 255 characters without control characters';
    throw new ValidationError('OPTION_INVALID', variable, `${expected}, got ${show(name)}`);
  }
  return /^[A-Za-z_][\w$]*$/.test(name) ? name.toUpperCase() : name;
}
