/** The named schemas of the API, as the document shows them under `components/schemas`. */
import type { Schema } from './route.js';
import { FLEET_SCHEMAS } from './schemas/fleet.js';
import { PROBLEM } from './schemas/problem.js';
import { PROBE_SCHEMAS } from './schemas/probes.js';
import { RECOVERY_SCHEMAS } from './schemas/recovery.js';
import { STEP_SCHEMAS } from './schemas/steps.js';

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: PROBLEM,
  ...STEP_SCHEMAS,
  ...FLEET_SCHEMAS,
  ...RECOVERY_SCHEMAS,
  ...PROBE_SCHEMAS,
};
