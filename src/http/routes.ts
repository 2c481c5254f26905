/** The table of all routes. */
import type { ResolvedOptions } from './options.js';
import type { Route } from './route.js';
import { DOCUMENT_ROUTE } from './routes/document.js';
import { FLEET_ROUTES } from './routes/fleet.js';
import { METRICS_ROUTE } from './routes/metrics.js';
import { ORIGINAL_ADMIN_ROUTES } from './routes/original-admin.js';
import { ORIGINAL_STEP_ROUTES } from './routes/original-steps.js';
import { PROBES } from './routes/probes.js';
import { RECOVERY_ROUTES } from './routes/recovery.js';
import { STEP_ACTION_ROUTES } from './routes/step-actions.js';
import { batchRoute, STEP_ROUTES } from './routes/steps.js';

/** The routes of a handler with these options. */
export function routesOf({ maxSteps, metrics }: Pick<ResolvedOptions, 'maxSteps' | 'metrics'>): readonly Route[] {
  return [
    ...PROBES,
    ...ORIGINAL_STEP_ROUTES,
    ...ORIGINAL_ADMIN_ROUTES,
    batchRoute(maxSteps), // before the route of one step, which matches its path too
    ...STEP_ROUTES,
    ...STEP_ACTION_ROUTES,
    ...FLEET_ROUTES,
    ...RECOVERY_ROUTES,
    ...(metrics === undefined ? [] : [METRICS_ROUTE]),
    DOCUMENT_ROUTE,
  ];
}
