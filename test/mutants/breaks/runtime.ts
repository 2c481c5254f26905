import type { Break } from '../break.js';

export const runtimeBreaks: readonly Break[] = [];
