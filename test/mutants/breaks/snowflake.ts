import type { Break } from '../break.js';

export const snowflakeBreaks: readonly Break[] = [];
