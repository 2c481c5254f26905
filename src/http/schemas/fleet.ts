/** The schemas of pods, the leader and counts. */
import type { Schema } from '../route.js';

export const FLEET_SCHEMAS: Readonly<Record<string, Schema>> = {};
