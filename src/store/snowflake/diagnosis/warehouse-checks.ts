/** The checks of the warehouse: what it costs, whether it ever suspends, and what it does to statements. */
import { ADVICE } from '../../diagnosis/advice.js';
import { checks, failure, ok, warning, type Observation } from '../../diagnosis/check.js';
import { number, text } from '../rows.js';
import { DriverError, isMissing } from '../session/driver-error.js';
import type { Row } from '../session/session-interface.js';
import { identifier } from '../table-names.js';
import type { AccountContext } from './account-context.js';
import { DIAGNOSIS_STATEMENTS } from './statements.js';

/** A warehouse that stays up this long after its last statement costs more than the statement. */
const LONG_SUSPEND_SECONDS = 300;
/** Billed in so many hours of a day, it is as good as always on. */
const ALWAYS_ON_HOURS = 20;
/** What an X-Small warehouse costs in a day, if it never suspends. */
const DAY_OF_X_SMALL = 24;

export const WAREHOUSE_CHECKS = checks<AccountContext>([
  {
    check: 'warehouse',
    why: 'Every change needs a warehouse that the role may use and that resumes by itself.',
    look: async (context) => {
      const { warehouse, role } = context.parts.facts;
      if (warehouse === null) {
        const message = `STORE_NO_WAREHOUSE: the session of role ${role} has no warehouse.`;
        return failure(message, ADVICE.STORE_NO_WAREHOUSE);
      }
      const row = await context.warehouse();
      if (row === undefined) return ok(`${warehouse}; SHOW WAREHOUSES does not show it to this role.`);
      if (shown(row, 'auto_resume') === 'false')
        return failure(
          `${warehouse} does not resume by itself.`,
          `ALTER WAREHOUSE ${identifier(warehouse)} SET AUTO_RESUME = TRUE`,
        );
      return ok(`${warehouse}, ${text(row, 'state').toLowerCase()}.`);
    },
  },
  {
    check: 'warehouse-size',
    why: "The queue's statements are small: a larger warehouse runs them no faster, and each size doubles the price.",
    look: (context) =>
      ofWarehouse(context, (row, name) => {
        const size = text(row, 'size');
        const type = text(row, 'type').toUpperCase();
        const clusters = number(row, 'max_cluster_count');
        const message = `${size}, ${type.toLowerCase()}, up to ${Math.max(1, clusters)} clusters.`;
        if (size.toUpperCase().replace(/[^A-Z0-9]/g, '') === 'XSMALL' && type === 'STANDARD') return ok(message);
        return warning(message, `Give the queue a warehouse of its own, of size X-Small, if ${name} serves it alone.`);
      }),
  },
  {
    check: 'auto-suspend',
    why: 'A warehouse that does not suspend is billed around the clock, also if no step runs.',
    look: (context) =>
      ofWarehouse(context, (row, name) => {
        const seconds = number(row, 'auto_suspend');
        const advice = `ALTER WAREHOUSE ${identifier(name)} SET AUTO_SUSPEND = 60`;
        if (seconds === 0) return warning('AUTO_SUSPEND is off.', advice);
        const message = `AUTO_SUSPEND is ${seconds} s.`;
        return seconds > LONG_SUSPEND_SECONDS ? warning(message, advice) : ok(message);
      }),
  },
  {
    check: 'warehouse-load',
    why: 'Statements that wait for the warehouse delay heartbeats and claims.',
    look: (context) =>
      ofWarehouse(context, (row) => {
        const queued = number(row, 'queued');
        const message = `${number(row, 'running')} statements run, ${queued} wait.`;
        return queued === 0 ? ok(message) : warning(message, 'Give the queue a warehouse of its own.');
      }),
  },
  {
    check: 'resource-monitor',
    why: 'A resource monitor that reaches its quota suspends the warehouse, and with it the queue.',
    look: (context) =>
      ofWarehouse(context, (row) => {
        const monitor = text(row, 'resource_monitor');
        const isNone = monitor === '' || monitor.toLowerCase() === 'null';
        return ok(isNone ? 'None is assigned to the warehouse.' : `${monitor}; its quota is not shown here.`);
      }),
  },
  {
    check: 'warehouse-timeouts',
    why: 'The shorter of the time-outs of the warehouse and of the session holds.',
    look: async (context) => {
      const { facts, options } = context.parts;
      if (facts.warehouse === null) return undefined;
      const rows = await context.run(DIAGNOSIS_STATEMENTS.warehouseParameters(facts.warehouse));
      const own = Math.ceil(options.statementTimeoutMs / 1_000);
      const short = rows.filter((row) => number(row, 'value') > 0 && number(row, 'value') < own);
      if (short.length === 0) return ok(`None of the warehouse is shorter than the ${own} s of the session.`);
      const named = short.map((row) => `${text(row, 'key')} is ${number(row, 'value')} s`).join(', ');
      return warning(`${named}; the session has ${own} s.`, 'Raise them, or set statementTimeoutMs below them.');
    },
  },
  {
    check: 'warehouse-suspends',
    why: 'A started pod keeps the warehouse awake, even if there is no work, and the warehouse is billed meanwhile.',
    look: (context) => ofUsage(context, () => suspends(context)),
  },
  {
    check: 'cost-last-day',
    why: 'The queue tags its statements, so its share of the bill can be found.',
    look: (context) => ofUsage(context, () => cost(context)),
  },
]);

