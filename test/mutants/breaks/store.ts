import type { Break } from '../break.js';

export const storeBreaks: readonly Break[] = [];
