import type { Break } from '../break.js';

export const stepBreaks: readonly Break[] = [];
