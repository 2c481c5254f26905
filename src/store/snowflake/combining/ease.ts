/**
 * How much longer than planned the interval between a pod's exchanges is, because the table's lock turned its INSERTs away.
 *
 * Each refusal lengthens the interval by half, up to sixfold. Each request that was not refused shortens it by a fifth. A
 * longer pause before the next try of one INSERT alone is not enough: then the same statements only come back later.
 */
const LONGER = 1.5;
const SHORTER = 0.8;
const MOST = 6;

/** A factor of the interval, from 1. */
export const NO_EASE = 1;

/** @param refusals how often the INSERT of a request was refused before it went through */
export function easeAfter(ease: number, refusals: number): number {
  return refusals === 0 ? Math.max(NO_EASE, ease * SHORTER) : Math.min(MOST, ease * LONGER ** refusals);
}
