import type { Break } from '../break.js';

export const facadeBreaks: readonly Break[] = [];
