/**
 * What SHOW WAREHOUSES, SHOW PARAMETERS and the views of SNOWFLAKE.ACCOUNT_USAGE answer, which the emulator does not know.
 *
 * The columns are those of Snowflake's documentation, as far as a diagnosis reads them. Not seen on a real account: which
 * privilege SHOW PARAMETERS IN WAREHOUSE needs, and whether a role sees parameters of the account.
 */
import type { Session } from './sessions.js';
import { skeleton } from './sql-text.js';
import { done, refusals, type Reply } from './wire-replies.js';

export interface CatalogueOptions {
  readonly size: string;
  readonly type: string;
  readonly state: string;
  /** In seconds; `null` or 0: never. */
  readonly autoSuspend: number | null;
  readonly autoResume: boolean;
  readonly maxClusters: number;
  readonly running: number;
  readonly queued: number;
  readonly resourceMonitor: string;
  /** Whether SHOW WAREHOUSES shows the warehouse to the role. */
  readonly shown: boolean;
  /** Of the warehouse, by name. */
  readonly warehouseParameters: Readonly<Record<string, string>>;
  /** Of the account; those that a role may not see are missing. */
  readonly accountParameters: Readonly<Record<string, string>>;
  /** Whether the role may read SNOWFLAKE.ACCOUNT_USAGE. By default only ACCOUNTADMIN may. */
  readonly usage: boolean;
  /** How often the warehouse was suspended in the last day. */
  readonly suspends: number;
  /** The hours of the last day in which it was billed, and the credits of each. */
  readonly billedHours: number;
  readonly creditsPerHour: number;
  /** What was attributed to statements of the last day, by QUERY_TAG. */
  readonly creditsByTag: Readonly<Record<string, number>>;
}

const CATALOGUE: CatalogueOptions = {
  ...{ size: 'X-Small', type: 'STANDARD', state: 'STARTED', autoSuspend: 60, autoResume: true, maxClusters: 1 },
  ...{ running: 0, queued: 0, resourceMonitor: 'null', shown: true },
  warehouseParameters: { STATEMENT_TIMEOUT_IN_SECONDS: '172800', STATEMENT_QUEUED_TIMEOUT_IN_SECONDS: '0' },
  accountParameters: { READ_CONSISTENCY_MODE: 'SESSION', ALLOW_BIND_VALUES_ACCESS: 'true' },
  ...{ usage: false, suspends: 0, billedHours: 0, creditsPerHour: 1, creditsByTag: {} },
};

const USAGE_VIEW = /\bSNOWFLAKE\.ACCOUNT_USAGE\.(\w+)/gi;

export class Catalogue {
  #options: CatalogueOptions = CATALOGUE;

