/** All lists of deliberate breaks. */
import type { Break } from './break.js';
import { besideBreaks } from './breaks/beside.js';
import { clientBreaks } from './breaks/client.js';
import { driverBreaks } from './breaks/driver.js';
import { facadeBreaks } from './breaks/facade.js';
import { fleetBreaks } from './breaks/fleet.js';
import { guardBreaks } from './breaks/guard.js';
import { httpBreaks } from './breaks/http.js';
import { lateReadBreaks } from './breaks/late-reads.js';
import { otelBreaks } from './breaks/otel.js';
import { poolBreaks } from './breaks/pool.js';
import { poolClaimsBreaks } from './breaks/pool-claims.js';
import { poolExchangeBreaks } from './breaks/pool-exchange.js';
import { poolExecutionBreaks } from './breaks/pool-execution.js';
import { poolIsolationBreaks } from './breaks/pool-isolation.js';
import { poolPlanningBreaks } from './breaks/pool-planning.js';
import { runtimeBreaks } from './breaks/runtime.js';
import { settlementBreaks } from './breaks/settlement.js';
import { snowflakeAccountBreaks } from './breaks/snowflake-accounts.js';
import { sleepBreaks } from './breaks/sleep.js';
import { combiningBreaks } from './breaks/combining.js';
import { snowflakeBreaks } from './breaks/snowflake.js';
import { sqliteBreaks } from './breaks/sqlite.js';
import { stepBreaks } from './breaks/step.js';
import { storeBreaks } from './breaks/store.js';

export const allBreaks: readonly Break[] = [
  ...facadeBreaks,
  ...clientBreaks,
  ...stepBreaks,
  ...runtimeBreaks,
  ...otelBreaks,
  ...httpBreaks,
  ...guardBreaks,
  ...besideBreaks,
  ...poolBreaks,
  ...poolClaimsBreaks,
  ...poolExchangeBreaks,
  ...poolExecutionBreaks,
  ...poolPlanningBreaks,
  ...poolIsolationBreaks,
  ...fleetBreaks,
  ...sleepBreaks,
  ...lateReadBreaks,
  ...settlementBreaks,
  ...storeBreaks,
  ...sqliteBreaks,
  ...combiningBreaks,
  ...snowflakeBreaks,
  ...driverBreaks,
  ...snowflakeAccountBreaks,
];
