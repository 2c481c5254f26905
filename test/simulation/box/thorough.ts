/**
 * The plan of each eighth seed is carried out thoroughly: its pods try each privilege when they open the tables, they make all their log
 * lines, and its fleet runs on for long when everything is done. Elsewhere this would take a third of the time, and a seed
 * more finds more.
 */
import type { Plan } from '../plan/plan.js';

const EACH = 8;

export function isThorough({ seed }: Plan): boolean {
  return seed % EACH === 0;
}
