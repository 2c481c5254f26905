import type { Break } from '../break.js';

export const fleetBreaks: readonly Break[] = [];
