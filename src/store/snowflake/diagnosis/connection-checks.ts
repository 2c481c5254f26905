/** The checks of the connection: how it signs in, its role, its settings, and the clocks. */
import { checks, failure, ok, warning, type Observation } from '../../diagnosis/check.js';
import type { SnowflakeConnection } from '../options.js';
import { text } from '../rows.js';
import type { AccountContext } from './account-context.js';
import { DIAGNOSIS_STATEMENTS } from './statements.js';

/** Roles that may do everything. A queue needs none of them. */
const ADMINISTRATORS = ['ACCOUNTADMIN', 'SECURITYADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN', 'USERADMIN'];
/** Snowflake refuses a signed token whose time differs by more than a minute. */
const REFUSED_MS = 60_000;
const ODD_MS = 5_000;

export const CONNECTION_CHECKS = checks<AccountContext>([
  {
    check: 'sign-in',
    why: 'Snowflake is ending sign-in by password alone, and a sign-in that needs a person stops a pod at night.',
    look: ({ parts }) => signIn(parts.connection),
  },
  {
    check: 'role',
    why: 'A role that may do everything turns a leaked credential into the loss of the account.',
    look: ({ parts }) => {
      const { role } = parts.facts;
      if (!ADMINISTRATORS.includes(role)) return ok(`The role is ${role}.`);
      return warning(`The role is ${role}.`, 'Give the pods a role of their own: fleet-q ddl prints its grants.');
    },
  },
  {
    check: 'clock',
    why: 'A signed token of a host whose clock is off by over a minute is refused, and each runAt is off by as much.',
    look: ({ parts }) => {
      const { wallAheadMs } = parts.facts;
      const direction = wallAheadMs > 0 ? 'ahead of' : 'behind';
      const message = `This host's clock is ${Math.abs(Math.round(wallAheadMs / 100) / 10)} s ${direction} Snowflake's.`;
      if (Math.abs(wallAheadMs) > REFUSED_MS) return failure(message, 'Set the clock of this host, by NTP or chrony.');
      if (Math.abs(wallAheadMs) > ODD_MS) return warning(message, 'Set the clock of this host, by NTP or chrony.');
      return ok(`This host's clock differs from Snowflake's by less than ${ODD_MS / 1_000} s.`);
    },
  },
  {
    check: 'session-parameters',
    why: 'The account or the user may set what changes the meaning of statements. Each session sets its own values.',
    look: async (context) => {
      const shown = new Map((await context.run(DIAGNOSIS_STATEMENTS.parameters)).map((row) => [text(row, 'key'), row]));
      const wanted = settingsOf(context.parts.settings);
      const others = wanted.flatMap(([name, value]) => {
        const row = shown.get(name);
        const is = row === undefined ? undefined : String(row['value']);
        return is === undefined || is.toLowerCase() === value.toLowerCase() ? [] : [`${name} is ${is}, not ${value}`];
      });
      if (others.length > 0)
        return failure(`${others.join('; ')}.`, 'Find what sets them: a login script, a proxy, or the server.');
      const unshown = wanted.filter(([name]) => !shown.has(name)).map(([name]) => name);
      const but = unshown.length === 0 ? '' : ` Not shown: ${unshown.join(', ')}.`;
      return ok(`The session has the ${wanted.length} values that fleet-q sets.${but}`);
    },
  },
  {
    check: 'read-consistency',
    why: 'Under SESSION, a session may see late what others have committed. staleReadMs says how late.',
    look: async (context) => {
      const { staleReadMs } = context.parts.options;
      const mode = await accountParameter(context, 'READ_CONSISTENCY_MODE');
      if (mode === '') return ok(`READ_CONSISTENCY_MODE is not shown to this role; staleReadMs is ${staleReadMs}.`);
      if (mode === 'GLOBAL' || staleReadMs > 0)
        return ok(`READ_CONSISTENCY_MODE is ${mode}; staleReadMs is ${staleReadMs}.`);
      return warning(`READ_CONSISTENCY_MODE is ${mode}, and staleReadMs is 0.`, 'Leave staleReadMs at its default.');
    },
  },
  {
    check: 'bind-values',
    why: 'Args and results are bind values, which Snowflake keeps for seven days. Some roles may read them.',
    look: async (context) => {
      const access = await accountParameter(context, 'ALLOW_BIND_VALUES_ACCESS');
      if (access === '') return ok('ALLOW_BIND_VALUES_ACCESS is not shown to this role.');
      if (access === 'FALSE') return ok('ALLOW_BIND_VALUES_ACCESS is off.');
      return warning(
        'ALLOW_BIND_VALUES_ACCESS is on: roles with MONITOR or OPERATE on the warehouse can read args and results.',
        'Grant both to few roles, and keep secrets out of steps; or ALTER ACCOUNT SET ALLOW_BIND_VALUES_ACCESS = FALSE',
      );
    },
  },
  {
    check: 'server-version',
    why: 'A report of a problem needs it.',
    look: ({ parts }) => ok(`Snowflake ${parts.facts.serverVersion}.`),
  },
]);

/** In capitals; empty if it is not shown to the role. */
async function accountParameter(context: AccountContext, name: string): Promise<string> {
  const [row] = await context.run(DIAGNOSIS_STATEMENTS.accountParameter(name));
  return row === undefined ? '' : text(row, 'value').toUpperCase();
}

/** Names the way to sign in, and no value of the connection. */
export function signIn(connection: SnowflakeConnection | undefined): Observation {
  if (connection === undefined) return ok('As connections.toml says; its contents are not examined.');
  const fields: Readonly<Record<string, unknown>> = { ...connection };
  const given = (field: string): boolean => fields[field] !== undefined && fields[field] !== '';
  const { authenticator = 'SNOWFLAKE' } = connection;
  const way = authenticator.toUpperCase();
  const better = 'Use a key pair, OAuth, workload identity or a programmatic access token.';
  switch (way) {
    case 'SNOWFLAKE_JWT':
      return ok('By key pair.');
    case 'OAUTH':
      return ok('By an OAuth token.');
    case 'OAUTH_CLIENT_CREDENTIALS':
      return ok('By OAuth client credentials.');
    case 'PROGRAMMATIC_ACCESS_TOKEN':
      return ok('By a programmatic access token.');
    case 'WORKLOAD_IDENTITY':
      return ok('By workload identity.');
    case 'SNOWFLAKE':
      return given('privateKey') || given('privateKeyPath')
        ? ok('By password or key pair, as the driver decides.')
        : warning('By password alone.', better);
    case 'USERNAME_PASSWORD_MFA': {
      const cached = fields['clientRequestMFAToken'] === true;
      const message = `By password and a second factor, ${cached ? 'whose token is cached on this host' : 'asked at each login'}.`;
      return warning(message, better);
    }
    case 'EXTERNALBROWSER':
    case 'OAUTH_AUTHORIZATION_CODE':
      return warning('By a browser: each login may need a person.', better);
    default:
      return way.startsWith('HTTPS://')
        ? warning('By Okta, with a password.', better)
        : ok('By an authenticator that this check does not know.');
  }
}

/** The names and values of an ALTER SESSION SET. */
function settingsOf(settings: string): (readonly [name: string, value: string])[] {
  const all = settings.matchAll(/(\w+) = (?:'((?:[^'\\]|''|\\.)*)'|(\w+))/g);
  return [...all].map(([, name = '', quoted, plain = '']) => {
    const value = quoted === undefined ? plain : quoted.replaceAll("''", "'").replaceAll('\\\\', '\\');
    return [name, value] as const;
  });
}
