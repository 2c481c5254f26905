/** The schemas of recovery. */
import type { Schema } from '../route.js';

export const RECOVERY_SCHEMAS: Readonly<Record<string, Schema>> = {};