async function suspends(context: AccountContext): Promise<Observation | undefined> {
  const { warehouse } = context.parts.facts;
  if (warehouse === null) return undefined;
  const [events] = await context.run(DIAGNOSIS_STATEMENTS.warehouseEvents, { warehouse });
  const [billed] = await context.run(DIAGNOSIS_STATEMENTS.warehouseCost, { warehouse });
  const times = number(events, 'SUSPENDS');
  const hours = number(billed, 'HOURS');
  const message =
    `In the last day ${warehouse} was suspended ${times} times, and billed in ${hours} of 24 hours: ` +
    `${credits(number(billed, 'CREDITS'))}. The views lag behind by up to 3 hours.`;
  if (times > 0 || hours < ALWAYS_ON_HOURS) return ok(message);
  return warning(
    message,
    'Check auto-suspend and who else uses the warehouse, and stop the pods while no work is expected.',
  );
}

async function cost(context: AccountContext): Promise<Observation> {
  const { queryTag } = context.parts.options;
  const [row] = await context.run(DIAGNOSIS_STATEMENTS.queueCost, { tag: queryTag });
  const used = number(row, 'CREDITS');
  const message =
    `${credits(used)} in the last day, for ${number(row, 'SENT')} statements with QUERY_TAG ${queryTag}. Statements below ` +
    '100 ms and idle time are not included, and the view lags behind by up to 8 hours.';
  if (used <= DAY_OF_X_SMALL) return ok(message);
  return warning(message, 'See the page Snowflake: raise the intervals, or use one fleet of fewer, larger pods.');
}

async function ofWarehouse(
  context: AccountContext,
  look: (row: Row, name: string) => Observation,
): Promise<Observation | undefined> {
  const { warehouse } = context.parts.facts;
  if (warehouse === null) return undefined;
  const row = await context.warehouse();
  return row === undefined ? ok('Not shown to this role.') : look(row, warehouse);
}

/** The queue works without these views, so a role that may not read them is no problem. */
async function ofUsage(
  { parts }: AccountContext,
  look: () => Promise<Observation | undefined>,
): Promise<Observation | undefined> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof DriverError) || !(isMissing(error) || error.code === '003001')) throw error;
    const grant = `GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE ${identifier(parts.facts.role)}`;
    return ok(`Not checked: the role may not read SNOWFLAKE.ACCOUNT_USAGE. To allow it: ${grant}`);
  }
}

/** A word, or a boolean as one: SHOW has both. */
function shown(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'boolean' ? String(value) : text(row, column).toLowerCase();
}

function credits(value: number): string {
  return `${Math.round(value * 1_000) / 1_000} credits`;
}
