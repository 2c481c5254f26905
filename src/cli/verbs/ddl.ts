/** `fleet-q ddl`: prints the SQL that creates the tables of a store. */
import { Option, type Command } from 'commander';
import type { DdlOptions } from '../../snowflake.js';
import { UsageError } from '../exit-codes.js';
import type { Environment, Io } from '../io.js';

interface Flags {
  readonly store?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly role?: string;
  readonly warehouse?: string;
  readonly tablePrefix?: string;
  readonly tableKind?: DdlOptions['tableKind'];
}

export function define(command: Command, io: Io): void {
  command
    .option('--store <store>', 'snowflake or sqlite. Default: what the FLEET_Q_* variables name.')
    .option('--database <name>', 'Snowflake: the database. Default: FLEET_Q_SNOWFLAKE_DATABASE.')
    .option('--schema <name>', 'Snowflake: the schema. Default: FLEET_Q_SNOWFLAKE_SCHEMA, else PUBLIC.')
    .option('--role <name>', 'Snowflake: the role of the pods. Default: FLEET_Q_SNOWFLAKE_ROLE.')
    .option(
      '--warehouse <name>',
      'Snowflake: also grant USAGE on this warehouse. Default: FLEET_Q_SNOWFLAKE_WAREHOUSE, if it is set.',
    )
    .option('--table-prefix <prefix>', 'Snowflake: the prefix of the names of the tables.')
    .addOption(
      new Option('--table-kind <kind>', 'Snowflake: the kind of the tables.').choices(['transient', 'permanent']),
    )
    .addHelpText(
      'after',
      `
The command connects to nothing. On Snowflake, if the role of the pods may not create tables, an administrator runs the
text once. A name without special characters is converted to upper case. On SQLite a pod creates its tables itself.

Examples:
  fleet-q ddl --store snowflake --database ops --schema fleet_q --role pods --warehouse work
  fleet-q ddl --store sqlite | sqlite3 fleet-q.db`,
    )
    .action(async (flags: Flags) => io.stdout.write(await ddl(io.env, flags)));
}

async function ddl(env: Environment, flags: Flags): Promise<string> {
  const store = flags.store ?? ((env['FLEET_Q_SNOWFLAKE_ACCOUNT'] ?? '') === '' ? 'sqlite' : 'snowflake');
  if (store === 'snowflake') {
    const { snowflakeDdl } = await import('../../snowflake.js');
    return snowflakeDdl(ddlOptions(env, flags));
  }
  if (store !== 'sqlite' && !store.startsWith('sqlite:'))
    throw new UsageError(`--store: expected sqlite or snowflake, got ${JSON.stringify(store)}`);
  const { sqliteDdl } = await import('../../sqlite.js');
  return sqliteDdl();
}

function ddlOptions(env: Environment, flags: Flags): DdlOptions {
  const given = (flag: string | undefined, variable: string): string | undefined => {
    const text = flag ?? env[variable];
    return text === undefined || text === '' ? undefined : stored(text);
  };
  const required = (name: 'database' | 'role', variable: string): string => {
    const value = given(flags[name], variable);
    if (value === undefined) throw new UsageError(`--${name} is missing, and ${variable} is not set`);
    return value;
  };
  const warehouse = given(flags.warehouse, 'FLEET_Q_SNOWFLAKE_WAREHOUSE');
  return {
    database: required('database', 'FLEET_Q_SNOWFLAKE_DATABASE'),
    schema: given(flags.schema, 'FLEET_Q_SNOWFLAKE_SCHEMA') ?? 'PUBLIC',
    role: required('role', 'FLEET_Q_SNOWFLAKE_ROLE'),
    ...(warehouse === undefined ? {} : { warehouse }),
    ...(flags.tablePrefix === undefined ? {} : { tablePrefix: flags.tablePrefix }),
    ...(flags.tableKind === undefined ? {} : { tableKind: flags.tableKind }),
  };
}

/** The name as Snowflake stores it: that of the variables, too. */
function stored(name: string): string {
  return /^[A-Za-z_][\w$]*$/.test(name) ? name.toUpperCase() : name;
}