  configure(options: Partial<CatalogueOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  reset(): void {
    this.#options = CATALOGUE;
  }

  /** The reply to a SHOW that the emulator does not know; `undefined` for any other statement. */
  show(sql: string, session: Session): Reply | undefined {
    const warehouses = /^\s*SHOW\s+WAREHOUSES\s+LIKE\s+'([^']*)'/i.exec(sql);
    if (warehouses !== null) return this.#warehouses(like(warehouses[1]!), session);
    const parameters = /^\s*SHOW\s+PARAMETERS(?:\s+LIKE\s+'([^']*)')?\s+IN\s+(SESSION|ACCOUNT|WAREHOUSE)\b/i.exec(sql);
    if (parameters === null) return undefined;
    const { warehouseParameters, accountParameters } = this.#options;
    const [, pattern = '%', scope = ''] = parameters;
    const all = {
      SESSION: { ...Object.fromEntries(session.inherited), ...Object.fromEntries(session.parameters) },
      ACCOUNT: accountParameters,
      WAREHOUSE: warehouseParameters,
    }[scope.toUpperCase() as 'SESSION' | 'ACCOUNT' | 'WAREHOUSE'];
    const rows = Object.entries(all).filter(([name]) => like(pattern).test(name));
    return table(
      ['key', 'value', 'default', 'level', 'description', 'type'],
      [
        ...rows.map(([name, value]) => [
          name,
          value.toLowerCase() === 'true' || value.toLowerCase() === 'false' ? value.toLowerCase() : value,
          '',
          '',
          '',
          'STRING',
        ]),
      ],
    );
  }

  /** The statement with the rows of the views in their place. Throws what Snowflake answers to a role that may not read them. */
  withUsage(sql: string, session: Session): string {
    if (!new RegExp(USAGE_VIEW).test(skeleton(sql))) return sql;
    if (!this.#options.usage) throw refusals.unknownDatabase('SNOWFLAKE');
    return sql.replace(USAGE_VIEW, (_, view: string) => this.#view(view.toUpperCase(), session.warehouse ?? ''));
  }

  #warehouses(pattern: RegExp, session: Session): Reply {
    const { size, type, state, autoSuspend, autoResume, maxClusters, running, queued, resourceMonitor } = this.#options;
    const columns = {
      ...{ name: session.warehouse, state, type, size, min_cluster_count: '1', max_cluster_count: String(maxClusters) },
      ...{ running: String(running), queued: String(queued), is_default: 'N', is_current: 'Y' },
      ...{ auto_suspend: autoSuspend === null ? null : String(autoSuspend), auto_resume: String(autoResume) },
      resource_monitor: resourceMonitor,
    };
    const isShown = this.#options.shown && session.warehouse !== null && pattern.test(session.warehouse);
    return table(Object.keys(columns), isShown ? [Object.values(columns)] : []);
  }

  #view(view: string, warehouse: string): string {
    const { suspends, billedHours, creditsPerHour, creditsByTag } = this.#options;
    const ago = (hours: number) => `DATEADD(hour, -${hours}, SYSDATE())`;
    const rows: Readonly<Record<string, readonly string[]>> = {
      // Older events, and those of others, are not to be counted.
      WAREHOUSE_EVENTS_HISTORY: [
        ...Array.from({ length: suspends }, (_, i) => [ago(i % 24), warehouse, 'SUSPEND_WAREHOUSE'] as const),
        ...[[ago(30), warehouse, 'SUSPEND_WAREHOUSE'] as const, [ago(1), 'OTHER_WH', 'SUSPEND_WAREHOUSE'] as const],
        [ago(1), warehouse, 'RESUME_WAREHOUSE'] as const,
      ].map(
        ([at, name, event]) => `SELECT ${at} AS "TIMESTAMP", '${name}' AS warehouse_name, '${event}' AS event_name`,
      ),
      WAREHOUSE_METERING_HISTORY: [
        ...Array.from({ length: billedHours }, (_, i) => [ago(i % 24), warehouse, creditsPerHour] as const),
        ...[[ago(30), warehouse, 7] as const, [ago(1), 'OTHER_WH', 9] as const],
      ].map(([at, name, used]) => `SELECT ${at} AS start_time, '${name}' AS warehouse_name, ${used} AS credits_used`),
      QUERY_ATTRIBUTION_HISTORY: [
        ...Object.entries(creditsByTag).map(([tag, used]) => [ago(2), tag, used] as const),
        [ago(30), 'fleet-q', 5] as const,
      ].map(
        ([at, tag, used]) => `SELECT ${at} AS start_time, '${tag}' AS query_tag, ${used} AS credits_attributed_compute`,
      ),
    };
    const known = rows[view];
    if (known === undefined) throw refusals.unknownTable(`SNOWFLAKE.ACCOUNT_USAGE.${view}`);
    return `(${known.join(' UNION ALL ')})`;
  }
}

/** A pattern of LIKE, which ignores case in SHOW. */
function like(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.');
  return new RegExp(`^${escaped}$`, 'i');
}

function table(columns: readonly string[], rowset: readonly (readonly (string | null)[])[]): Reply {
  const rowtype = columns.map((name) => ({
    name,
    type: 'text',
    nullable: true,
    scale: null,
    precision: null,
    length: 1_000,
  }));
  return done({ rowtype, rowset, total: rowset.length, returned: rowset.length, version: 1 });
}
