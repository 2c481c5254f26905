/** The warehouse that is used, as SHOW WAREHOUSES describes it, and what an hour of it costs. */
import type { Row } from './session.js';

export interface Warehouse {
  readonly name: string;
  readonly size: string;
  readonly state: string;
  /** `undefined`: it never suspends by itself. */
  readonly autoSuspendSeconds: number | undefined;
  readonly autoResume: boolean;
  /** Of all its clusters. */
  readonly creditsPerHour: number;
}

/** Credits an hour of a standard warehouse, from Snowflake's price list. */
const CREDITS: Readonly<Record<string, number>> = {
  ...{ xsmall: 1, small: 2, medium: 4, large: 8, xlarge: 16 },
  ...{ '2xlarge': 32, '3xlarge': 64, '4xlarge': 128, '5xlarge': 256, '6xlarge': 512 },
};
/** Gen2 and Snowpark-optimized warehouses cost more: the highest factor of any cloud. */
const HIGHEST_FACTOR = 1.5;

/** @returns `undefined` if its price is not known, such as that of an adaptive warehouse */
export function warehouseFrom(row: Row): Warehouse | undefined {
  const text = (column: string): string => {
    const value = row[column] ?? row[column.toUpperCase()];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const credits =
    CREDITS[
      text('size')
        .toLowerCase()
        .replace(/^x-large$/, 'xlarge')
        .replace(/[^a-z0-9]/g, '')
    ];
  if (credits === undefined) return undefined;
  const isStandard =
    /^(standard)?$/i.test(text('type')) && /^(null|standard_gen_1)?$/i.test(text('resource_constraint'));
  const seconds = Number(text('auto_suspend'));
  return {
    name: text('name'),
    size: text('size'),
    state: text('state').toUpperCase(),
    autoResume: text('auto_resume').toLowerCase() === 'true',
    autoSuspendSeconds: seconds > 0 ? seconds : undefined,
    creditsPerHour: credits * (isStandard ? 1 : HIGHEST_FACTOR) * Math.max(1, Number(text('max_cluster_count')) || 1),
  };
}
