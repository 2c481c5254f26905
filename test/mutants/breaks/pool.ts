import type { Break } from '../break.js';

export const poolBreaks: readonly Break[] = [];
