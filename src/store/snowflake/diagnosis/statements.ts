/**
 * What a diagnosis sends. Nothing here writes.
 *
 * SHOW is answered without a warehouse. The views of ACCOUNT_USAGE lag behind by up to 3 hours, those of costs by up to 8.
 */
import { ago, epochMs } from '../statements/fragments.js';
import { identifier, likePattern } from '../table-names.js';

export interface DiagnosisStatements {
  /** Where the session works, and the server's clock. */
  readonly session: string;
  readonly parameters: string;
  accountParameter(name: string): string;
  warehouse(name: string): string;
  warehouseParameters(name: string): string;
  /** Bind: { warehouse }. */
  readonly warehouseEvents: string;
  /** Bind: { warehouse }. */
  readonly warehouseCost: string;
  /** Bind: { tag }. */
  readonly queueCost: string;
}

const DAY_MS = '86400000';
const lastDay = (instant: string): string => `CAST(${instant} AS TIMESTAMP_NTZ) >= ${ago(DAY_MS)}`;
const USAGE = 'SNOWFLAKE.ACCOUNT_USAGE';
const ASKED = 'CROSS JOIN (SELECT PARSE_JSON(?) AS b) AS asked';

export const DIAGNOSIS_STATEMENTS: DiagnosisStatements = Object.freeze({
  session: `SELECT CURRENT_WAREHOUSE() AS warehouse_name, CURRENT_ROLE() AS role_name, CURRENT_VERSION() AS server_version,
  ${epochMs('SYSDATE()')} AS now_ms`,
  parameters: 'SHOW PARAMETERS IN SESSION',
  accountParameter: (name: string) => `SHOW PARAMETERS LIKE ${likePattern(name)} IN ACCOUNT`,
  warehouse: (name: string) => `SHOW WAREHOUSES LIKE ${likePattern(name)}`,
  warehouseParameters: (name: string) => `SHOW PARAMETERS LIKE 'STATEMENT_%' IN WAREHOUSE ${identifier(name)}`,
  warehouseEvents: `SELECT COUNT(*) AS suspends FROM ${USAGE}.WAREHOUSE_EVENTS_HISTORY AS e ${ASKED}
WHERE e.warehouse_name = asked.b:warehouse::VARCHAR AND e.event_name = 'SUSPEND_WAREHOUSE' AND ${lastDay('e."TIMESTAMP"')}`,
  warehouseCost: `SELECT COUNT(DISTINCT e.start_time) AS hours, SUM(e.credits_used) AS credits
FROM ${USAGE}.WAREHOUSE_METERING_HISTORY AS e ${ASKED}
WHERE e.warehouse_name = asked.b:warehouse::VARCHAR AND e.credits_used > 0 AND ${lastDay('e.start_time')}`,
  queueCost: `SELECT COUNT(*) AS sent, SUM(e.credits_attributed_compute) AS credits
FROM ${USAGE}.QUERY_ATTRIBUTION_HISTORY AS e ${ASKED}
WHERE e.query_tag = asked.b:tag::VARCHAR AND ${lastDay('e.start_time')}`,
});
