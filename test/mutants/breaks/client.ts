import type { Break } from '../break.js';

export const clientBreaks: readonly Break[] = [];
