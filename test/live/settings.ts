/** What the report says of the account: versions, region, edition, and the parameters that matter. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { identifier } from '../../src/store/snowflake/table-names.js';
import type { LiveSession } from './session.js';

export interface Settings {
  readonly versions: Readonly<Record<'fleet-q' | 'node' | 'snowflake-sdk' | 'Snowflake', string>>;
  readonly region: string;
  readonly edition: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const HIDDEN = 'not visible';

const PARAMETERS = {
  ACCOUNT: ['READ_CONSISTENCY_MODE', 'ALLOW_BIND_VALUES_ACCESS'],
  WAREHOUSE: ['MAX_CONCURRENCY_LEVEL', 'STATEMENT_TIMEOUT_IN_SECONDS', 'STATEMENT_QUEUED_TIMEOUT_IN_SECONDS'],
} as const;

/** Nothing here needs a warehouse. What the role may not see is `not visible`. */
export async function settingsOf(session: LiveSession, warehouse: string): Promise<Settings> {
  const value = async (expression: string): Promise<string> => {
    const { rows } = await session.attempt(`SELECT ${expression} AS answer`);
    return textOf(rows[0]?.['ANSWER']);
  };
  const parameters: Record<string, string> = {};
  for (const [level, names] of Object.entries(PARAMETERS)) {
    const where = level === 'ACCOUNT' ? level : `WAREHOUSE ${identifier(warehouse)}`;
    for (const name of names) {
      const { rows } = await session.attempt(`SHOW PARAMETERS LIKE '${name}' IN ${where}`);
      parameters[name] = textOf(rows[0]?.['value']);
    }
  }
  return {
    versions: {
      'fleet-q': versionOf('../../package.json'),
      node: process.versions.node,
      'snowflake-sdk': versionOf('snowflake-sdk/package.json'),
      Snowflake: await value('CURRENT_VERSION()'),
    },
    region: await value('CURRENT_REGION()'),
    edition: await editionOf(session),
    parameters,
  };
}

/** Only an organization's administrator sees it. */
async function editionOf(session: LiveSession): Promise<string> {
  const { rows } = await session.attempt('SHOW ACCOUNTS');
  return rows.length === 1 ? textOf(rows[0]?.['edition']) : HIDDEN;
}

function versionOf(file: string): string {
  const path = createRequire(import.meta.url).resolve(file);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : HIDDEN;
}
