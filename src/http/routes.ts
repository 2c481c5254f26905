/** The table of all routes. */
import type { Route } from './route.js';
import { DOCUMENT_ROUTE } from './routes/document.js';
import { METRICS_ROUTE } from './routes/metrics.js';
import { ORIGINAL_STEP_ROUTES } from './routes/original-steps.js';
import { PROBES } from './routes/probes.js';

export const ROUTES: readonly Route[] = [...PROBES, ...ORIGINAL_STEP_ROUTES, METRICS_ROUTE, DOCUMENT_ROUTE];
