import type { Break } from '../break.js';

export const sqliteBreaks: readonly Break[] = [];
